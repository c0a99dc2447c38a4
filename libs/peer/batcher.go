package peer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// gather is how long a question waits for others to go with it, unless Batching says otherwise.
	gather = 2 * time.Millisecond
	// together is how many keys one call asks for at most, unless Batching says otherwise.
	together = 200
)

// Batching tunes a [Batcher]. The zero value works.
type Batching struct {
	// Gather is how long a question waits for others; 2 ms if zero. It should be little beside the call itself.
	Gather time.Duration
	// Most is how many different keys one call asks for; 200 if zero.
	Most int
}

// Batcher lets questions for single keys go together in one call. Keys that are asked for twice at the same time are
// asked once.
type Batcher[K comparable, V any] struct {
	batching Batching
	ask      func(ctx context.Context, keys []K) (map[K]V, error)

	mu      sync.Mutex
	waiting *call[K, V]
}

// call is one question, for everybody who joined it.
type call[K comparable, V any] struct {
	keys   []K
	asked  map[K]bool
	full   chan struct{}
	done   chan struct{}
	answer map[K]V
	err    error
}

// NewBatcher returns a Batcher over ask, which is given different keys in the order in which they came, and answers for
// those that it knows. ask has to end by itself, in a time that callers can bear.
func NewBatcher[K comparable, V any](b Batching, ask func(ctx context.Context, keys []K) (map[K]V, error)) *Batcher[K, V] {
	if b.Gather <= 0 {
		b.Gather = gather
	}
	if b.Most <= 0 {
		b.Most = together
	}
	return &Batcher[K, V]{batching: b, ask: ask}
}

// Ask returns what is known of a key; false when the other side does not know it. Its error is that of the whole call.
func (b *Batcher[K, V]) Ask(ctx context.Context, key K) (V, bool, error) {
	var none V
	c, first := b.join(key)
	if first {
		b.lead(ctx, c)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		return none, false, fmt.Errorf("ask with others: %w", ctx.Err())
	}
	if c.err != nil {
		return none, false, c.err
	}
	found, known := c.answer[key]
	return found, known, nil
}

// join adds a key to the call that is being gathered, or begins one.
func (b *Batcher[K, V]) join(key K) (c *call[K, V], first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		first = true
		b.waiting = &call[K, V]{asked: map[K]bool{}, full: make(chan struct{}), done: make(chan struct{})}
	}
	c = b.waiting
	if !c.asked[key] {
		c.asked[key] = true
		c.keys = append(c.keys, key)
	}
	if len(c.keys) == b.batching.Most {
		close(c.full)
		b.waiting = nil // the next one begins another call
	}
	return c, first
}

var errPanicked = errors.New("the call panicked")

// lead gathers until the time is over or the call is full, and asks for everybody. The call outlives its leader's
// context, since others wait for it too.
func (b *Batcher[K, V]) lead(ctx context.Context, c *call[K, V]) {
	c.err = errPanicked // for those who wait; the panic itself goes on to whoever leads
	defer close(c.done)
	timer := time.NewTimer(b.batching.Gather)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.full:
	case <-ctx.Done():
	}
	b.mu.Lock()
	if b.waiting == c {
		b.waiting = nil
	}
	b.mu.Unlock()
	c.answer, c.err = b.ask(context.WithoutCancel(ctx), c.keys)
}
