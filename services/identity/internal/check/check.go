// Package check is the life of one check of a person against the national population database.
//
//  1. One stream per person reference: a person who is corrected gets a new reference and a new check.
//  2. The register is asked first and its answer put into the command; the fact records what was known.
//  3. An answer that was recorded stays. The register may say something else tomorrow, but the officer must
//     see what was known when the stay was checked; a new check needs a new reference.
package check

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/decider"
)

// Outcome is what the register said.
type Outcome uint8

// The outcomes. The zero outcome means that nobody asked yet.
const (
	Unasked Outcome = iota
	Matched
	Mismatched
	NotFound
	Unavailable
)

// Check is the folded state. Its zero value is a person nobody checked.
type Check struct{ Outcome Outcome }

// Evolve is the whole state machine on one screen.
func (c Check) Evolve(e events.Event) Check {
	switch e.(type) {
	case identity.Matched:
		c.Outcome = Matched
	case identity.Mismatched:
		c.Outcome = Mismatched
	case identity.NotFound:
		c.Outcome = NotFound
	case identity.Unavailable:
		c.Outcome = Unavailable
	default:
		panic(decider.Unknown(e))
	}
	return c
}

// Record notes what the register answered.
type Record struct {
	Subject identity.Subject
	Outcome Outcome
	// Fields names what differs, when the outcome is Mismatched.
	Fields []string
	// Reason says why the person cannot be checked, when the outcome is Unavailable.
	Reason string
}

// Decide records the first answer.
func (c Record) Decide(s Check, _ decider.Meta) ([]events.Event, error) {
	if s.Outcome != Unasked {
		return nil, nil
	}
	switch c.Outcome {
	case Matched:
		return []events.Event{identity.Matched{Subject: c.Subject}}, nil
	case Mismatched:
		return []events.Event{identity.Mismatched{Subject: c.Subject, Fields: c.Fields}}, nil
	case NotFound:
		return []events.Event{identity.NotFound{Subject: c.Subject}}, nil
	default:
		return []events.Event{identity.Unavailable{Subject: c.Subject, Reason: c.Reason}}, nil
	}
}
