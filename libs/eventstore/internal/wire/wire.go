// Package wire writes parameters, and rows to copy, the way PostgreSQL sends them.
package wire

import (
	"bytes"
	"encoding/binary"
	"io"
	"time"
)

// Types of the elements of arrays, as PostgreSQL numbers them.
const (
	Bytea       = 17
	Int8        = 20
	Int4        = 23
	Text        = 25
	Timestamptz = 1184
	JSON        = 114
)

const (
	noElement   = -1                  // the length of a null
	epochMicros = 946_684_800_000_000 // PostgreSQL counts from 2000-01-01
)

// Wire builds parameters in PostgreSQL's binary format, one after the other in a buffer that is used again. A batch has
// up to nineteen arrays; pgx's own encoder, which has to find out what it was given, costs as much as all the rest.
type Wire struct {
	buf  []byte
	ends []int
}

// Reset begins anew, in the same memory.
func (w *Wire) Reset() { w.buf, w.ends = w.buf[:0], w.ends[:0] }

// End closes a parameter.
func (w *Wire) End() { w.ends = append(w.ends, len(w.buf)) }

// Values are the parameters. They are valid until the next reset.
func (w *Wire) Values() [][]byte {
	values, from := make([][]byte, len(w.ends)), 0
	for i, end := range w.ends {
		values[i], from = w.buf[from:end:end], end
	}
	return values
}

// Array opens an array of n elements.
func (w *Wire) Array(oid, n int) {
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

// OpenRows begins what COPY takes in its binary format: rows, and nothing else.
func (w *Wire) OpenRows() {
	const flags, extension = 0, 0
	w.buf = append(w.buf, "PGCOPY\n\xff\r\n\x00"...)
	w.int4(flags)
	w.int4(extension)
}

// Row opens a row of n columns, each of which is written like an element of an array.
func (w *Wire) Row(n int) { w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(n)) } //nolint:gosec // a table has some columns

// CloseRows ends the rows.
func (w *Wire) CloseRows() { w.buf = append(w.buf, 0xff, 0xff) }

// Reader reads what was written. It is valid until the next reset.
func (w *Wire) Reader() io.Reader { return bytes.NewReader(w.buf) }

func (w *Wire) int4(n int)   { w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(n)) }
func (w *Wire) int8(n int64) { w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(n)) }

// Int4s adds an element to an array, as all that follow.
func (w *Wire) Int4s(n int) { w.int4(4); w.int4(n) }

// Int8s adds an int8.
func (w *Wire) Int8s(n int64) { w.int4(8); w.int8(n) }

// Texts adds a text.
func (w *Wire) Texts(s string) { w.int4(len(s)); w.buf = append(w.buf, s...) }

// Byteas adds bytes, or JSON; nil is null.
func (w *Wire) Byteas(b []byte) {
	if b == nil {
		w.int4(noElement)
		return
	}
	w.int4(len(b))
	w.buf = append(w.buf, b...)
}

// Times adds an instant; zero is null.
func (w *Wire) Times(t time.Time) {
	if t.IsZero() {
		w.int4(noElement)
		return
	}
	w.Int8s(t.UnixMicro() - epochMicros)
}
