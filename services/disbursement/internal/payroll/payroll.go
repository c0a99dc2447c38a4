// Package payroll is the life of one monthly list of a unit and a programme, from its draft to its closure.
//
//  1. A list is drafted, computed by the clerk, submitted, checked, approved, funded, released and closed, in this order
//     and in no other. It can be rejected as long as no money was provided for it; then it may be drafted again.
//  2. There are four parts: making (draft and submission), checking, approving, and paying (funding and release). Nobody
//     takes two of them in one payroll, not even in different drafts, whatever their role is (invariant I4). Where an operator
//     has two treasurers, paying is two parts as well: who entered any of the money does not release it.
//  3. The lines are frozen by the computation: every later step names the hash of the same lines, and the release
//     computes it again from the log (invariant I5).
//  4. After the approval nothing is added and nothing is changed. A line can only be removed, with a reason, and the
//     difference stays visible (invariant I10).
//  5. Nothing is released that is not funded. Money that was provided for lines that were removed goes back at the
//     closure.
//  6. What the release made, payments and removed lines, adds up to what was approved, to the dong.
package payroll

import (
	"maps"
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/money"
)

// The states of a payroll. Their texts are part of the API.
const (
	Drafted   = "drafted"
	Submitted = "submitted"
	Checked   = "checked"
	Approved  = "approved"
	Funded    = "funded"
	Released  = "released"
	Closed    = "closed"
	Rejected  = "rejected"
)

// Payroll is the folded state. Its zero value is a payroll that nobody drafted.
type Payroll struct {
	disbursement.PayrollDrafted
	Status string
	// Computed is the draft's result; its Hash is empty until the clerk is done.
	Computed disbursement.PayrollComputed
	// Funds is what the State Treasury provided so far, References the orders by which it did.
	Funds      money.Amount
	References []string
	// FundedBy is who entered the orders.
	FundedBy []string
	// Removed are the lines that are not paid after all.
	Removed Removals
	// Completed says what the release made; it is empty until every line became a payment or was removed.
	Completed disbursement.ReleaseCompleted
	// Closing says what the closure carried forward; it is empty until then.
	Closing disbursement.PayrollClosed
	// ReleasedBy is who released the list; empty before.
	ReleasedBy string

	parts map[string]part
}

// part is what one person may do in a payroll.
type part uint8

const (
	maker part = iota + 1
	checker
	approver
	payer
)

// Exists tells whether the payroll was ever drafted.
func (p Payroll) Exists() bool { return p.Draft > 0 }

// Ready tells whether all lines of the present draft are there.
func (p Payroll) Ready() bool { return p.Computed.Hash != "" }

// Payable is the sum of the lines that are still to be paid.
func (p Payroll) Payable() money.Amount { return money.Amount(p.Computed.Total) - p.Removed.Total }

// Frozen tells whether the list was approved and not released yet: the time in which lines are removed.
func (p Payroll) Frozen() bool { return p.Status == Approved || p.Status == Funded }

// Done tells whether the release made all its payments.
func (p Payroll) Done() bool { return p.Completed.Payroll != "" }

// Evolve is the whole state machine on one screen.
func (p Payroll) Evolve(e events.Event) Payroll {
	switch e := e.(type) {
	case disbursement.PayrollDrafted:
		p = Payroll{PayrollDrafted: e, Status: Drafted, parts: p.with(e.By, maker)}
	case disbursement.PayrollComputed:
		p.Computed = e
	case disbursement.PayrollSubmitted:
		p.Status, p.parts = Submitted, p.with(e.By, maker)
	case disbursement.PayrollChecked:
		p.Status, p.parts = Checked, p.with(e.By, checker)
	case disbursement.PayrollApproved:
		p.Status, p.parts = Approved, p.with(e.By, approver)
	case disbursement.PayrollRejected:
		p.Status = Rejected
	case disbursement.PayrollFunded:
		p.Funds += money.Amount(e.Amount)
		p.References = append(p.References[:len(p.References):len(p.References)], e.Reference)
		p.FundedBy = append(slices.Clip(p.FundedBy), e.By)
		p.parts = p.with(e.By, payer)
	case disbursement.LineRemoved:
		p.Removed = p.Removed.with(e.Line, money.Amount(e.Amount))
	case disbursement.PayrollReleased:
		p.Status, p.ReleasedBy, p.parts = Released, e.By, p.with(e.By, payer)
	case disbursement.ReleaseCompleted:
		p.Completed = e
	case disbursement.PayrollClosed:
		p.Status, p.Closing = Closed, e
	default:
		panic(decider.Unknown(e))
	}
	if p.Frozen() {
		p.Status = p.funded()
	}
	return p
}

// funded says whether the money that was provided is enough for what is still to be paid.
func (p Payroll) funded() string {
	if p.Funds >= p.Payable() {
		return Funded
	}
	return Approved
}

// with copies, because an older state may still be in use. The persons of a payroll are few.
func (p Payroll) with(person string, taken part) map[string]part {
	parts := maps.Clone(p.parts)
	if parts == nil {
		parts = map[string]part{}
	}
	parts[person] = taken
	return parts
}

// Removals are removed lines, counted and summed up. Its zero value is none. Adding one takes no copy of the others.
type Removals struct {
	Count int
	Total money.Amount
	last  *removal
}

type removal struct {
	line   string
	before *removal
}

func (r Removals) with(line string, amount money.Amount) Removals {
	return Removals{Count: r.Count + 1, Total: r.Total + amount, last: &removal{line: line, before: r.last}}
}

// Lines is the set of the removed lines.
func (r Removals) Lines() map[string]bool {
	lines := make(map[string]bool, r.Count)
	for at := r.last; at != nil; at = at.before {
		lines[at.line] = true
	}
	return lines
}
