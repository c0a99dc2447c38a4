// Package channel is the way to one bank, which an operator may close for a while.
//
//  1. Paused means that nothing is sent to this bank. What is to be sent waits, and nothing is lost.
//  2. What the bank reports is heard all the same: it is about money that is out.
//  3. Pausing what is paused, and resuming what runs, change nothing.
package channel

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/decider"
)

// Stream is the name of the stream of a bank.
func Stream(bic string) string { return "bank-" + bic }

// Channel is the folded state. Its zero value is one that runs.
type Channel struct {
	Paused bool
	// Note is the vault reference of the operator's reason.
	Note string
}

// Evolve is the whole state machine on one screen.
func (c Channel) Evolve(e events.Event) Channel {
	switch e := e.(type) {
	case bankgateway.BankPaused:
		c.Paused, c.Note = true, e.Note
	case bankgateway.BankResumed:
		c.Paused, c.Note = false, ""
	default:
		panic(decider.Unknown(e))
	}
	return c
}

// Command is a command on a channel.
type Command = decider.Command[Channel]

// Pause stops sending.
type Pause bankgateway.BankPaused

// Decide pauses what runs.
func (p Pause) Decide(c Channel, _ decider.Meta) ([]events.Event, error) {
	if c.Paused {
		return nil, nil
	}
	return []events.Event{bankgateway.BankPaused(p)}, nil
}

// Resume sends again.
type Resume bankgateway.BankResumed

// Decide resumes what is paused.
func (r Resume) Decide(c Channel, _ decider.Meta) ([]events.Event, error) {
	if !c.Paused {
		return nil, nil
	}
	return []events.Event{bankgateway.BankResumed(r)}, nil
}
