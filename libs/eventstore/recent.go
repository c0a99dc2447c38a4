package eventstore

import (
	"container/list"
	"sync"
)

const (
	recentBytes  = 8 << 20   // of all streams that are kept
	longestBytes = 256 << 10 // of one stream: longer ones would push out too many others
	rowOverhead  = 400       // bytes of a row beside its data, about
)

// recent keeps the streams that this process appended to last, as they lie in the table, because the next
// command often follows soon. What it holds may be out of date, so it only ever serves to decide what is appended
// next: the version check then proves that it was not.
type recent struct {
	mu      sync.Mutex
	streams map[string]*list.Element
	order   list.List // of *kept, the latest in front
	bytes   int
}

type kept struct {
	stream string
	rows   []row
	bytes  int
}

func newRecent() *recent { return &recent{streams: map[string]*list.Element{}} }

// rows returns what is kept of a stream. The caller must not change it.
func (r *recent) rows(stream string) (rows []row, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.streams[stream]
	if !ok {
		return nil, false
	}
	r.order.MoveToFront(e)
	return e.Value.(*kept).rows, true
}

// keep remembers all rows of a stream, and forgets the streams that were not asked for the longest time.
func (r *recent) keep(stream string, rows []row) {
	k := &kept{stream: stream, rows: rows, bytes: len(stream)}
	for _, row := range rows {
		k.bytes += rowOverhead + len(row.data) + len(row.meta)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(r.streams[stream])
	if k.bytes > longestBytes {
		return
	}
	r.streams[stream] = r.order.PushFront(k)
	for r.bytes += k.bytes; r.bytes > recentBytes; {
		r.drop(r.order.Back())
	}
}

func (r *recent) forget(stream string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(r.streams[stream])
}

func (r *recent) drop(e *list.Element) {
	if e == nil {
		return
	}
	k := r.order.Remove(e).(*kept)
	delete(r.streams, k.stream)
	r.bytes -= k.bytes
}
