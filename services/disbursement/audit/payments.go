package audit

import (
	"fmt"
	"slices"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// payment takes a fact of a payment's stream.
func (a *auditor) payment(id string, r events.Recorded) {
	p, known := a.payments[id]
	if !known {
		p = &paid{releasedAt: r.Meta.OccurredAt, settled: map[int]bool{}, returned: map[int]bool{}, withdrawn: map[int]bool{}}
		a.payments[id] = p
	}
	before := p.Payment
	a.inOrder(id, p, r.Event)
	p.hear(r.Event)
	switch e := r.Event.(type) {
	case disbursement.PaymentReleased:
		a.begins(id, p, e.Payable, r)
		a.aimed(id, e.Target)
		a.frozen(id, e)
	case disbursement.CashReleased:
		a.begins(id, p, e.Payable, r)
	case disbursement.PaymentReissued:
		a.reissued(id, p, e, r)
	case disbursement.CashPaid:
		a.standing(id, a.listOf(p.Payroll).lines[id])
		a.alive(id, p.Mark, p.Month, r.Meta.OccurredAt)
		a.signed(id, p, e)
	case disbursement.PaymentInFlight:
		p.settled[e.Attempt] = p.settled[e.Attempt] || e.Status == "ACSC"
	case disbursement.PaymentCredited:
		p.settled[e.Attempt] = true
		a.credited(id, p, e)
	case disbursement.PaymentReturned:
		a.invariant(14).holds(p.settled[e.Attempt] && !p.returned[e.Attempt], "payment %s: attempt %d came back and was not out", id, e.Attempt)
		p.returned[e.Attempt] = true
	case disbursement.PaymentWithdrawn:
		p.withdrawn[e.Attempt] = true
	case disbursement.PaymentRefunded:
		p.refundedAt, p.refundedIn = r.Meta.OccurredAt, r.Position
		a.refunds(id, p, e)
	case disbursement.PaymentCarriedForward:
		a.carriedForward(id, p, r)
	}
	p.Payment = p.Evolve(r.Event)
	if before.Contested() || p.Contested() {
		p.doubtedAt = r.Position
	}
	if before.Status == payment.Refunded {
		a.invariant(2).holds(p.Status == payment.Refunded, "payment %s goes on after it was refunded: %s", id, r.Event.EventName())
	}
	a.moved(before, p.Payment)
	a.keepLive(id, p)
}

// moved is I1: the money follows its payment.
func (a *auditor) moved(before, after payment.Payment) {
	if posting, moved := ledger.Move(before, after); moved {
		if a.listOf(after.Payroll).Status == payroll.Closed {
			posting = posting.BehindClosure()
		}
		a.post(after.Payroll, a.listOf(after.Payroll), posting)
	}
}

// begins is about the first fact of a payment.
func (a *auditor) begins(id string, p *paid, of disbursement.Payable, r events.Recorded) {
	a.invariant(2).holds(!p.Exists(), "payment %s was released twice", id)
	l := a.listOf(of.Payroll)
	l.payments++
	l.total += money.Amount(of.Amount)
	line, listed := l.lines[id]
	a.invariant(5).holds(listed && !line.Held && int64(line.Amount) == of.Amount && l.released.Event != nil,
		"payment %s is not a line of a released list", id)
	_, removed := l.removed[id]
	a.invariant(10).holds(!removed, "payment %s was removed from its list", id)
	a.standing(id, line)
	a.alive(id, of.Mark, of.Month, r.Meta.OccurredAt)
	if of.Origin != "" {
		a.takenOver(id, of)
	}
	a.granted(id, of, line, l)
}

// knownFor is how long a death must have been recorded before everybody has to know of it: it travels between services.
const knownFor = 5 * time.Second

// heardFor is the same for what a bank says: it is no death yet, and whoever it is told to may have been away.
const heardFor = time.Minute

// alive is I8.
func (a *auditor) alive(id, mark, month string, at time.Time) {
	for _, s := range a.suspicions[mark] {
		decided := !s.until.IsZero() && !at.Before(s.until)
		a.invariant(8).holds(decided || at.Before(s.from.Add(heardFor)), "payment %s is made while a bank says that the person died", id)
	}
	dead := slices.ContainsFunc(a.deaths[mark], func(d death) bool {
		return month > d.month && !at.Before(d.knownAt.Add(knownFor)) && d.stood(at, 0)
	})
	a.invariant(8).holds(!dead, "payment %s is for a month after the death", id)
}

// aimed is the second half of I7: an end-to-end id is one attempt of one payment.
func (a *auditor) aimed(id string, t disbursement.Target) {
	user, used := a.attempts[t.EndToEndID]
	a.invariant(7).holds(!used, "end-to-end id %s is used by payments %s and %s", t.EndToEndID, user, id)
	a.attempts[t.EndToEndID] = id
}

// frozen is I12: the first attempt goes where the approved list says.
func (a *auditor) frozen(id string, e disbursement.PaymentReleased) {
	line := a.listOf(e.Payroll).lines[id]
	same := line.Method == payroll.ByAccount && line.Account == e.Account && line.Bank == e.Bank && line.Number == e.Number && line.Holder == e.Holder
	a.invariant(12).holds(same, "payment %s goes to another account than was approved", id)
}

// reissued is I12 for later attempts: somebody decided, and nothing but the account changed.
func (a *auditor) reissued(id string, p *paid, e disbursement.PaymentReissued, r events.Recorded) {
	a.aimed(id, e.Target)
	a.standing(id, a.listOf(p.Payroll).lines[id])
	a.alive(id, p.Mark, p.Month, r.Meta.OccurredAt)
	a.invariant(12).holds(e.By != "" && e.Payable == p.Payable && e.Attempt == p.Current.Attempt+1, "payment %s was reissued as something else, or by nobody", id)
	failed := p.Status == payment.Rejected || p.Status == payment.Returned || p.Status == payment.Recalled
	a.invariant(2).holds(failed && !payment.Duplicate(p.Current.Reason), "payment %s was reissued while it was %s", id, p.Status)
}

// credited is I3.
func (a *auditor) credited(id string, p *paid, e disbursement.PaymentCredited) {
	three := a.invariant(3)
	b := booking{bank: p.Current.Bank, reference: e.BankReference}
	other, used := a.bookings[b]
	three.holds(e.BankReference != "" && !used, "payments %s and %s have one bank reference, or none", other, id)
	a.bookings[b] = fmt.Sprintf("%s/%d", id, e.Attempt)
}

// signed is I3 for cash: a receipt is one person's.
func (a *auditor) signed(id string, p *paid, e disbursement.CashPaid) {
	paper := receipt{unit: p.Unit, year: e.CollectedOn[:min(len("2026"), len(e.CollectedOn))], number: e.Receipt}
	signer, used := a.receipts[paper]
	a.invariant(3).holds(e.Receipt != "" && (!used || signer == p.Mark), "payment %s has the receipt of another person, or none", id)
	a.receipts[paper] = p.Mark
}

// inOrder is I13: what a bank reported was applied only where it was news.
func (a *auditor) inOrder(id string, p *paid, e events.Event) {
	thirteen := a.invariant(13)
	attempt, status, isReport := progressOf(e)
	if !isReport {
		return
	}
	at := &p.Current
	thirteen.holds(attempt == at.Attempt && at.Outcome == "" && payment.Rank(status) >= payment.Rank(at.Last),
		"payment %s: %s was applied after %s", id, e.EventName(), orNothing(at.Last))
}

// hear remembers what a fact says that a bank said.
func (p *paid) hear(e events.Event) {
	switch e := e.(type) {
	case disbursement.PaymentCredited:
		p.heard = append(p.heard, saidOf(e.Attempt, "ACCC", e.BankReference))
	case disbursement.PaymentReturned:
		p.heard = append(p.heard, saidOf(e.Attempt, "RTND", e.BankReference))
	case disbursement.ReportNoted:
		p.heard = append(p.heard, saidOf(e.Attempt, e.Status, e.BankReference))
	default:
		if attempt, status, isReport := progressOf(e); isReport {
			p.heard = append(p.heard, saidOf(attempt, status, ""))
		}
	}
}

func orNothing(status string) string {
	if status == "" {
		return "nothing"
	}
	return status
}

// progressOf says which report a fact applies; a return is judged by I14.
func progressOf(e events.Event) (attempt int, status string, isReport bool) {
	switch e := e.(type) {
	case disbursement.PaymentAcknowledged:
		return e.Attempt, "ACTC", true
	case disbursement.PaymentInFlight:
		return e.Attempt, e.Status, true
	case disbursement.PaymentCredited:
		return e.Attempt, "ACCC", true
	case disbursement.PaymentRejected:
		return e.Attempt, "RJCT", true
	default:
		return 0, "", false
	}
}

// keepLive keeps who is live for what (I2).
func (a *auditor) keepLive(id string, p *paid) {
	key := entitled{mark: p.Mark, programme: p.Programme, month: p.Month, kind: p.Kind}
	switch p.Kind {
	case payroll.Arrears:
		key.apart = p.Payroll
	case payroll.CarriedForward:
		key.apart = p.Origin
	}
	switch p.Status {
	case payment.Rejected, payment.Returned, payment.Recalled, payment.CarriedForward, payment.Refunded:
		delete(a.live[key], id)
		return
	}
	if a.live[key] == nil {
		a.live[key] = map[string]bool{}
	}
	if !a.live[key][id] {
		a.live[key][id] = true
		a.invariant(2).holds(len(a.live[key]) == 1, "payments %v are live for one person, programme, month and kind", names(a.live[key]))
	}
}
