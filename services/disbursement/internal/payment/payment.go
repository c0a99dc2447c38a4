// Package payment is the life of one payment, over all its attempts. It is pure.
//
//  1. A payment is one person's money for one month, programme and kind. It is one stream, so there is never a second.
//  2. It is released to an account or in cash. Each attempt has an end-to-end id of its own, derived from payment and
//     number, which is the same on every repetition, for ever.
//  3. Banks report RCVD, ACTC (acknowledged) < ACCP < ACSP, PDNG, BLCK < ACSC (in flight) < ACCC (credited) or RJCT
//     (rejected); RTND (returned) only after ACSC or ACCC. A report moves a payment forward or not at all.
//  4. What does not fit is recorded and changes nothing: late (the attempt has ended), backward (it was further
//     already), contradictory (the bank says the opposite of what it said: somebody may have been paid, or not).
//     Each once per attempt and status.
//  5. A report that comes before we know that the instruction was sent proves that it was.
//  6. ACSC is no proof of credit. ACCC is, and names the bank's reference.
//  7. Silence is not a failure. The payment is unknown, the bank is asked, nothing is sent again; whatever the bank then
//     says counts, also what it said before.
//  8. Only what was rejected or returned is tried again, by account or in cash, and not if the bank called it a duplicate
//     (AM05, DUPL, DU01 to DU05) or contradicts itself: the person may have the money. A time-out at the bank (AB05, AB06,
//     TM01) rejects nothing until the bank says so in answer to an inquiry. After MD07, deceased, nothing is tried before an officer
//     has decided whether it's so; that is asked outside of the payment.
//  9. What is not paid when its list closes is carried forward, once, and so is what is rejected or settled after that, unless it
//     was tried again with money that came back: that money lies with the list then, as it did before, and is tried once more or
//     refunded. What rule 8 keeps back stays where it is. After MD07, only what was rejected is carried, whose money the closed
//     list gives back: the next list holds the line until an officer has decided. What came back, or waits in cash, lies with its
//     list and can be paid from there.
//  10. An instruction that no bank has yet can be withdrawn: because the right or the account ended, or because it cannot
//     be sent and two persons agree. What was stopped is recalled; what could not be sent is rejected.
//  11. A recall moves no money. What comes back after it is recalled, and nobody but an officer makes use of it. It
//     waits for that as long as it takes, also in a closed list.
//  12. Money that a bank says it credited, to a payment that is not credited, is owed back: as many returns as credits, each
//     booking once and in whatever order they are heard of, settle it. A second rejection contradicts nothing.
//  13. What lies with its list and is owed to nobody any more goes back to the State Treasury: it is refunded, and this payment
//     is never made again. A word of a duplicate, the bank's or an officer's, does not show that: another payment
//     for that month does, or the bank's word that it credited the one which this took over.
package payment

import (
	"slices"
	"strconv"
	"strings"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
)

// How a payment stands.
const (
	Released       = "released"
	Sent           = "sent"
	Acknowledged   = "acknowledged"
	InFlight       = "in_flight"
	Unknown        = "unknown"
	Credited       = "credited"
	Rejected       = "rejected"
	Returned       = "returned"
	Reissued       = "reissued"
	CashPending    = "cash_pending"
	CashPaid       = "cash_paid"
	CarriedForward = "carried_forward"
	Recalled       = "recalled"
	Refunded       = "refunded"
)

// Open lists how a payment stands whose outcome a bank still owes.
func Open() []string { return []string{Released, Reissued, Sent, Acknowledged, InFlight, Unknown} }

// Attempt is one instruction to a bank. Its zero value is that of a payment in cash: none.
type Attempt struct {
	disbursement.Target
	// Sent tells that the bank has the instruction.
	Sent bool
	// Last is the last report that counted.
	Last string
	// Outcome is credited, rejected or returned; empty while the bank owes it.
	Outcome string
	// Reason is that of the rejection or return.
	Reason string
	// Reference is the bank's booking of the credit, ReturnReference that of the return.
	Reference, ReturnReference string
	// Inquiries counts how often the bank was asked.
	Inquiries int
	// Contested tells that the bank contradicted itself, and that no return, or too few, have settled it (rule 12).
	Contested bool
	// Recall is the reason of a recall, and RecalledBy who requested it; both are empty when nobody did.
	Recall, RecalledBy string
	// Proposed is who wants to take the instruction back before any bank has it, Withdrawal why the gateway was asked to.
	Proposed, Withdrawal string

	// said is what the bank said that it booked.
	said Said
	seen statuses
}

// Payment is the folded state. Its zero value was never released.
type Payment struct {
	disbursement.Payable
	Status string
	// Current is the latest attempt, Earlier those before it.
	Current Attempt
	Earlier []Attempt
	// CashReason says why not by account, CollectedOn and Receipt that the money was handed over.
	CashReason, CollectedOn, Receipt string
	// MovedBy is who moved a failed payment to cash; empty for what was released in cash.
	MovedBy string
	// FromList tells that it was tried again with money that had come back. Rejected, that money lies with the list again.
	FromList bool
	// Facts counts the facts of the stream: whoever decided on an older state can tell.
	Facts int
}

// Exists tells whether the payment was released.
func (p Payment) Exists() bool { return p.Status != "" }

// Contested tells whether a bank contradicted itself about any attempt.
func (p Payment) Contested() bool {
	return p.Current.Contested || slices.ContainsFunc(p.Earlier, func(a Attempt) bool { return a.Contested })
}

// Back tells whether the money lies with its list: it came back, was never sent, or was tried again after that and rejected.
func (p Payment) Back() bool {
	return p.Status == Returned || p.Status == Recalled || p.Status == Rejected && p.FromList
}

// Stream is where the life of a payment is recorded.
func Stream(id string) string { return "payment-" + id }

// EndToEndID names one attempt of a payment to banks: at most 35 characters of A-Z, 0-9 and the hyphen.
func EndToEndID(payment string, attempt int) string {
	return "SA-" + strings.ToUpper(payment) + "-" + strconv.Itoa(attempt)
}

// Evolve is the whole state machine on one screen.
func (p Payment) Evolve(e events.Event) Payment {
	facts := p.Facts + 1
	switch e := e.(type) {
	case disbursement.PaymentReleased:
		p = Payment{Payable: e.Payable, Status: Released, Current: Attempt{Target: e.Target}}
	case disbursement.CashReleased:
		p = Payment{Payable: e.Payable, Status: CashPending, CashReason: e.Reason}
	case disbursement.PaymentReissued:
		p.Earlier = append(slices.Clip(p.Earlier), p.Current)
		p.FromList = p.FromList || p.Status == Returned || p.Status == Recalled
		p.Status, p.Current = Reissued, Attempt{Target: e.Target}
	case disbursement.MovedToCash:
		p.Status, p.CashReason, p.MovedBy = CashPending, "moved", e.By
	case disbursement.CashPaid:
		p.Status, p.CollectedOn, p.Receipt = CashPaid, e.CollectedOn, e.Receipt
	case disbursement.PaymentCarriedForward:
		p.Status = CarriedForward
	case disbursement.PaymentRefunded:
		p.Status = Refunded
	case disbursement.RecallRequested:
		p = p.recalled(e)
	case disbursement.WithdrawalProposed:
		p.Current.Proposed = e.By
	case disbursement.WithdrawalRequested:
		p.Current.Withdrawal = e.Reason
	case disbursement.PaymentWithdrawn:
		p = p.withdrawn(e)
	case disbursement.CreditContested:
		p = p.doubted(e)
	case disbursement.ReportNoted:
		p = p.noted(e)
	default:
		p = p.reported(e)
	}
	p.Current.hear("") // its outcome may be another
	p.Facts = facts
	return p
}

// reported folds what came from the bank about the current attempt.
func (p Payment) reported(e events.Event) Payment {
	a := &p.Current
	switch e := e.(type) {
	case disbursement.PaymentSent:
		p.Status, a.Sent = Sent, true
	case disbursement.PaymentAcknowledged:
		p.Status, a.Last = Acknowledged, statusACTC
		a.seen = a.seen.with(statusRCVD).with(statusACTC)
	case disbursement.PaymentInFlight:
		p.Status, a.Last, a.seen = InFlight, e.Status, a.seen.with(e.Status)
	case disbursement.PaymentUnknown:
		p.Status, a.Inquiries = Unknown, e.Inquiry
	case disbursement.PaymentCredited:
		p.Status, a.Outcome, a.Reference = Credited, Credited, e.BankReference
		a.Last, a.seen = statusACCC, a.seen.with(statusACCC)
		a.hear(CreditSaid(e.BankReference))
	case disbursement.PaymentRejected:
		p.Status, a.Outcome, a.Reason = a.unlessRecalled(Rejected), Rejected, e.Reason
		a.Last, a.seen = statusRJCT, a.seen.with(statusRJCT)
	case disbursement.PaymentReturned:
		p.Status, a.Outcome, a.Reason = a.unlessRecalled(Returned), Returned, e.Reason
		a.Last, a.seen, a.ReturnReference = statusRTND, a.seen.with(statusRTND), e.BankReference
		a.hear(ReturnSaid(e.BankReference))
	default:
		panic(decider.Unknown(e))
	}
	return p
}

// recalled folds that the bank of an attempt was asked for the money.
func (p Payment) recalled(e disbursement.RecallRequested) Payment {
	if e.Attempt != p.Current.Attempt {
		p.Earlier = slices.Clone(p.Earlier)
	}
	if a := p.attempt(e.Attempt); a != nil {
		a.Recall, a.RecalledBy = e.Reason, e.By
	}
	return p
}

// unlessRecalled is how a payment stands whose money is ours again.
func (a *Attempt) unlessRecalled(status string) string {
	if a.Recall != "" {
		return Recalled
	}
	return status
}

// noted folds a report that changed nothing but what is known about an attempt.
func (p Payment) noted(e disbursement.ReportNoted) Payment {
	if e.Attempt != p.Current.Attempt {
		p.Earlier = slices.Clone(p.Earlier)
	}
	a := p.attempt(e.Attempt)
	if a == nil {
		return p
	}
	if e.Why == Uncertain || e.Status == statusRJCT && e.Why != Contradictory && TimedOut(e.Reason) {
		return p // the bank did not know: what it says when it knows is news
	}
	a.seen = a.seen.with(e.Status)
	a.hear(NotedSaid(e, a.Outcome))
	return p
}

// doubted folds that a credit may be another payment's. It is contested until the money is back.
func (p Payment) doubted(e disbursement.CreditContested) Payment {
	if e.Attempt != p.Current.Attempt {
		p.Earlier = slices.Clone(p.Earlier)
	}
	if a := p.attempt(e.Attempt); a != nil {
		a.hear(Doubt)
	}
	return p
}

// attempt finds an attempt by its number; nil when there is none.
func (p *Payment) attempt(number int) *Attempt {
	if number == p.Current.Attempt {
		return &p.Current
	}
	for i := range p.Earlier {
		if p.Earlier[i].Attempt == number {
			return &p.Earlier[i]
		}
	}
	return nil
}
