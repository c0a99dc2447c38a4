package audit

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// personMonth is somebody's month in all programmes.
type personMonth struct{ mark, month string }

// asked is what the lines of all lists are looked through for, once: only of these months are they needed.
type asked struct {
	lines map[personMonth][]listed
	// idle is money that waits in closed lists although its right was stopped, by person.
	idle map[string][]*idle
}

// idle is a payment that its list cannot make any more, and where in the log that became so. Since then a list was released that pays
// the person something, unless it is nil.
type idle struct {
	*paid

	at    int64
	since *list
}

// listed is a line of a draft.
type listed struct {
	payroll.Line
	draft

	list *list
}

// stands tells whether a payment counts for its month at the end: somebody has its money, or it can still be made. Nothing comes any more
// of what went back to the treasury; nor of what was carried forward and lost its right for good before a list took it over, nor of what
// that had taken over. Unless a bank says that it credited one of them; then what was made in the place of that, and was stopped for it,
// counts for nothing until the bank gave it back.
func (a *auditor) stands(p *paid) bool {
	p = a.lastTaker(p)
	switch p.Status {
	case payment.Refunded:
		return a.contested(p)
	case payment.CarriedForward:
		return a.contested(p) || (!a.ended(p) || a.listedStill(p)) && !a.paidAnyway(p)
	case payment.Recalled:
		return a.contested(p) || !a.paidAnyway(p)
	default:
		return true
	}
}

// lastTaker is the end of the chain of payments that took a payment over.
func (a *auditor) lastTaker(p *paid) *paid {
	seen := map[*paid]bool{}
	for next := a.payments[a.origins[p.Payment.Payment]]; next != nil && !seen[p]; next = a.payments[a.origins[p.Payment.Payment]] {
		seen[p] = true
		p = next
	}
	return p
}

// listedStill tells whether a list is going to take over what was carried forward.
func (a *auditor) listedStill(p *paid) bool {
	for list, line := range a.takers[p.Payment.Payment] {
		if a.lists[list].pays(line, math.MaxInt64) {
			return true
		}
	}
	return false
}

// fell is from where in the log a payment that does not stand has counted no more, at the latest.
func (a *auditor) fell(p *paid) int64 {
	p = a.lastTaker(p)
	at := max(p.refundedIn, p.carriedAt)
	if p.Status == payment.CarriedForward {
		at = max(at, a.endedAt(p))
	}
	for list, line := range a.takers[p.Payment.Payment] {
		at = max(at, a.lists[list].rejectedAt, a.lists[list].removed[line])
	}
	seen := map[*paid]bool{}
	for ; p != nil && !seen[p]; p = a.payments[p.Origin] {
		seen[p], at = true, max(at, p.doubtedAt)
	}
	return at
}

// endedAt is where in the log a right behind a payment was first stopped for its month.
func (a *auditor) endedAt(p *paid) int64 {
	first := int64(math.MaxInt64)
	for _, right := range a.listOf(p.Payroll).lines[p.Payment.Payment].Enrolments {
		for _, s := range a.stops[right] {
			if !s.suspended && s.covers(p.Month) {
				first = min(first, s.at)
			}
		}
	}
	return first
}

// addUp makes the months' totals what stands at the end.
func (a *auditor) addUp() {
	for _, m := range a.months {
		m.total = 0
	}
	for _, p := range a.payments {
		m := a.months[entitledMonth{mark: p.Mark, programme: p.Programme, month: p.Month}]
		if m != nil && p.Kind != payroll.CarriedForward && a.stands(p) {
			m.total += money.Amount(p.Amount)
		}
	}
}

// ask collects the lines of the months about which something is to be explained: of which less or more is paid than granted, a line is
// held for the money of another programme, or a list says that too much was paid.
func (a *auditor) ask() *asked {
	q := &asked{lines: map[personMonth][]listed{}, idle: a.idleOfClosed()}
	for key, m := range a.months {
		if a.lacking(key, m) != 0 {
			q.lines[personMonth{key.mark, key.month}] = nil
		}
	}
	for _, l := range a.lists {
		for _, f := range l.overpaid {
			q.lines[personMonth{f.Mark, f.Month}] = nil
		}
		for _, line := range l.lines {
			if heldElsewhere(line) {
				q.lines[personMonth{line.Mark, line.Month}] = nil
			}
		}
	}
	for _, l := range a.lists {
		q.look(l, l.draft)
		for _, before := range l.earlier {
			q.look(l, before)
		}
	}
	return q
}

// look goes through the lines of a draft.
func (q *asked) look(l *list, d draft) {
	for _, line := range d.lines {
		key := personMonth{line.Mark, line.Month}
		if _, wanted := q.lines[key]; wanted && line.Kind != payroll.CarriedForward {
			q.lines[key] = append(q.lines[key], listed{Line: line, draft: d, list: l})
		}
		for _, i := range q.idle[line.Mark] {
			if l.Programme == i.Programme && l.released.Event != nil && d.fellAt == 0 && d.draftedAt > i.at {
				i.since = l
			}
		}
	}
}

// idleOfClosed finds what was tried again with money that lay with a closed list, and rejected, and whose right was stopped.
func (a *auditor) idleOfClosed() map[string][]*idle {
	found := map[string][]*idle{}
	for _, p := range a.payments {
		if p.Status == payment.Rejected && p.FromList && !p.Contested() && a.listOf(p.Payroll).Status == payroll.Closed && a.ended(p) {
			found[p.Mark] = append(found[p.Mark], &idle{paid: p, at: a.endedAt(p)})
		}
	}
	return found
}

// finishIdle is I1 where money lies with a closed list and is nobody's: its payment is not made any more, and as long as it lies there, it
// covers its month. The treasury has to have it by the next list that is released for the person: it takes somebody to give it back, and
// whoever prepared and paid that list had the time.
func (a *auditor) finishIdle(q *asked) {
	for _, mark := range slices.Sorted(maps.Keys(q.idle)) {
		for _, i := range q.idle[mark] {
			a.invariant(1).holds(i.since == nil, "payment %s: its right was stopped, and its money lies with the closed payroll %s still",
				i.Payment.Payment, i.Payroll)
		}
	}
}

// finishMonths is the last part of I9: what stands of a month comes to what is granted. Less may be paid only by lines that were counted and
// then not paid; what was not there any more when a list was drafted is no reason for that list to pay less.
func (a *auditor) finishMonths(q *asked) {
	nine := a.invariant(9)
	var wrong, forgotten []entitledMonth
	for key, m := range a.months {
		nine.checked++
		switch {
		case m.covered == 0 && a.beforeOf(key, m).must:
			forgotten = append(forgotten, key)
		case !a.adds(key, m, q):
			wrong = append(wrong, key)
		}
	}
	for _, key := range sorted(wrong) {
		m := a.months[key]
		nine.violated("payroll %s, programme %s, month %s: somebody gets %d dong in all, and %d are granted",
			m.last.Payroll.Payroll, key.programme, key.month, int64(m.total), int64(m.latest))
	}
	for _, key := range sorted(forgotten) {
		nine.violated("payroll %s, programme %s, month %s: what was paid before this system is not counted",
			a.months[key].first.Payroll.Payroll, key.programme, key.month)
	}
	a.finishProgrammes()
	a.finishTold(q)
	a.finishIdle(q)
}

func sorted(keys []entitledMonth) []entitledMonth {
	return slices.SortedFunc(slices.Values(keys), func(x, y entitledMonth) int {
		return cmp.Or(cmp.Compare(x.month, y.month), cmp.Compare(x.programme, y.programme), cmp.Compare(x.mark, y.mark))
	})
}

// finishProgrammes is I9 over programmes at the end: a bank may have said since that it credited what was given up, and whose month
// another programme has paid.
func (a *auditor) finishProgrammes() {
	var wrong []entitledMonth
	for of := range a.opened {
		for _, p := range a.law.data.Programmes {
			key := entitledMonth{mark: of.mark, programme: p.ID, month: of.month}
			if m := a.months[key]; m == nil || m.total == 0 {
				continue
			}
			if once, last := a.once(key, func(entitledMonth) {}); !once && last == key {
				wrong = append(wrong, key)
			}
		}
	}
	for _, key := range sorted(wrong) {
		a.invariant(9).violated("payroll %s, month %s: programmes that exclude each other pay more than is granted", a.months[key].last.Payroll.Payroll, key.month)
	}
}

// lacking is what of the month is granted and neither paid here nor before this system.
func (a *auditor) lacking(key entitledMonth, m *monthTotal) money.Amount {
	lacks := m.latest - m.total
	if a.beforeOf(key, m).any {
		lacks -= m.covered
	}
	return lacks
}

// adds tells whether a month is paid as it is granted, or what it lacks is explained.
func (a *auditor) adds(key entitledMonth, m *monthTotal, q *asked) bool {
	lacks, before := a.lacking(key, m), a.beforeOf(key, m)
	switch {
	case m.total > m.latest:
		return false
	case lacks == 0:
		return true
	}
	switch unpaid := a.unpaid(key, m.last, q); {
	case lacks > 0 && lacks <= unpaid:
		return true
	case !before.any:
		return false
	case lacks < 0 && -lacks <= a.unpaid(key, m.first, q): // what the first line counted was not all from before this system
		return true
	case unpaid > 0:
		return before.changed
	default:
		paid := m.latest - m.total // before this system
		return before.changed && (paid == 0 || !before.exact || a.law.grants(key.programme, key.month, before.day, paid))
	}
}

// unpaid is what a list may have counted as paying a month, itself or another, and does not pay it at the end.
func (a *auditor) unpaid(key entitledMonth, asks *list, q *asked) (sum money.Amount) {
	for _, line := range q.lines[personMonth{key.mark, key.month}] {
		if line.list.Programme == key.programme && !a.sure(line) && a.maybe(line, asks) {
			sum += line.Amount
		}
	}
	return sum
}
