package audit

import (
	"maps"
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// home is where the lists look for somebody's rights.
type home struct{ mark, programme string }

// enrolled keeps in which unit somebody has rights, and which were paid before this system.
func (a *auditor) enrolled(e disbursement.Enrolled, r events.Recorded) {
	if e.PaidUntil != "" {
		a.before[e.Mark] = append(a.before[e.Mark], paidBefore{
			right: e.Enrolment, programme: e.Programme, from: enrolment.Start(e).String(), until: e.PaidUntil,
			entered: r.Position, day: vn.DateOf(r.Meta.OccurredAt).String(),
		})
	}
	key := home{e.Mark, e.Programme}
	if unit, known := a.homes[key]; known && unit != e.Unit {
		e.Unit = events.Unit{}
	}
	a.homes[key] = e.Unit
}

// carriedForward is I11 where a payment leaves its list.
func (a *auditor) carriedForward(id string, p *paid, r events.Recorded) {
	l := a.listOf(p.Payroll)
	l.carried++
	l.carriedSum += money.Amount(p.Amount)
	a.invariant(11).holds(p.Status != payment.CarriedForward, "payment %s was carried forward twice", id)
	// Rejected after it was tried again, it is carried if the bank contradicted itself, and what it said to have credited came back.
	late := p.Status == payment.Rejected && (!p.FromList || p.doubtedAt > 0)
	p.late = l.Status == payroll.Closed && late
	a.invariant(11).holds(l.Status != payroll.Closed || late, "payment %s was carried out of the closed payroll %s, with which its money lay", id, p.Payroll)
	p.carriedAt = r.Position
	key := entitledMonth{mark: p.Mark, programme: p.Programme, month: p.Month}
	a.carried[key] = append(a.carried[key], p)
	a.opened[personMonth{p.Mark, p.Month}] = append(a.opened[personMonth{p.Mark, p.Month}], p)
	a.untaken[p.Mark] = append(a.untaken[p.Mark], id)
}

// closed is a part of I11, and gives back what is left.
func (a *auditor) closed(id string, l *list, e disbursement.PayrollClosed) {
	a.invariant(11).holds(e.CarriedForward == l.carried && money.Amount(e.Carried) == l.carriedSum,
		"payroll %s: the closure says another sum than was carried forward", id)
	if posting, left := ledger.Close(l.books); left {
		a.post(id, l, posting)
	}
}

// listed remembers that a list has a line for what was carried forward.
func (a *auditor) listed(origin, list, line string) {
	if a.takers[origin] == nil {
		a.takers[origin] = map[string]string{}
	}
	a.takers[origin][list] = line
}

// appear is I11 the other way round: whoever a list pays for its month has on it what was carried forward for them before it was
// drafted and is on no other list.
func (a *auditor) appear(id string, l *list) {
	var missing []string
	for _, line := range l.lines {
		for _, origin := range a.due(line, l) {
			a.invariant(11).checked++
			if _, there := l.lines[a.takers[origin][id]]; !there && !a.waits(a.payments[origin], id, l.draftedAt) {
				missing = append(missing, origin)
			}
		}
	}
	slices.Sort(missing)
	for _, origin := range missing {
		a.invariant(11).violated("payment %s was carried forward, and payroll %s, drafted after that, does not have it", origin, id)
	}
}

// due is what was carried forward for the person of a regular line. Whose rights lie in several units is left out: which of their
// lists pays is for the clerk to say.
func (a *auditor) due(line payroll.Line, l *list) []string {
	unit, known := a.homes[home{line.Mark, l.Programme}]
	if line.Kind != payroll.Regular || known && unit == (events.Unit{}) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.untaken[line.Mark]), func(origin string) bool {
		p := a.payments[origin]
		return p.Programme != l.Programme || p.carriedAt >= l.draftedAt
	})
}

// waits tells whether a list that was drafted at a position of the log may have left out what was carried forward: a bank may have
// credited it, its right does not cover its month, or another list has it. What changed while the list was computed counts as before
// and as after.
func (a *auditor) waits(p *paid, list string, since int64) bool {
	for other, line := range a.takers[p.Payment.Payment] {
		if other != list && a.lists[other].pays(line, since) {
			return true
		}
	}
	return a.rests(p, since) || a.lapsed(p, since)
}

// lapsed tells whether the right behind a payment was stopped or suspended for its month, at a position of the log or since.
func (a *auditor) lapsed(p *paid, since int64) bool {
	line := a.listOf(p.Payroll).lines[p.Payment.Payment]
	return slices.ContainsFunc(line.Enrolments, func(right string) bool {
		return slices.ContainsFunc(a.stops[right], func(s stop) bool {
			return s.covers(p.Month) || s.resumedAt > since && s.fromMonth <= p.Month
		})
	})
}

// ended tells whether a right behind a payment was stopped for its month, which is never taken back.
func (a *auditor) ended(p *paid) bool {
	line := a.listOf(p.Payroll).lines[p.Payment.Payment]
	return slices.ContainsFunc(line.Enrolments, func(right string) bool {
		return slices.ContainsFunc(a.stops[right], func(s stop) bool { return !s.suspended && s.covers(p.Month) })
	})
}

// pays tells whether the list has a line that it will pay, or had one after a position of the log.
func (l *list) pays(line string, since int64) bool {
	if l.rejectedAt > since {
		return true
	}
	found, there := l.lines[line]
	removedAt, removed := l.removed[line]
	return there && !found.Held && l.Status != payroll.Rejected && (!removed || removedAt > since)
}

// takenOver is I11: one payment takes over another that was carried forward, with the same money.
func (a *auditor) takenOver(id string, of disbursement.Payable) {
	eleven := a.invariant(11)
	taker, taken := a.origins[of.Origin]
	eleven.holds(!taken || taker == id, "payment %s was taken over by %s and %s", of.Origin, taker, id)
	a.origins[of.Origin] = id
	a.untaken[of.Mark] = slices.DeleteFunc(a.untaken[of.Mark], func(origin string) bool { return origin == of.Origin })
	origin := a.payments[of.Origin]
	eleven.holds(origin != nil && origin.Status == payment.CarriedForward && origin.Amount == of.Amount && origin.Mark == of.Mark,
		"payment %s takes over %s, which was not carried forward like this", id, of.Origin)
}

// finishCarried is the last part of I11: where a bank says after all that it credited what was carried forward, and the money
// did not come back, the payment that took it over is the same money twice; and so is one that took over that one.
func (a *auditor) finishCarried() {
	for _, origin := range slices.Sorted(maps.Keys(a.origins)) {
		if p := a.payments[origin]; p == nil || !p.Contested() {
			a.invariant(11).checked++
			continue
		}
		seen := map[string]bool{}
		for id := a.origins[origin]; id != "" && !seen[id]; id = a.origins[id] {
			seen[id] = true
			taker := a.payments[id]
			paidTwice := taker != nil && (taker.Status == payment.Credited || taker.Status == payment.CashPaid)
			a.invariant(11).holds(!paidTwice, "payment %s was credited after all, and %s paid the same money again", origin, id)
		}
	}
}

// finishAttempts is the same within one payment: what a later attempt, or cash, paid as well.
func (a *auditor) finishAttempts() {
	for _, id := range slices.Sorted(maps.Keys(a.payments)) {
		p := a.payments[id]
		before := p.Earlier
		switch {
		case p.Status == payment.CashPaid && p.Current.Attempt > 0:
			before = append(slices.Clip(before), p.Current)
		case p.Status != payment.Credited:
			continue
		}
		for _, at := range before {
			a.invariant(11).holds(!at.Contested, "payment %s: attempt %d was credited after all, and the payment was made again", id, at.Attempt)
		}
	}
}

// rests tells whether a bank contradicts itself, or did after a position of the log, about a payment or any that it rests on: what it
// takes over, and what it was made in the place of.
func (a *auditor) rests(p *paid, since int64) bool {
	seen := map[*paid]bool{nil: true}
	for waiting := []*paid{p}; len(waiting) > 0; waiting = waiting[1:] {
		p := waiting[0]
		if seen[p] {
			continue
		}
		if seen[p] = true; p.Contested() || p.doubtedAt > since {
			return true
		}
		for _, id := range append([]string{p.Origin}, a.listOf(p.Payroll).lines[p.Payment.Payment].InsteadOf...) {
			waiting = append(waiting, a.payments[id])
		}
	}
	return false
}
