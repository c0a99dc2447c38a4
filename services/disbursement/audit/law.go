package audit

import (
	"cmp"
	"maps"
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
	// granted is what the law grants, as the line says that was paid last.
	granted money.Amount
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
	nine.holds(line.Amount+line.Covered == line.Granted, "payment %s is not what is granted less what other lists pay", id)
	nine.holds(m.total <= line.Granted, "payment %s: more is paid for the month than is granted", id)
	nine.holds(a.law.grants(of.Programme, of.Month, l.AsOf, line.Granted), "payment %s: the law does not know what is granted", id)
}

// refunds is I9 for what goes back to the treasury: it came back, and either its right has ended or the person has the money.
func (a *auditor) refunds(id string, p *paid, e disbursement.PaymentRefunded) {
	nine := a.invariant(9)
	nine.holds((p.Status == payment.Returned || p.Status == payment.Recalled) && !p.Contested(), "payment %s was refunded, and its money was not back", id)
	duplicate := payment.Duplicate(p.Current.Reason) || payment.Duplicate(p.Current.Recall)
	switch {
	case e.Reason != payment.AlreadyPaid:
		if !a.stopped(p) {
			a.unstopped = append(a.unstopped, p)
		}
		a.refunded(p)
	case duplicate: // the person has the month by whatever it is a duplicate of
	default:
		nine.holds(a.contested(p), "payment %s was refunded as paid, and no bank says so", id)
		key := entitledMonth{mark: p.Mark, programme: p.Programme, month: p.Month}
		a.elsewhere[key] = append(a.elsewhere[key], p)
	}
}

// stopped tells whether the right behind a payment has ended for its month, as far as the log of disbursement goes.
func (a *auditor) stopped(p *paid) bool {
	line := a.listOf(p.Payroll).lines[p.Payment.Payment]
	return slices.ContainsFunc(line.Enrolments, func(right string) bool {
		return slices.ContainsFunc(a.stops[right], func(s stop) bool { return s.covers(p.Month) })
	})
}

// finishRefunds is the part of I9 that only accounts can tell: where no right was stopped, somebody had died.
func (a *auditor) finishRefunds() {
	for _, p := range a.unstopped {
		died, dead := a.deaths[p.Mark]
		a.invariant(9).holds(dead && p.Month > died.month, "payment %s was refunded while its right stood", p.Payment.Payment)
	}
}

// contested tells whether a bank contradicts itself about a payment, or about one that it goes back to.
func (a *auditor) contested(p *paid) bool {
	seen := map[*paid]bool{}
	for ; p != nil && !seen[p]; p = a.payments[p.Origin] {
		seen[p] = true
		if p.Contested() {
			return true
		}
	}
	return false
}

// cameBack takes out of a month what was refunded because the person had the money, as soon as that money came back: then it is
// owed once more.
func (a *auditor) cameBack(key entitledMonth) {
	a.elsewhere[key] = slices.DeleteFunc(a.elsewhere[key], func(p *paid) bool {
		back := !a.contested(p)
		if back {
			a.refunded(p)
		}
		return back
	})
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
			m.broken = true
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
		m := a.months[key]
		a.invariant(9).holds(m.broken || m.total == m.granted, "programme %s, month %s: somebody gets %d dong in all, and %d are granted",
			key.programme, key.month, int64(m.total), int64(m.granted))
	}
}

// law answers which amounts there are.
type law struct {
	data  entitlement.Data
	known map[grant]map[money.Amount]bool
}

// grant is a question to the law.
type grant struct{ programme, month, asOf string }

// mostChildren is for how many children an amount per child is looked for.
const mostChildren = 20

// grants tells whether anybody can be entitled to an amount. Amounts are worked out once per programme, month and day.
func (l *law) grants(programme, of, asOf string, amount money.Amount) bool {
	key := grant{programme, of, asOf}
	if l.known == nil {
		l.known = map[grant]map[money.Amount]bool{}
	}
	if l.known[key] == nil {
		l.known[key] = l.amounts(key)
	}
	return l.known[key][amount]
}

// amounts is every standard or provincial level, times every coefficient, times a number of children, and every sum of an
// amount per child and another one.
func (l *law) amounts(key grant) map[money.Amount]bool {
	amounts := map[money.Amount]bool{}
	m, err := month.Parse(key.month)
	if err != nil {
		return amounts
	}
	asOf, err := vn.ParseDate(key.asOf)
	if err != nil {
		return amounts
	}
	perChild, others := l.multiples(key.programme, l.bases(key.programme, m, asOf))
	for _, other := range append(others, 0) {
		amounts[other] = true
		for _, children := range perChild {
			amounts[other+children] = true
		}
	}
	delete(amounts, 0)
	return amounts
}

// multiples are the coefficients of a programme times its bases: those per child, for each number of children, and others.
func (l *law) multiples(programme string, bases []money.Amount) (perChild, others []money.Amount) {
	for _, base := range bases {
		for _, rule := range l.data.Rules {
			once, err := base.MulDiv(int64(rule.Coefficient), 10)
			switch {
			case rule.Programme != programme || err != nil:
			case rule.PerChild:
				for n := range money.Amount(mostChildren) {
					perChild = append(perChild, once*(n+1))
				}
			default:
				others = append(others, once)
			}
		}
	}
	return perChild, others
}

// bases are the standard of a programme in a month, as far as it was known, and the levels of all provinces.
func (l *law) bases(programme string, m month.Month, asOf vn.Date) []money.Amount {
	series := ""
	for _, p := range l.data.Programmes {
		if p.ID == programme {
			series = p.Standard
		}
	}
	var bases []money.Amount
	for _, s := range l.data.Standards {
		if s.Series == series && holds(s.Validity, m, asOf) {
			bases = append(bases, s.Amount)
		}
	}
	for _, level := range l.data.Levels {
		if level.Series == series && holds(level.Validity, m, asOf) {
			bases = append(bases, level.Amount)
		}
	}
	return bases
}

// holds tells whether a rule is about a month and was known on a day. One that was known and is superseded by a later one
// counts too: it was the law when the list was made.
func holds(v entitlement.Validity, m month.Month, asOf vn.Date) bool {
	return !m.Before(v.From) && (v.To.IsZero() || !m.After(v.To)) && !v.KnownFrom.After(asOf)
}
