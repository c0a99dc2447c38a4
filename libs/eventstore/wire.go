package eventstore

import (
	"encoding/binary"
	"time"
)

// Types of the elements of arrays, as PostgreSQL numbers them.
const (
	oidBytea       = 17
	oidInt8        = 20
	oidInt4        = 23
	oidText        = 25
	oidTimestamptz = 1184
	oidJSONB       = 3802
)

const (
	noElement    = -1 // the length of a null
	jsonbVersion = 1
	epochMicros  = 946_684_800_000_000 // PostgreSQL counts from 2000-01-01
)

// wire builds parameters in PostgreSQL's binary format, one after the other in a buffer that is used again. A batch has
// nineteen arrays; pgx's own encoder, which has to find out what it was given, costs as much as all the rest.
type wire struct {
	buf  []byte
	ends []int
}

func (w *wire) reset() { w.buf, w.ends = w.buf[:0], w.ends[:0] }

// end closes a parameter.
func (w *wire) end() { w.ends = append(w.ends, len(w.buf)) }

// values are the parameters. They are valid until the next reset.
func (w *wire) values() [][]byte {
	values, from := make([][]byte, len(w.ends)), 0
	for i, end := range w.ends {
		values[i], from = w.buf[from:end:end], end
	}
	return values
}

// array opens an array of n elements.
func (w *wire) array(oid, n int) {
	dimensions := 1
	if n == 0 {
		dimensions = 0
	}
	w.int4(dimensions)
	w.int4(1) // there may be nulls
	w.int4(oid)
	if n > 0 {
		w.int4(n)
		w.int4(1) // the first index
	}
}

func (w *wire) int4(n int)     { w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(n)) }
func (w *wire) int8(n int64)   { w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(n)) }
func (w *wire) int4s(n int)    { w.int4(4); w.int4(n) }
func (w *wire) int8s(n int64)  { w.int4(8); w.int8(n) }
func (w *wire) texts(s string) { w.int4(len(s)); w.buf = append(w.buf, s...) }
func (w *wire) jsonbs(b []byte) {
	w.int4(1 + len(b))
	w.buf = append(append(w.buf, jsonbVersion), b...)
}

func (w *wire) byteas(b []byte) {
	if b == nil {
		w.int4(noElement)
		return
	}
	w.int4(len(b))
	w.buf = append(w.buf, b...)
}

func (w *wire) times(t time.Time) {
	if t.IsZero() {
		w.int4(noElement)
		return
	}
	w.int8s(t.UnixMicro() - epochMicros)
}
