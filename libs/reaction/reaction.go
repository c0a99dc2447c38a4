// Package reaction turns facts of other services, and some of our own, into commands.
//
//  1. A reaction handles one kind of fact; see [On]. Facts that nobody handles pass by.
//  2. Facts of one stream come one after the other, those of different streams at the same time.
//  3. Every fact comes at least once. The command that a reaction gives has the fact's ID as its cause (see [Meta]),
//     so that the second time changes nothing.
//  4. Progress stands in PostgreSQL. A new consumer begins with the first fact there is; a fact that was handled is not
//     handed out again, whatever is rebuilt or restarted.
//  5. A fact that fails again and again goes to quarantine, with the reason, and does not stop the others. The facts of
//     its own key that follow are parked behind it, because they must not overtake it.
//  6. A dependency that is away is not the fact's fault: such a fact waits, with its key, for as long as it takes, and
//     is never quarantined. The same holds for being shut down, for time-outs and for lost races.
//  7. An operator releases a fact (it is handled again, and those behind it, in order) or discards it, with a reason.
//  8. A panic is an error of one fact. A handler ends within its time, and soon after a shutdown has begun.
//
// It runs on a Watermill router over kafkabus, which reads facts of others from Kafka and a service's own from its log.
package reaction

import (
	"context"
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
)

// Handler is what is done about one kind of fact; made by [On].
type Handler struct {
	event  string
	handle func(context.Context, events.Recorded) error
}

// On handles the facts of type E. The context ends when the time for one attempt is over. An error is tried again
// some times and then quarantined, unless it says that something is away.
func On[E events.Event](handle func(context.Context, events.Recorded, E) error) Handler {
	var zero E
	return Handler{event: zero.EventName(), handle: func(ctx context.Context, r events.Recorded) error {
		e, ok := r.Event.(E)
		if !ok {
			return fmt.Errorf("fact %s is a %T instead of a %T", r.ID(), r.Event, zero)
		}
		return handle(ctx, r, e)
	}}
}

// OnAll handles several facts in one way.
func OnAll(facts []events.Event, handle func(context.Context, events.Recorded) error) []Handler {
	handlers := make([]Handler, len(facts))
	for i, e := range facts {
		handlers[i] = Handler{event: e.EventName(), handle: handle}
	}
	return handlers
}

// Try hands one fact to a handler, as a consumer would: for the tests of services.
func Try(ctx context.Context, h Handler, r events.Recorded) error {
	if name := r.Event.EventName(); name != h.event {
		return fmt.Errorf("the handler of %s got %s", h.event, name)
	}
	return h.handle(ctx, r)
}

// Meta is the meta of a command that reacts to a fact: caused by it, and part of the same chain.
func Meta(r events.Recorded, actor string, now time.Time) decider.Meta {
	correlation := r.Meta.Correlation
	if correlation == "" {
		correlation = r.ID()
	}
	return decider.Meta{At: now, Actor: actor, Cause: r.ID(), Correlation: correlation, Trace: r.Meta.Trace}
}
