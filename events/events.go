// Package events holds the contracts between services: the facts each of them records and publishes.
//
//  1. A fact is a plain struct with JSON tags. It says what happened, in the past participle.
//  2. Its stored name is written by hand and versioned ("accommodation.stay_notified.v1"); a new shape is a
//     new name with an upcast, and the old golden files must still load.
//  3. A fact carries no personal data. People stand in the vault of the service that met them, and a fact
//     names them by reference.
//  4. Facts that must never leave their service implement [Private]; the relay does not publish them.
package events

import (
	"strconv"
	"strings"
	"time"
)

// Event is a fact. Its name is part of the contract and never derived from a Go type name.
type Event interface{ EventName() string }

// Upcaster is implemented by an old shape of a fact. [Catalog.Decode] calls it, so that
// domain code only ever sees the newest shape.
type Upcaster interface{ Upcast() Event }

// Private marks a fact that never leaves its service, such as the hash of an API key.
type Private interface {
	Event
	Private()
}

// Meta says how a fact came about.
type Meta struct {
	// Cause is what made it happen: a name derived from the idempotency key of a request, or the ID of
	// the fact that was reacted to. It is unique per stream, which is what makes a repeat harmless.
	Cause string `json:"cause,omitempty"`
	// Correlation is the ID of the request or fact at the start of the whole chain.
	Correlation string `json:"correlation,omitempty"`
	// Actor is the principal who asked ("facility:<id>", "officer:<id>", "service:identity").
	Actor string `json:"actor,omitempty"`
	// Trace is the W3C traceparent of the request.
	Trace string `json:"trace,omitempty"`
	// Fingerprint is a keyed digest of the request body. A second body under the same cause is told
	// apart by it. It is stored in the log and never published.
	Fingerprint string `json:"fingerprint,omitempty"`
	// OccurredAt is when the decision was taken, by the service's clock.
	OccurredAt time.Time `json:"occurred_at"`
}

// Recorded is a fact as it was stored: the fact itself, and where and when it was recorded.
type Recorded struct {
	// Position orders all facts of one service: 1, 2, 3, ... without holes, in commit order.
	Position int64
	Stream   string
	// Version orders the facts of one stream: 1, 2, 3, ...
	Version    int
	Meta       Meta
	RecordedAt time.Time
	Event      Event
}

// ID names the fact for ever and everywhere: "<service>/<stream>/<version>".
func (r Recorded) ID() string {
	return Service(r.Event.EventName()) + "/" + r.Stream + "/" + strconv.Itoa(r.Version)
}

// Service returns the service that a fact's stored name belongs to: "accommodation" for
// "accommodation.stay_notified.v1".
func Service(eventName string) string {
	service, _, _ := strings.Cut(eventName, ".")
	return service
}
