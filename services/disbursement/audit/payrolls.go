package audit

import (
	"strings"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

func cutStream(stream, kind string) (string, bool) { return strings.CutPrefix(stream, kind) }

// lines takes a chunk of a draft.
func (a *auditor) lines(e payroll.LinesComputed) {
	l := a.listOf(e.Payroll)
	if e.Draft != l.Draft {
		return // of a draft that was given up
	}
	if err := l.tally.Add(e.Lines...); err != nil {
		a.invariant(5).violated("payroll %s: its total is no amount", e.Payroll)
	}
	for _, line := range e.Lines {
		l.lines[line.Payment] = line
		if line.Origin != "" {
			a.listed(line.Origin, e.Payroll, line.Payment)
		}
	}
	for _, f := range e.Findings {
		if f.Code == payroll.Overpaid {
			l.overpaid = append(l.overpaid, f)
		}
	}
}

// payroll takes a fact of a payroll's stream.
func (a *auditor) payroll(id string, r events.Recorded) {
	l := a.listOf(id)
	switch e := r.Event.(type) {
	case disbursement.PayrollDrafted:
		l.begin()
		l.makers[e.By], l.draftedAt = true, r.Position
	case disbursement.PayrollComputed:
		l.computedAt = r.Position
		a.appear(id, l)
	case disbursement.PayrollSubmitted:
		l.makers[e.By] = true
	case disbursement.PayrollChecked:
		l.checker = e.By
	case disbursement.PayrollApproved:
		l.approver, l.approved = e.By, r
		a.approved(id, l, e)
	case disbursement.PayrollFunded:
		a.ordered(id, e)
		a.post(id, l, ledger.Fund(money.Amount(e.Amount)))
	case disbursement.LineRemoved:
		l.removed[e.Line] = r.Position
		l.removedSum += money.Amount(e.Amount)
	case disbursement.PayrollRejected:
		l.rejectedAt, l.fellAt = r.Position, r.Position
	case disbursement.PayrollReleased:
		l.released = r
		a.released(id, l, e)
	case disbursement.ReleaseCompleted:
		a.completed(id, l, e)
	case disbursement.PayrollClosed:
		a.closed(id, l, e)
	}
	l.Payroll = l.Evolve(r.Event)
}

// approved is the first part of I5: the hash is that of the lines as they lie in the log.
func (a *auditor) approved(id string, l *list, e disbursement.PayrollApproved) {
	a.invariant(5).holds(l.tally.Hash() == e.Hash, "payroll %s: the lines are not those that were approved", id)
	a.invariant(5).holds(int64(l.tally.Total) == e.Total, "payroll %s: the lines do not come to the approved total", id)
}

// released is I4, and the second part of I5.
func (a *auditor) released(id string, l *list, e disbursement.PayrollReleased) {
	four := a.invariant(4)
	four.holds(l.checker != "" && l.approver != "", "payroll %s: released without a check and an approval", id)
	four.holds(l.checker == "" || l.checker != l.approver, "payroll %s: one person checked and approved", id)
	four.holds(!l.makers[l.checker] && !l.makers[l.approver], "payroll %s: the maker checked or approved", id)
	four.holds(e.By != l.checker && e.By != l.approver && !l.makers[e.By], "payroll %s: released by a person with another part", id)
	approval, _ := l.approved.Event.(disbursement.PayrollApproved)
	a.invariant(5).holds(e.Hash == approval.Hash, "payroll %s: released with another hash than approved", id)
}

// standing is the first part of I10: whatever ended the right of a line before its payment stands in the log, the payment
// is not there.
func (a *auditor) standing(id string, line payroll.Line) {
	ten := a.invariant(10)
	for _, enrolment := range line.Enrolments {
		for _, s := range a.stops[enrolment] {
			ten.holds(!s.covers(line.Month), "payment %s: its right was stopped before it was made", id)
		}
	}
}

// completed is the second part of I10: what was approved, what is paid and what is not add up.
func (a *auditor) completed(id string, l *list, e disbursement.ReleaseCompleted) {
	ten := a.invariant(10)
	ten.holds(e.Removed == len(l.removed) && money.Amount(e.RemovedTotal) == l.removedSum, "payroll %s: the removed lines are not those that were counted", id)
	ten.holds(money.Amount(e.Total)+l.removedSum == l.tally.Total, "payroll %s: payments and removed lines do not come to the approved total", id)
	ten.holds(e.Payments == l.payments && money.Amount(e.Total) == l.total, "payroll %s: the payments are not those that were counted", id)
	for line := range l.removed {
		p := a.payments[line]
		ten.holds(p == nil || p.Payroll != id, "payroll %s: line %s was removed and is paid", id, line)
	}
}

// ordered is a part of I1: an order of the State Treasury is the money of one list.
func (a *auditor) ordered(id string, e disbursement.PayrollFunded) {
	other, used := a.orders[e.Reference]
	a.invariant(1).holds(!used || e.Reference == "", "payroll %s: the treasury's order was counted for payroll %s", id, other)
	a.orders[e.Reference] = id
}

// post is I1 at one moment.
func (a *auditor) post(id string, l *list, p ledger.Posting) {
	a.invariant(1).checked++
	if err := l.books.Post(p); err != nil && !l.overdraw {
		l.overdraw = true // what follows from it is not told again
		a.invariant(1).violated("payroll %s: %v", id, err)
	}
}
