package payment

import (
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// ISO 20022's statuses, and RTND for money that came back.
const (
	statusRCVD = "RCVD"
	statusACTC = "ACTC"
	statusACCP = "ACCP"
	statusACSP = "ACSP"
	statusPDNG = "PDNG"
	statusBLCK = "BLCK"
	statusACSC = "ACSC"
	statusACCC = "ACCC"
	statusRJCT = "RJCT"
	statusRTND = "RTND"
)

// Why a report is recorded and changes nothing.
const (
	Late          = "late"
	Backward      = "backward"
	Contradictory = "contradictory"
	Uncertain     = "uncertain"
)

// Rank orders reports: a later one counts only if its rank is not lower. 0 is no report that is known.
func Rank(status string) int {
	switch status {
	case statusRCVD, statusACTC:
		return 1
	case statusACCP:
		return 2
	case statusACSP, statusPDNG, statusBLCK:
		return 3
	case statusACSC:
		return 4
	case statusACCC, statusRJCT:
		return 5
	case statusRTND:
		return 6
	default:
		return 0
	}
}

// statuses is a set of reports.
type statuses uint16

func bit(status string) statuses {
	order := [...]string{
		statusRCVD, statusACTC, statusACCP, statusACSP, statusPDNG, statusBLCK, statusACSC, statusACCC, statusRJCT, statusRTND,
	}
	return 1 << (slices.Index(order[:], status) + 1)
}

func (s statuses) with(status string) statuses { return s | bit(status) }
func (s statuses) has(status string) bool      { return s&bit(status) != 0 }

// Report is what a bank said about an attempt.
type Report struct {
	EndToEndID string
	Attempt    int
	bankgateway.Report
}

// Decide moves the payment forward, records what does not fit, and passes over what was said before.
func (c Report) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	a, err := p.about(c.EndToEndID, c.Attempt)
	switch {
	case err != nil:
		return nil, err
	case Rank(c.Status) == 0:
		return nil, problem.New(problem.Invalid, "status_unknown", "no such status of a payment", "không có trạng thái thanh toán này")
	case c.Status == statusACCC && c.BankReference == "":
		return nil, problem.New(problem.Invalid, "bank_reference_missing",
			"a credit names the bank's reference", "báo có phải kèm số tham chiếu của ngân hàng")
	}
	switch why := a.judge(c.Report, p.Status == Unknown && a == &p.Current); why {
	case forward:
		return p.advance(c.Report), nil
	case repeated:
		return nil, nil
	case Uncertain:
		return p.doubt(c), nil
	default:
		return []events.Event{disbursement.ReportNoted{
			Payment: p.Payment, Attempt: c.Attempt, Status: c.Status, Reason: c.Reason, BankReference: c.BankReference, Why: why,
		}}, nil
	}
}

// about finds the attempt that a fact of the gateway is about.
func (p *Payment) about(endToEndID string, attempt int) (*Attempt, error) {
	if !p.Exists() {
		return nil, ErrUnknown()
	}
	a := p.attempt(attempt)
	if a == nil || a.EndToEndID != endToEndID || endToEndID == "" {
		return nil, problem.New(problem.Invalid, "attempt_unknown",
			"the payment has no such attempt", "khoản chi không có lần chuyển này")
	}
	return a, nil
}

// Two more verdicts besides late, backward and contradictory.
const (
	forward  = "forward"
	repeated = "repeated"
)

// judge says what a report means for an attempt.
func (a *Attempt) judge(r bankgateway.Report, asked bool) string {
	if a.Outcome != "" {
		return a.judgeEnded(r)
	}
	is, was := Rank(r.Status), Rank(a.Last)
	switch {
	case r.Status == statusRJCT && TimedOut(r.Reason) && r.Answers == 0:
		return Uncertain // the money may be out: the bank is asked after the silence, and says so or not
	case r.Status == statusRTND && a.Last != statusACSC:
		return a.once(r, Contradictory)
	case asked && is >= was:
		return forward
	case is > was, is == was && is == Rank(statusACSP) && r.Status != a.Last:
		return forward
	case is == was:
		return repeated
	default:
		return a.once(r, Backward)
	}
}

// judgeEnded is about an attempt whose outcome is known.
func (a *Attempt) judgeEnded(r bankgateway.Report) string {
	switch {
	case a.Outcome == Credited && r.Status == statusRTND:
		return forward
	case Rank(r.Status) < Rank(statusACSC):
		return a.once(r, Late)
	case r.Status == statusRJCT && (a.Outcome == Rejected || TimedOut(r.Reason) && r.Answers == 0):
		return repeated // rejected is rejected, for whatever reason; and a bank that does not know contradicts nothing
	case r.Status == statusRTND && a.Contested:
		return a.once(r, Late) // what the bank had taken all the same is back
	case r.Status == statusACSC && a.Outcome != Rejected:
		return a.once(r, Late)
	case r.Status == statusACCC && a.Outcome == Returned && !a.credited():
		return Late // the credit that the return undid, heard of after it
	default:
		return a.once(r, Contradictory)
	}
}

// once makes a repetition of what was said before.
func (a *Attempt) once(r bankgateway.Report, why string) string {
	if a.knows(r.Status, r.BankReference) {
		return repeated
	}
	return why
}

// advance says which facts follow from a report that counts.
func (p Payment) advance(r bankgateway.Report) []events.Event {
	attempt := p.Current.Attempt
	var facts []events.Event
	if !p.Current.Sent {
		facts = append(facts, disbursement.PaymentSent{Payment: p.Payment, Attempt: attempt})
	}
	switch Rank(r.Status) {
	case Rank(statusRCVD):
		return append(facts, disbursement.PaymentAcknowledged{Payment: p.Payment, Attempt: attempt})
	case Rank(statusRTND):
		return append(facts, disbursement.PaymentReturned{
			Payment: p.Payment, Attempt: attempt, Reason: r.Reason, BankReference: r.BankReference, BookedAt: r.BookedAt,
		})
	case Rank(statusACCC):
		if r.Status == statusRJCT {
			return append(facts, disbursement.PaymentRejected{Payment: p.Payment, Attempt: attempt, Reason: r.Reason})
		}
		return append(facts, disbursement.PaymentCredited{
			Payment: p.Payment, Attempt: attempt, BankReference: r.BankReference, BookedAt: r.BookedAt,
		})
	default:
		return append(facts, disbursement.PaymentInFlight{Payment: p.Payment, Attempt: attempt, Status: r.Status})
	}
}

// doubt notes that a bank does not know itself. The instruction is still on its way, so the bank will be asked.
func (p Payment) doubt(c Report) []events.Event {
	var facts []events.Event
	if !p.Current.Sent {
		facts = append(facts, disbursement.PaymentSent{Payment: p.Payment, Attempt: c.Attempt})
	}
	return append(facts, disbursement.ReportNoted{
		Payment: p.Payment, Attempt: c.Attempt, Status: c.Status, Reason: c.Reason, Why: Uncertain,
	})
}

// NoteReport records a report that the gateway has set aside.
type NoteReport struct {
	Report

	Why string
}

// Decide records each status once per attempt, and each booking.
func (c NoteReport) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	a, err := p.about(c.EndToEndID, c.Attempt)
	if err != nil {
		return nil, err
	}
	if a.knows(c.Status, c.BankReference) {
		return nil, nil
	}
	return []events.Event{disbursement.ReportNoted{
		Payment: p.Payment, Attempt: c.Attempt, Status: c.Status, Reason: c.Reason, BankReference: c.BankReference, Why: c.Why,
	}}, nil
}

// Contest says that the bank named the booking of a credit for another payment as well.
type Contest struct {
	Attempt              int
	BankReference, Other string
}

// Decide notes it once, on a credit that stands. One that came back is settled.
func (c Contest) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	a := p.attempt(c.Attempt)
	if a == nil || a.Reference != c.BankReference || a.Contested || a.Outcome != Credited {
		return nil, nil
	}
	return []events.Event{disbursement.CreditContested{
		Payment: p.Payment, Attempt: c.Attempt, BankReference: c.BankReference, Other: c.Other,
	}}, nil
}

// MarkSent says that the bank's topic has the instruction.
type MarkSent struct {
	EndToEndID string
	Attempt    int
	// Amount is what was instructed.
	Amount int64
}

// Decide refuses an instruction over another amount: somebody has to look at it before money is counted.
func (c MarkSent) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	a, err := p.about(c.EndToEndID, c.Attempt)
	switch {
	case err != nil:
		return nil, err
	case c.Amount != p.Amount:
		return nil, problem.New(problem.Invalid, "amount_differs",
			"another amount was instructed than released", "số tiền đã gửi ngân hàng khác số tiền được duyệt")
	case a.Sent:
		return nil, nil
	}
	return []events.Event{disbursement.PaymentSent{Payment: p.Payment, Attempt: c.Attempt}}, nil
}
