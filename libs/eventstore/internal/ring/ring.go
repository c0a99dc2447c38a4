// Package ring holds the last facts that this process appended, so that whoever follows the log closely need not ask
// the database for them.
//
//  1. What it holds is dense: positions first, first+1, first+2, ... When another process has appended in between, what
//     was there before the hole is forgotten.
//  2. It is bounded by number and by bytes; the oldest go first.
//  3. It answers for a position only if it holds the very next one. Everybody else reads the database.
package ring

import "sync"

// Ring is safe for concurrent use. Its items are shared by all who read them, and are not to be changed.
type Ring[T any] struct {
	most      int
	mostBytes int

	mu    sync.RWMutex
	items []sized[T] // a circle; count of them, from start on, are in use
	start int
	count int
	bytes int
	first int64 // position of the oldest
}

type sized[T any] struct {
	item  T
	bytes int
}

// New returns an empty ring for so many items of so many bytes.
func New[T any](most, mostBytes int) *Ring[T] {
	return &Ring[T]{most: most, mostBytes: mostBytes, items: make([]sized[T], most)}
}

// Add appends the item of a position. One that is there already, or is older, changes nothing.
func (r *Ring[T]) Add(position int64, item T, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.first + int64(r.count)
	switch {
	case r.count > 0 && position < next:
		return
	case r.count == 0 || position > next:
		r.drop(r.count)
		r.first = position
	}
	if r.count == r.most {
		r.drop(1)
	}
	r.items[(r.start+r.count)%r.most] = sized[T]{item, bytes}
	r.count++
	for r.bytes += bytes; r.bytes > r.mostBytes && r.count > 1; {
		r.drop(1)
	}
}

// Clear forgets all.
func (r *Ring[T]) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(r.count)
}

// drop forgets the n oldest.
func (r *Ring[T]) drop(n int) {
	for range n {
		r.bytes -= r.items[r.start].bytes
		r.items[r.start] = sized[T]{}
		r.start = (r.start + 1) % r.most
		r.count--
		r.first++
	}
}

// After returns up to limit items from the one after a position on; none if it does not hold that one.
func (r *Ring[T]) After(position int64, limit int) []T {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.from(position+1-r.first, limit)
}

// Since is After for who can do without what was forgotten: it returns items from later positions then.
func (r *Ring[T]) Since(position int64, limit int) []T {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.from(max(0, position+1-r.first), limit)
}

func (r *Ring[T]) from(skip int64, limit int) []T {
	if skip < 0 || skip >= int64(r.count) {
		return nil
	}
	list := make([]T, max(0, min(limit, r.count-int(skip))))
	for i := range list {
		list[i] = r.items[(r.start+int(skip)+i)%r.most].item
	}
	return list
}
