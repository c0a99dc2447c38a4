// Package pause waits: for a while, or longer and longer after each failure. It never outlasts its context.
package pause

import (
	"context"
	"time"
)

// For waits for d, or returns the error of a context that ends before.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Backoff waits twice as long after each failure, from First up to Most.
type Backoff struct {
	First, Most time.Duration
	next        time.Duration
	failures    int
}

// Retry is the pace at which Kafka and the database are asked again.
func Retry() Backoff { return Backoff{First: 50 * time.Millisecond, Most: 5 * time.Second} }

// Wait waits after a failure; its error is that of a context that ends before.
func (b *Backoff) Wait(ctx context.Context) error {
	b.failures++
	b.next = min(max(2*b.next, b.First), b.Most)
	return For(ctx, b.next)
}

// Loud tells whether the failure that comes next is worth a line in the log: the first, the second, the fourth, and
// so on, because an outage repeats itself.
func (b *Backoff) Loud() bool { return b.failures&(b.failures+1) == 0 }

// Failures returns how many there were since the last success.
func (b *Backoff) Failures() int { return b.failures }

// Success starts over.
func (b *Backoff) Success() { b.failures, b.next = 0, 0 }
