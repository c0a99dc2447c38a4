// Package decider is the shape of all domain code: commands decide, states evolve. It does no I/O.
//
// A state is folded from the facts of one stream. A command looks at the state and at [Meta] and answers with
// the facts that follow, with none when nothing is left to do, or with a problem. Both are plain values, so
// everything difficult about the business is tested without a database: see decidertest.
package decider

import (
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
)

// Meta is what a decision may know about the call besides its command.
type Meta struct {
	// At is when the call was made, by the service's injected clock.
	At time.Time
	// Actor is the principal who asked.
	Actor string
	// Cause is what made the call happen; see [events.Meta].
	Cause string
	// Correlation is the ID of the start of the chain.
	Correlation string
	// Trace is the W3C traceparent.
	Trace string
	// Fingerprint is the keyed digest of the request body; see [events.Meta].
	Fingerprint string
	// Bulk says that this is one of many commands that somebody sent together, who has time: where a single one would be refused
	// for want of room, it waits. It is not stored.
	Bulk bool
}

// Recorded returns the part of m that is stored with each fact.
func (m Meta) Recorded() events.Meta {
	return events.Meta{
		Cause: m.Cause, Correlation: m.Correlation, Actor: m.Actor, Trace: m.Trace,
		Fingerprint: m.Fingerprint, OccurredAt: m.At,
	}
}

// Command decides which facts follow from a state. No facts means: nothing left to do.
type Command[S any] interface {
	Decide(state S, meta Meta) ([]events.Event, error)
}

// State is folded from facts. Its zero value is the state before the first fact.
type State[S any] interface {
	Evolve(e events.Event) S
}

// Fold replays history onto s.
func Fold[S State[S]](s S, history ...events.Event) S {
	for _, e := range history {
		s = s.Evolve(e)
	}
	return s
}

// Unknown is what Evolve panics with when it meets a fact that it has no case for: a decision over a
// history that was not understood would be a guess. [decidertest.EvolvesAll] finds it in the first test.
func Unknown(e events.Event) string { return fmt.Sprintf("no case for %s", e.EventName()) }
