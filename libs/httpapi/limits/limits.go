// Package limits refuses work early, while refusing is still cheap.
//
//  1. Whatever waits has a place in a queue of a fixed length and a fixed patience. Who finds no place is told
//     so at once, and told when to come again.
//  2. What is remembered about callers (their rate, their failures) is remembered about the latest so many.
//     A flood of new callers makes the service forget the oldest, never grow.
//  3. A caller has a share of the places, and no more: who goes slowly waits for themselves, not for everybody.
package limits

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/libs/problem"
)

// overloadedFor is what a refused caller is asked to wait. Batches of the log take milliseconds: a second is
// long enough for the queue to have moved on.
const overloadedFor = time.Second

// Gate lets a fixed number in at the same time; a fixed number more may wait for a while.
type Gate struct {
	places   chan struct{}
	queue    int64
	patience time.Duration
	waiting  atomic.Int64
}

// GateOptions sizes a gate. All of them are needed.
type GateOptions struct {
	// Width is how many are inside at the same time.
	Width int
	// Queue is how many may wait for a place.
	Queue int
	// Patience is how long each of them waits at most.
	Patience time.Duration
}

// NewGate returns an open gate.
func NewGate(o GateOptions) *Gate {
	return &Gate{places: make(chan struct{}, max(1, o.Width)), queue: int64(o.Queue), patience: o.Patience}
}

// Enter takes a place, which [Gate.Leave] gives back. The error is a problem "overloaded" with a time to come
// again, or ctx's own.
func (g *Gate) Enter(ctx context.Context) error {
	select {
	case g.places <- struct{}{}:
		return nil
	default:
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.queue {
		return Overloaded()
	}
	patience := time.NewTimer(g.patience)
	defer patience.Stop()
	select {
	case g.places <- struct{}{}:
		return nil
	case <-patience.C:
		return Overloaded()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Leave gives the place back.
func (g *Gate) Leave() { <-g.places }

// Inside counts the places that are taken.
func (g *Gate) Inside() int { return len(g.places) }

// Overloaded refuses who finds no room, and says when to come again.
func Overloaded() error {
	return &problem.Problem{
		Kind: problem.Unavailable, Code: "overloaded",
		Detail:     "the service has more to do than it can; try again shortly",
		DetailVI:   "hệ thống đang quá tải; xin thử lại sau ít phút",
		RetryAfter: overloadedFor,
	}
}
