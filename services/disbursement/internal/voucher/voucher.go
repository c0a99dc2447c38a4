// Package voucher sees to it that a paper counts once: an order of the State Treasury for one list, a receipt for one person.
//
//  1. A paper is a stream, named by its number and by who numbers such papers. Whoever uses it first has it.
//  2. The one that has it may use it again: an order is counted once by its list (package payroll), and a receipt may be for
//     several months of one person.
//  3. A paper is used before what it proves is recorded, so that two cannot be at it. If that is refused then, because
//     somebody else was faster, the use is undone; and a paper of which no use is left is nobody's again.
//  4. Each use is one of its own, also of the same request: undoing one leaves the others.
//  5. Whoever dies between the two leaves a paper that proves nothing. After [Patience] it's anybody's who has looked and found
//     nothing that it proves.
package voucher

import (
	"slices"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// Used says that a paper belongs to a list or to a person. It is private: papers are the business of this service.
type Used struct {
	// Paper is the keyed name of the paper.
	Paper string `json:"paper"`
	// For is the list, or the mark of the person.
	For string `json:"for"`
	// Use is what this use is undone by.
	Use string `json:"use"`
	// At is when it began.
	At time.Time `json:"at"`
}

// EventName is the fact's name in the log.
func (Used) EventName() string { return "disbursement.voucher_used.v1" }

// Private keeps papers in the service.
func (Used) Private() {}

// Undone says that what a paper was used for did not happen. It is private, too.
type Undone struct {
	Paper string `json:"paper"`
	Use   string `json:"use"`
}

// EventName is the fact's name in the log.
func (Undone) EventName() string { return "disbursement.voucher_undone.v1" }

// Private keeps papers in the service.
func (Undone) Private() {}

// PrivateFacts lists the facts that never leave this service.
func PrivateFacts() []events.Event { return []events.Event{Used{}, Undone{}} }

// Stream is where the use of a paper is recorded.
func Stream(paper string) string { return "voucher-" + paper }

// Voucher is the folded state. Its zero value is a paper that nobody uses.
type Voucher struct {
	// For is whose it is.
	For string
	// Uses are those that were not undone.
	Uses []string
	// Last is when the last of them began.
	Last time.Time
}

// Evolve is the whole state machine on one screen.
func (v Voucher) Evolve(e events.Event) Voucher {
	switch e := e.(type) {
	case Used:
		return Voucher{For: e.For, Uses: append(slices.Clip(v.Uses), e.Use), Last: e.At}
	case Undone:
		left := slices.DeleteFunc(slices.Clone(v.Uses), func(use string) bool { return use == e.Use })
		if len(left) == 0 {
			return Voucher{}
		}
		return Voucher{For: v.For, Uses: left, Last: v.Last}
	default:
		panic(decider.Unknown(e))
	}
}

// Use takes a paper.
type Use struct {
	Paper, For string
	// Use is new for each.
	Use string
	// Pointer is where in the request its number stands.
	Pointer string
	// Void is whose use of the paper was looked for and has proven nothing; empty when nobody looked.
	Void string
}

// Patience is how long a paper is kept for a use that has proven nothing: what is recorded with it may be under way, for less than
// a request may take.
const Patience = 10 * time.Minute

// Decide refuses a paper that belongs to something else.
func (c Use) Decide(v Voucher, m decider.Meta) ([]events.Event, error) {
	use := Used{Paper: c.Paper, For: c.For, Use: c.Use, At: m.At}
	switch {
	case v.For == "" || v.For == c.For:
		return []events.Event{use}, nil
	case v.For != c.Void || m.At.Before(v.Last.Add(Patience)):
		var faults problem.Faults
		faults.At(c.Pointer, problem.Fault{
			Code: "reference_used", Message: "this paper was used for something else already", MessageVI: "chứng từ này đã được dùng cho khoản khác",
		})
		return nil, faults.Err()
	default:
		var facts []events.Event
		for _, old := range v.Uses {
			facts = append(facts, Undone{Paper: c.Paper, Use: old})
		}
		return append(facts, use), nil
	}
}

// Undo gives a paper back.
type Undo struct{ Paper, Use string }

// Decide undoes a use once.
func (c Undo) Decide(v Voucher, _ decider.Meta) ([]events.Event, error) {
	if !slices.Contains(v.Uses, c.Use) {
		return nil, nil
	}
	return []events.Event{Undone(c)}, nil
}
