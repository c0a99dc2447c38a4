package audit

import (
	"maps"
	"slices"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// maybe tells whether a list may have counted a line as paying its month: one that was there before the list was computed, and neither
// held, nor gone when its draft began. What changed in between counts as before and as after. Its own line counts as long as it is paid.
func (a *auditor) maybe(line listed, asks *list) bool {
	if line.list == asks {
		return !line.Held && line.fellAt == 0
	}
	removedAt, removed := line.list.removed[line.Payment]
	switch {
	case line.Held, line.draftedAt > asks.known():
		return false
	case line.fellAt != 0:
		return line.fellAt > asks.draftedAt
	case removed && removedAt < asks.draftedAt:
		return false
	}
	p := a.made(line)
	return p == nil || a.stands(p) || a.fell(p) > asks.draftedAt
}

// made is the payment of a line; nil if there is none, or that of another list.
func (a *auditor) made(line listed) *paid {
	if p := a.payments[line.Payment]; p != nil && p.Payroll == line.list.Payroll.Payroll && line.fellAt == 0 {
		return p
	}
	return nil
}

// sure tells whether the line was paid, and counts at the end.
func (a *auditor) sure(line listed) bool {
	p := a.made(line)
	return p != nil && a.stands(p)
}

// finishTold is I9 for what a list says instead of paying: that another programme has paid the month, or that too much was paid. Money that
// went back to the treasury, or never came, is none that somebody has.
func (a *auditor) finishTold(q *asked) {
	for _, id := range slices.Sorted(maps.Keys(a.lists)) {
		l := a.lists[id]
		if l.Status == payroll.Rejected {
			continue
		}
		for _, f := range l.overpaid {
			a.invariant(9).holds(a.overpaid(l, f, q), "payroll %s, month %s: %d dong are said to be overpaid that nobody has", id, f.Month, int64(f.Amount))
		}
		for _, line := range a.heldForNothing(l, q) {
			a.invariant(9).violated("payroll %s: line %s is held for another programme's payment, and nobody has that", id, line)
		}
	}
}

func heldElsewhere(line payroll.Line) bool {
	return line.Held && slices.Contains(line.Signals, payroll.SignalPaidElsewhere)
}

// heldForNothing returns the lines of a list that are held for the money of another programme, though there is none.
func (a *auditor) heldForNothing(l *list, q *asked) (lines []string) {
	for id, line := range l.lines {
		if !heldElsewhere(line) {
			continue
		}
		if a.invariant(9).checked++; !a.paidElsewhere(l, line, q) {
			lines = append(lines, id)
		}
	}
	slices.Sort(lines)
	return lines
}

// paidElsewhere tells whether a line is held for something: another programme has paid the month, or is going to, or did so before this
// system.
func (a *auditor) paidElsewhere(l *list, line payroll.Line, q *asked) bool {
	if slices.ContainsFunc(a.before[line.Mark], func(b paidBefore) bool {
		return b.programme != l.Programme && b.covers(line.Month) && b.entered < l.known()
	}) {
		return true
	}
	return slices.ContainsFunc(q.lines[personMonth{line.Mark, line.Month}], func(other listed) bool {
		return other.list.Programme != l.Programme && a.maybe(other, l)
	})
}

// most is how many sums are tried: more than one month ever has.
const most = 256

// overpaid tells whether too much can have been paid: what is left without it must be an amount that the law has, or nothing. What the
// list may or may not have counted is tried both ways; where what was paid before this system shows in no line, nothing can be said.
func (a *auditor) overpaid(l *list, f payroll.Finding, q *asked) bool {
	sums, certain := a.sums(l, f, q)
	if len(sums) > most {
		return true
	}
	if len(a.before[f.Mark]) > 0 {
		key := entitledMonth{mark: f.Mark, programme: l.Programme, month: f.Month}
		m := a.months[key]
		if m == nil {
			m = &monthTotal{first: l, last: l}
		}
		before := a.beforeOf(key, m)
		switch {
		case !before.any:
		case m.first == l, m.first.computedAt > l.draftedAt, !certain, before.changed && a.replaced(key, before, sums, f.Amount):
			return true
		default:
			sums = plus(sums, m.covered, false)
		}
	}
	for sum := range sums {
		left := sum - f.Amount
		if left == 0 || left > 0 && a.law.grants(l.Programme, f.Month, l.AsOf, left) {
			return true
		}
	}
	return false
}

// sums are what a list may have counted as paid by others of its programme for the month that it calls overpaid. They are certain if it
// must have counted just that.
func (a *auditor) sums(l *list, f payroll.Finding, q *asked) (sums map[money.Amount]bool, certain bool) {
	sums, certain = map[money.Amount]bool{0: true}, true
	for _, line := range q.lines[personMonth{f.Mark, f.Month}] {
		if line.list.Programme != l.Programme || line.list == l {
			continue
		}
		certain = certain && (line.Held || a.sure(line)) // the first line of the month may have counted it
		if !a.maybe(line, l) {
			continue
		}
		doubtful := !a.plain(line) || line.known() >= l.draftedAt
		certain = certain && !doubtful
		if sums = plus(sums, line.Amount, doubtful); len(sums) > most {
			break
		}
	}
	return sums, certain
}

// replaced tells whether all of a month is overpaid that by now another right is said to have paid before this system.
func (a *auditor) replaced(key entitledMonth, before paidBeforeSince, sums map[money.Amount]bool, over money.Amount) bool {
	if !before.exact {
		return true
	}
	for sum := range sums {
		if a.law.grants(key.programme, key.month, before.day, over-sum) {
			return true
		}
	}
	return false
}

// plain tells whether a payment was simply made: nothing ever came back, or was doubted.
func (a *auditor) plain(line listed) bool {
	p := a.made(line)
	if p == nil || p.doubtedAt > 0 || p.carriedAt > 0 || p.refundedIn > 0 {
		return false
	}
	return p.Status != payment.Recalled && p.Status != payment.Rejected && p.Status != payment.Returned
}

// plus adds an amount to each sum, and leaves it as it is as well where that is doubtful.
func plus(sums map[money.Amount]bool, amount money.Amount, doubtful bool) map[money.Amount]bool {
	next := map[money.Amount]bool{}
	for sum := range sums {
		next[sum+amount] = true
		if doubtful {
			next[sum] = true
		}
	}
	return next
}
