// Package voucher sees to it that a paper counts once: an order of the State Treasury for one list, a receipt for one person.
//
//  1. A paper is a stream, named by its number and by who numbers such papers. Whoever uses it first has it.
//  2. The one that has it may use it again: an order is counted once by its list (package payroll), and a receipt may be for
//     several months of one person.
package voucher

import (
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
}

// EventName is the fact's name in the log.
func (Used) EventName() string { return "disbursement.voucher_used.v1" }

// Private keeps papers in the service.
func (Used) Private() {}

// PrivateFacts lists the facts that never leave this service.
func PrivateFacts() []events.Event { return []events.Event{Used{}} }

// Stream is where the use of a paper is recorded.
func Stream(paper string) string { return "voucher-" + paper }

// Voucher is the folded state. Its zero value is a paper that nobody used.
type Voucher struct{ Used }

// Evolve is the whole state machine on one screen.
func (v Voucher) Evolve(e events.Event) Voucher {
	switch e := e.(type) {
	case Used:
		v.Used = e
	default:
		panic(decider.Unknown(e))
	}
	return v
}

// Use takes a paper.
type Use struct {
	Paper, For string
	// Pointer is where in the request its number stands.
	Pointer string
}

// Decide refuses a paper that belongs to something else.
func (c Use) Decide(v Voucher, _ decider.Meta) ([]events.Event, error) {
	switch {
	case v.For == c.For:
		return nil, nil
	case v.For != "":
		var faults problem.Faults
		faults.At(c.Pointer, problem.Fault{
			Code: "reference_used", Message: "this paper was used for something else already", MessageVI: "chứng từ này đã được dùng cho khoản khác",
		})
		return nil, faults.Err()
	}
	return []events.Event{Used{Paper: c.Paper, For: c.For}}, nil
}
