package limits

import (
	"container/list"
	"sync"
)

// Recent remembers values by key, the most recently used so many of them. It is safe for concurrent use.
type Recent[V any] struct {
	mu    sync.Mutex
	most  int
	order *list.List // of *remembered[V], the latest first
	byKey map[string]*list.Element
}

type remembered[V any] struct {
	key   string
	value V
}

// NewRecent returns an empty memory of at most so many values.
func NewRecent[V any](most int) *Recent[V] {
	return &Recent[V]{most: max(1, most), order: list.New(), byKey: map[string]*list.Element{}}
}

// Get returns the value of a key and makes it the most recent.
func (r *Recent[V]) Get(key string) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.byKey[key]; ok {
		r.order.MoveToFront(e)
		return e.Value.(*remembered[V]).value, true
	}
	var zero V
	return zero, false
}

// GetOrAdd returns the value of a key, or adds a new one.
func (r *Recent[V]) GetOrAdd(key string, fresh func() V) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.byKey[key]; ok {
		r.order.MoveToFront(e)
		return e.Value.(*remembered[V]).value
	}
	value := fresh()
	r.add(key, value)
	return value
}

// Put remembers a value, and forgets the least recent one when there are too many.
func (r *Recent[V]) Put(key string, value V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.byKey[key]; ok {
		e.Value.(*remembered[V]).value = value
		r.order.MoveToFront(e)
		return
	}
	r.add(key, value)
}

func (r *Recent[V]) add(key string, value V) {
	r.byKey[key] = r.order.PushFront(&remembered[V]{key, value})
	if r.order.Len() > r.most {
		last := r.order.Back()
		r.order.Remove(last)
		delete(r.byKey, last.Value.(*remembered[V]).key)
	}
}

// Forget drops a key.
func (r *Recent[V]) Forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.byKey[key]; ok {
		r.order.Remove(e)
		delete(r.byKey, key)
	}
}

// Len counts what is remembered.
func (r *Recent[V]) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.order.Len()
}
