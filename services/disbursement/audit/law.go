package audit

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// entitledMonth is what a person is entitled to once.
type entitledMonth struct{ mark, programme, month string }

// monthTotal is what lists pay somebody for a month, regularly and as arrears.
type monthTotal struct {
	total money.Amount
	// granted is what the law grants, as the line says that was paid last; latest is the same as of the list that was computed last,
	// and computed where that is in the log.
	granted, latest money.Amount
	computed        int64
	// broken tells that a line of the month is held, was removed, or stands in a list that was never released: then less than
	// what is granted may be paid.
	broken bool
}

// granted adds a payment to its month (I9). What was carried forward was granted by the list that it comes from.
func (a *auditor) granted(id string, of disbursement.Payable, line payroll.Line, l *list) {
	if of.Kind == payroll.CarriedForward {
		return
	}
	nine := a.invariant(9)
	key := entitledMonth{mark: of.Mark, programme: of.Programme, month: of.Month}
	if a.months[key] == nil {
		a.months[key] = &monthTotal{}
	}
	m := a.months[key]
	a.cameBack(key)
	m.total += money.Amount(of.Amount)
	m.granted = line.Granted
	if len(line.InsteadOf) > 0 {
		a.anew[key] = append(a.anew[key], id)
	}
	if l.computedAt >= m.computed {
		m.latest, m.computed = line.Granted, l.computedAt
	}
	nine.holds(line.Amount+line.Covered == line.Granted, "payment %s is not what is granted less what other lists pay", id)
	nine.holds(m.total <= line.Granted, "payment %s: more is paid for the month than is granted", id)
	nine.holds(a.law.grants(of.Programme, of.Month, l.AsOf, line.Granted),
		"payment %s: the law does not know what is granted (rules %s; those of its list: %s)", id, a.law.rules.Version(), orNothing(l.Computed.Rules))
	a.onlyOnce(id, key)
}

// onlyOnce is I9 over programmes: of those that exclude each other, all together pay for a month what the list says that was computed
// last. A list that was computed before could not know better.
func (a *auditor) onlyOnce(id string, key entitledMonth) {
	total, last := a.months[key].total, a.months[key]
	for _, p := range a.law.data.Programmes {
		beside := entitledMonth{mark: key.mark, programme: p.ID, month: key.month}
		m := a.months[beside]
		if beside == key || m == nil || a.law.combines(key.programme, p.ID) {
			continue
		}
		a.cameBack(beside)
		if total += m.total; m.total > 0 && m.computed > last.computed {
			last = m
		}
	}
	if last == a.months[key] && total == last.total {
		return // the only programme
	}
	a.invariant(9).holds(total <= last.latest, "payment %s: programmes that exclude each other pay more for the month than is granted", id)
}

// refunds is I9 for what goes back to the treasury: it came back, and either its right has ended or the person has the money.
func (a *auditor) refunds(id string, p *paid, e disbursement.PaymentRefunded) {
	nine := a.invariant(9)
	nine.holds(p.Back() && !p.Contested(), "payment %s was refunded, and its money was not back", id)
	if e.Reason != disbursement.AlreadyPaid {
		if !a.lapsed(p, math.MaxInt64) {
			a.unstopped = append(a.unstopped, p)
		}
		a.refunded(p)
		return
	}
	nine.holds(p.Current.RecalledBy == "" || p.Current.RecalledBy != e.By, "payment %s was recalled and refunded as paid by one person", id)
	if q := a.payments[e.DuplicateOf]; q != nil {
		paid := (q.Status == payment.Credited || q.Status == payment.CashPaid) && !q.Contested()
		if paid && q != p && q.Mark == p.Mark && q.Month == p.Month && q.Programme != p.Programme && q.Amount >= p.Amount {
			p.twin = q
		}
	}
	nine.holds(a.had(p) || a.rests(p, math.MaxInt64), "payment %s was refunded as paid, and neither another payment nor a bank says so", id)
	key := entitledMonth{mark: p.Mark, programme: p.Programme, month: p.Month}
	a.elsewhere[key] = append(a.elsewhere[key], p)
}

// had tells whether the person has the money of a refunded payment: by the one that it is a duplicate of, or by one that it goes back
// to, of which a bank says so.
func (a *auditor) had(p *paid) bool {
	return p.twin != nil && p.twin.Status != payment.Refunded || a.contested(p)
}

// finishRefunds is the part of I9 that only accounts can tell: where no right was stopped, somebody had died.
func (a *auditor) finishRefunds() {
	for _, p := range a.unstopped {
		dead := slices.ContainsFunc(a.deaths[p.Mark], func(d death) bool { return p.Month > d.month && d.stood(p.refundedAt, heardFor) })
		a.invariant(9).holds(dead, "payment %s was refunded while its right stood", p.Payment.Payment)
	}
}

// contested tells whether a bank contradicts itself about a payment, or about one that it goes back to.
func (a *auditor) contested(p *paid) bool { return a.doubted(p, math.MaxInt64) }

// doubted tells whether a bank does, or did after a position of the log.
func (a *auditor) doubted(p *paid, since int64) bool {
	seen := map[*paid]bool{}
	for ; p != nil && !seen[p]; p = a.payments[p.Origin] {
		seen[p] = true
		if p.Contested() || p.doubtedAt > since {
			return true
		}
	}
	return false
}

// cameBack takes out of a month what was refunded because the person had the money, unless a bank says that they have this very money: the
// payment of which it was a duplicate counts in its own month. So is what was carried forward, as soon as its right was stopped for the
// month: no list takes that over any more.
func (a *auditor) cameBack(key entitledMonth) {
	a.elsewhere[key] = slices.DeleteFunc(a.elsewhere[key], func(p *paid) bool {
		back := !a.contested(p)
		if back {
			a.refunded(p)
		}
		return back
	})
	for _, p := range a.carried[key] {
		if _, taken := a.origins[p.Payment.Payment]; !p.givenUp && !taken && a.ended(p) {
			p.givenUp = true
			a.refunded(p)
		}
	}
}

// refunded takes a payment out of its month (I9): what went back to the treasury is not paid, and may be owed once more. What was
// carried forward counts in the month of the payment that it began as.
func (a *auditor) refunded(p *paid) { a.count(p, -1) }

// count adds a payment to its month, or takes it out.
func (a *auditor) count(p *paid, times money.Amount) {
	seen := map[*paid]bool{}
	for first := p; first != nil && !seen[first]; first = a.payments[first.Origin] {
		seen[first] = true
		m := a.months[entitledMonth{mark: first.Mark, programme: first.Programme, month: first.Month}]
		if first.Kind != payroll.CarriedForward && m != nil {
			m.total += times * money.Amount(first.Amount)
			m.broken = true
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

// regretted puts back into a month what was given up, and of which a bank says that the person has it after all. What was made in its
// place, and was stopped for that, nobody has.
func (a *auditor) regretted(key entitledMonth) {
	for _, p := range a.carried[key] {
		if p.givenUp && a.contested(p) {
			a.count(p, 1)
		}
	}
	for _, id := range a.anew[key] {
		p := a.payments[id]
		for taker, taken := a.origins[id]; taken; taker, taken = a.origins[taker] {
			p = a.payments[taker]
		}
		idle := p.Status == payment.Recalled || p.Status == payment.CarriedForward && !p.givenUp
		if idle && a.rests(p, math.MaxInt64) {
			a.refunded(p)
		}
	}
}

// unpaid finds the months of which a line is not paid, or not yet.
func (a *auditor) unpaid() {
	for _, l := range a.lists {
		for id, line := range l.lines {
			p := a.payments[id]
			m := a.months[entitledMonth{mark: line.Mark, programme: l.Programme, month: line.Month}]
			if m != nil && (p == nil || p.Payroll != l.Payroll.Payroll) {
				m.broken = true
			}
		}
	}
}

// finishMonths is the last part of I9: where every line of a month became a payment, they come to what is granted.
func (a *auditor) finishMonths() {
	a.unpaid()
	keys := slices.SortedFunc(maps.Keys(a.months), func(x, y entitledMonth) int {
		return cmp.Or(cmp.Compare(x.month, y.month), cmp.Compare(x.programme, y.programme), cmp.Compare(x.mark, y.mark))
	})
	for _, key := range keys {
		a.cameBack(key)
		a.regretted(key)
		m := a.months[key]
		before := key.month <= a.paidUntil[key.mark] // a part may have been paid before this system
		a.invariant(9).holds(m.total == m.granted || m.total < m.granted && (m.broken || before), "programme %s, month %s: somebody gets %d dong in all, and %d are granted",
			key.programme, key.month, int64(m.total), int64(m.granted))
	}
}

// law answers which amounts there are. It asks the rules that the lists are computed with.
type law struct {
	rules entitlement.Rules
	data  entitlement.Data
	known map[grant]map[money.Amount]bool
}

// grant is a question to the law.
type grant struct{ programme, month, asOf string }

// grants tells whether anybody can be entitled to an amount. Amounts are worked out once per programme, month and day.
func (l *law) grants(programme, of, asOf string, amount money.Amount) bool {
	key := grant{programme, of, asOf}
	if _, known := l.known[key]; !known {
		l.known[key] = l.amounts(key)
	}
	return l.known[key][amount]
}

// amounts is none where the log has no month or no day.
func (l *law) amounts(key grant) map[money.Amount]bool {
	m, err := month.Parse(key.month)
	if err != nil {
		return nil
	}
	asOf, err := vn.ParseDate(key.asOf)
	if err != nil {
		return nil
	}
	return l.rules.Amounts(key.programme, m, asOf)
}

// combines tells whether the law ever lets two programmes be paid side by side.
func (l *law) combines(a, b string) bool {
	of := func(category string) (programme string) {
		for _, rule := range l.data.Rules {
			if rule.Category == category {
				programme = rule.Programme
			}
		}
		return programme
	}
	return slices.ContainsFunc(l.data.Combinations, func(c entitlement.Combination) bool {
		return slices.ContainsFunc(c.With, func(with string) bool {
			return of(c.Category) == a && of(with) == b || of(c.Category) == b && of(with) == a
		})
	})
}
