// Package recent remembers what was asked for last, within bounds.
package recent

import (
	"container/list"
	"sync"
)

const (
	recentBytes    = 12 << 20  // of all streams that are kept
	longestBytes   = 384 << 10 // of one stream: longer ones would push out too many others
	streamOverhead = 300       // bytes of a stream beside its name and rows, about
)

// Recent keeps the streams that this process appended to last, as they lie in the table, because the next
// command often follows soon. What it holds may be out of date, so it only ever serves to decide what is appended
// next: the version check then proves that it was not.
type Recent[R any] struct {
	mu      sync.Mutex
	streams map[string]*list.Element
	order   list.List // of *kept[R], the latest in front
	bytes   int
	weigh   func(R) int
}

type kept[R any] struct {
	stream  string
	session int64
	rows    []R
	bytes   int
}

// New remembers nothing yet. weigh tells about how many bytes of memory a row takes, all in all.
func New[R any](weigh func(R) int) *Recent[R] {
	return &Recent[R]{streams: map[string]*list.Element{}, weigh: weigh}
}

// Rows returns what is kept of a stream, and the session with the database in which it was so. The caller must not change
// it.
func (r *Recent[R]) Rows(stream string) (rows []R, session int64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.streams[stream]
	if !ok {
		return nil, 0, false
	}
	r.order.MoveToFront(e)
	k := e.Value.(*kept[R])
	return k.rows, k.session, true
}

// Keep remembers all rows of a stream as they were in a session with the database, unless it knows of more, and forgets the
// streams that were not asked for the longest time.
func (r *Recent[R]) Keep(stream string, session int64, rows []R) {
	k := &kept[R]{stream: stream, session: session, rows: rows, bytes: streamOverhead + len(stream)}
	for _, row := range rows {
		k.bytes += r.weigh(row)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.streams[stream]; e != nil {
		if was := e.Value.(*kept[R]); was.session == session && len(was.rows) > len(rows) {
			return
		}
		r.drop(e)
	}
	if k.bytes > longestBytes {
		return
	}
	r.streams[stream] = r.order.PushFront(k)
	for r.bytes += k.bytes; r.bytes > recentBytes; {
		r.drop(r.order.Back())
	}
}

// Forget drops a stream.
func (r *Recent[R]) Forget(stream string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(r.streams[stream])
}

// Clear forgets all.
func (r *Recent[R]) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.streams)
	r.order.Init()
	r.bytes = 0
}

func (r *Recent[R]) drop(e *list.Element) {
	if e == nil {
		return
	}
	k := r.order.Remove(e).(*kept[R])
	delete(r.streams, k.stream)
	r.bytes -= k.bytes
}
