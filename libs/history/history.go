// Package history shows the life of one thing (a stay, a beneficiary, an instruction) as the API answers with it: the
// facts of its stream, as they stand in the log.
//
// Facts hold references instead of people, so a history may be shown to whoever may know of the thing. Who that is, the
// service has decided before it asks for one.
package history

import (
	"time"

	"github.com/songan-vn/songan/events"
)

// Step is one fact.
type Step struct {
	Version    int          `json:"version"`
	Position   int64        `json:"position"`
	Type       string       `json:"type"`
	Actor      string       `json:"actor"`
	OccurredAt time.Time    `json:"occurred_at"`
	RecordedAt time.Time    `json:"recorded_at"`
	Fact       events.Event `json:"fact" doc:"the fact as it stands in the log; people are references"`
}

// History is everything that happened, oldest first.
type History struct {
	Items []Step `json:"items"`
}

// Of shows what a stream holds.
func Of(recorded []events.Recorded) History {
	h := History{Items: make([]Step, 0, len(recorded))}
	for _, r := range recorded {
		h.Items = append(h.Items, StepOf(r))
	}
	return h
}

// StepOf shows one fact, for answers that say more about each of them.
func StepOf(r events.Recorded) Step {
	return Step{
		Version: r.Version, Position: r.Position, Type: r.Event.EventName(), Actor: r.Meta.Actor,
		OccurredAt: r.Meta.OccurredAt, RecordedAt: r.RecordedAt, Fact: r.Event,
	}
}
