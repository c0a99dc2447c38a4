package audit

import (
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
	// latest is what the law grants, as the line says that was computed last of those that are paid; last is its list.
	latest money.Amount
	last   *list
	// covered is what the line that was computed first counted as paid; first is its list.
	covered money.Amount
	first   *list
}

// granted adds a payment to its month (I9). What was carried forward was granted by the list that it comes from.
func (a *auditor) granted(id string, of disbursement.Payable, line payroll.Line, l *list) {
	if of.Kind == payroll.CarriedForward {
		return
	}
	nine := a.invariant(9)
	key := entitledMonth{mark: of.Mark, programme: of.Programme, month: of.Month}
	m := a.months[key]
	if m == nil {
		m = &monthTotal{latest: line.Granted, last: l, covered: line.Covered, first: l}
		a.months[key] = m
	}
	a.cameBack(key)
	m.total += money.Amount(of.Amount)
	if l.computedAt >= m.last.computedAt {
		m.latest, m.last = line.Granted, l
	}
	if l.computedAt < m.first.computedAt {
		m.covered, m.first = line.Covered, l
	}
	nine.holds(line.Amount+line.Covered == line.Granted, "payment %s is not what is granted less what other lists pay", id)
	nine.holds(m.total <= m.latest, "payment %s: more is paid for the month than is granted", id)
	nine.holds(a.law.grants(of.Programme, of.Month, l.AsOf, line.Granted),
		"payment %s: the law does not know what is granted (rules %s; those of its list: %s)", id, a.law.rules.Version(), orNothing(l.Computed.Rules))
	a.onlyOnce(id, key)
}

// onlyOnce is I9 over programmes when a payment is made.
func (a *auditor) onlyOnce(id string, key entitledMonth) {
	once, _ := a.once(key, a.cameBack)
	a.invariant(9).holds(once, "payment %s: programmes that exclude each other pay more for the month than is granted", id)
}

// once tells whether all programmes that exclude each other together pay for a month no more than the list says that was computed last,
// and which programme's month that is. A list that was computed before could not know better.
func (a *auditor) once(key entitledMonth, see func(entitledMonth)) (ok bool, last entitledMonth) {
	total, alone := a.months[key].total, true
	last = key
	for _, p := range a.law.data.Programmes {
		beside := entitledMonth{mark: key.mark, programme: p.ID, month: key.month}
		m := a.months[beside]
		if beside == key || m == nil || a.law.combines(key.programme, p.ID) {
			continue
		}
		see(beside)
		if total += m.total; m.total > 0 {
			alone = false
			if m.last.computedAt > a.months[last].last.computedAt {
				last = beside
			}
		}
	}
	return alone || total <= a.months[last].latest, last
}

// refunds is I9 for what goes back to the treasury: it came back, and either its right has ended or the person has the money.
func (a *auditor) refunds(id string, p *paid, e disbursement.PaymentRefunded) {
	nine := a.invariant(9)
	a.opened[personMonth{p.Mark, p.Month}] = append(a.opened[personMonth{p.Mark, p.Month}], p)
	nine.holds(p.Back() && !p.Contested(), "payment %s was refunded, and its money was not back", id)
	if e.Reason != disbursement.AlreadyPaid {
		if !a.lapsed(p, math.MaxInt64) {
			a.unstopped = append(a.unstopped, p)
		}
		a.refunded(p)
		return
	}
	nine.holds(p.Current.RecalledBy == "" || p.Current.RecalledBy != e.By, "payment %s was recalled and refunded as paid by one person", id)
	byBank := a.contested(p)
	nine.holds(byBank || a.paidAnyway(p) || a.duplicates(p, a.payments[e.DuplicateOf]), "payment %s was refunded as paid, and neither another payment nor a bank says so", id)
	if !byBank { // the other payment counts in its own month
		a.refunded(p)
		return
	}
	key := entitledMonth{mark: p.Mark, programme: p.Programme, month: p.Month}
	a.elsewhere[key] = append(a.elsewhere[key], p)
}

// duplicates tells whether the person has the money of a payment by another one. Lists subtract what others of their programme pay, so
// that within one programme a payment is at most the rest of what another left; and where the law lets two programmes be paid side by
// side, neither is paid instead of the other.
func (a *auditor) duplicates(p, q *paid) bool {
	if q == nil || q.Mark != p.Mark || q.Month != p.Month || q.Programme == p.Programme || a.law.combines(p.Programme, q.Programme) {
		return false
	}
	return (q.Status == payment.Credited || q.Status == payment.CashPaid) && !q.Contested() && q.Amount >= p.Amount
}

// paidAnyway tells whether a bank says so of another payment of the month, in whose place a list made this one because it had reached nobody.
func (a *auditor) paidAnyway(p *paid) bool {
	return slices.ContainsFunc(a.opened[personMonth{p.Mark, p.Month}], func(q *paid) bool { return q != p && a.contested(q) })
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

// cameBack takes out of a month what was refunded because a bank said that the person had the money, as soon as that money came back:
// then it is owed once more. So is what was carried forward, as soon as its right was stopped for the month: no list takes that over any
// more.
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
func (a *auditor) refunded(p *paid) {
	seen := map[*paid]bool{}
	for first := p; first != nil && !seen[first]; first = a.payments[first.Origin] {
		seen[first] = true
		m := a.months[entitledMonth{mark: first.Mark, programme: first.Programme, month: first.Month}]
		if first.Kind != payroll.CarriedForward && m != nil {
			m.total -= money.Amount(first.Amount)
		}
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
