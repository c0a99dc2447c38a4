// Package instruction is the life of one instruction to a bank: one attempt to pay, under one end-to-end id.
//
//  1. An instruction is sent once as far as this log is concerned. The same one may reach the bank's topic again (a crash
//     between publishing and recording); it has the same id and body, and the bank pays an id once.
//  2. Nothing is asked or called back that was not sent.
//  3. Banks report RCVD < ACTC < ACCP < ACSP = PDNG = BLCK < ACSC, and at last ACCC or RJCT. Reports repeat, overtake each
//     other and come days late. What goes forward is reported on; what does not is set aside, and recorded.
//  4. What was said before (status, reason and reference the same) is a repetition, and nothing; unless the bank was
//     asked: that it stands where it stood is then an answer.
//  5. RTND, money that came back, follows ACSC or ACCC. If it overtakes them it is set aside as early, and reported when
//     they come: in whatever order the same reports arrive, the end is the same.
//  6. ACCC and RJCT exclude each other, as do two credits with different references. Whichever the bank said first
//     stands, and the other one is set aside as contradictory: money may be out, and people have to ask. A second
//     rejection is late, whatever its reason.
//  7. So an instruction is credited at most once, and returned at most once and never without having been paid.
//  8. A rejection because something beyond the bank did not answer it (AB05, AB06, TM01) rejects nothing: the money may be
//     out. It counts when the bank says it in answer to an inquiry.
//  9. What was not sent can be withdrawn, and is then never sent.
//  10. A report has to come from the bank that was instructed, speak of the amount that was instructed, and name the
//     booking where money moved. Else it is nonsense, and refused.
//  11. That the holder died (MD07) is said on, once, when a rejection or a return says so, whatever else becomes of the report:
//     somebody has to look. As the reason of anything else it says nothing yet.
package instruction

import (
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/decider"
)

// Stream is the name of the stream of an instruction.
func Stream(endToEndID string) string { return "instruction-" + endToEndID }

// Instruction is the folded state. Its zero value is an instruction that was never heard of.
type Instruction struct {
	bankgateway.Instruction

	// Amount is in dong, and known once the instruction was sent.
	Amount int64
	Sent   bool
	// Account is what it pays into, and known then, too.
	Account string
	// Deceased tells that the bank said that the holder died.
	Deceased bool
	// Held says why it cannot be sent; empty when it can.
	Held string
	// Withdrawn says why it never will be.
	Withdrawn string
	// Inquiry is the last one that was sent.
	Inquiry int
	// Asked is set from an inquiry to the answer.
	Asked    bool
	Recalled bool
	// Status is the last report that counts; empty before the first.
	Status string
	// Heard are all reports, those set aside too.
	Heard []bankgateway.Report
}

// Evolve is the whole state machine on one screen.
func (s Instruction) Evolve(e events.Event) Instruction {
	switch e := e.(type) {
	case bankgateway.InstructionSent:
		s.Instruction, s.Amount, s.Account, s.Sent, s.Held = e.Instruction, e.Amount, e.Account, true, ""
	case bankgateway.InstructionHeld:
		s.Instruction, s.Held = e.Instruction, e.Reason
	case bankgateway.InstructionResumed:
		s.Held = ""
	case bankgateway.InstructionWithdrawn:
		s.Instruction, s.Withdrawn, s.Held = e.Instruction, e.Reason, ""
	case bankgateway.InquirySent:
		s.Inquiry, s.Asked = max(s.Inquiry, e.Inquiry), true
	case bankgateway.RecallSent:
		s.Recalled = true
	case bankgateway.PaymentReported:
		s.Heard = s.hear(e.Report)
		if !doubtful(e.Report) {
			s.Status, s.Asked = e.Status, false
		}
	case bankgateway.ReportSetAside:
		s.Heard = s.hear(e.Report)
	case bankgateway.DeathReported:
		s.Deceased = true
	default:
		panic(decider.Unknown(e))
	}
	return s
}

// hear adds a report without touching the list of an earlier state.
func (s Instruction) hear(r bankgateway.Report) []bankgateway.Report {
	return append(slices.Clip(s.Heard), r)
}

// heard tells whether the bank said the same before.
func (s Instruction) heard(r bankgateway.Report) bool {
	return slices.ContainsFunc(s.Heard, func(h bankgateway.Report) bool {
		same := h.Status == r.Status && h.Reason == r.Reason && h.BankReference == r.BankReference
		return same && doubtful(h) == doubtful(r)
	})
}

// Command is a command on an instruction.
type Command = decider.Command[Instruction]

// Send says that the bank's topic has the instruction.
type Send bankgateway.InstructionSent

// Decide records the first time.
func (c Send) Decide(s Instruction, _ decider.Meta) ([]events.Event, error) {
	if s.Sent {
		return nil, nil
	}
	return []events.Event{bankgateway.InstructionSent(c)}, nil
}

// Withdraw says that the instruction is not to be sent. Whoever says it has made sure that nobody is sending it.
type Withdraw bankgateway.InstructionWithdrawn

// Decide has nothing to do where the bank has the instruction.
func (c Withdraw) Decide(s Instruction, _ decider.Meta) ([]events.Event, error) {
	if s.Sent || s.Withdrawn != "" {
		return nil, nil
	}
	return []events.Event{bankgateway.InstructionWithdrawn(c)}, nil
}

// Hold says that the instruction cannot be sent.
type Hold bankgateway.InstructionHeld

// Decide records a reason that is new.
func (c Hold) Decide(s Instruction, _ decider.Meta) ([]events.Event, error) {
	if s.Sent || s.Held == c.Reason || s.Withdrawn != "" {
		return nil, nil
	}
	return []events.Event{bankgateway.InstructionHeld(c)}, nil
}

// Resume says that what held the instruction is mended.
type Resume struct{}

// Decide resumes what is held.
func (Resume) Decide(s Instruction, _ decider.Meta) ([]events.Event, error) {
	if s.Held == "" {
		return nil, nil
	}
	return []events.Event{bankgateway.InstructionResumed{Instruction: s.Instruction}}, nil
}

// Inquire says that the bank was asked what became of the instruction.
type Inquire struct{ Inquiry int }

// Decide records each inquiry once.
func (c Inquire) Decide(s Instruction, _ decider.Meta) ([]events.Event, error) {
	if !s.Sent || c.Inquiry <= s.Inquiry {
		return nil, nil
	}
	return []events.Event{bankgateway.InquirySent{Instruction: s.Instruction, Inquiry: c.Inquiry}}, nil
}

// Recall says that the bank was asked to give the money back.
type Recall struct{ Reason string }

// Decide records the first recall.
func (c Recall) Decide(s Instruction, _ decider.Meta) ([]events.Event, error) {
	if !s.Sent || s.Recalled {
		return nil, nil
	}
	return []events.Event{bankgateway.RecallSent{Instruction: s.Instruction, Reason: c.Reason}}, nil
}
