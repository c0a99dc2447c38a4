package entitlement

import (
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// maxChildren is more children than any family on record here has; a larger number is a slip of the keyboard.
const maxChildren = 30

// A computation is one person's month under way.
type computation struct {
	rules      *Rules
	person     Person
	month      month.Month
	asOf       vn.Date
	candidates []candidate
	rejected   []Rejected
}

// A candidate is a line that counts unless a higher one does.
type candidate struct {
	category string
	rank     int // the place of its rule in the file
	line     Line
}

// examine turns an enrolment into a candidate or into rejections.
func (c *computation) examine(e *Enrolment) {
	category, found := c.rules.categories[e.Category]
	switch {
	case !found || category.programme.ID != e.Programme:
		c.reject(e, "", UnknownCategory)
	default:
		if reason := c.noRight(e); reason != "" {
			c.reject(e, "", reason)
			return
		}
		c.match(e, category)
	}
}

// noRight returns why the person or the decision gives no right in this month, whatever the rules.
func (c *computation) noRight(e *Enrolment) Reason {
	start := e.start()
	switch {
	case month.Of(c.person.BirthDate.Earliest()).After(c.month):
		return NotBorn
	case !c.person.DiedOn.IsZero() && c.month.After(month.Of(c.person.DiedOn)):
		return Died
	case start.IsZero() || c.month.Before(start):
		return BeforeDecision
	case !e.StoppedFrom.IsZero() && !c.month.Before(e.StoppedFrom):
		return Stopped
	default:
		return c.suspended(e)
	}
}

func (c *computation) suspended(e *Enrolment) Reason {
	var reason Reason
	for _, s := range e.Suspensions {
		if s.From.IsZero() || c.month.Before(s.From) {
			continue
		}
		lapse := c.rules.lapseOf(s, c.asOf)
		inTime := !s.ResumedFrom.IsZero() && !s.ResumedFrom.After(lapse)
		switch {
		case !inTime && !c.month.Before(lapse):
			return SuspensionLapsed
		case !inTime || c.month.Before(s.ResumedFrom):
			reason = Suspended
		}
	}
	return reason
}

// lapseOf returns the month from which a suspension without a resumption has ended the right.
func (r *Rules) lapseOf(s Suspension, asOf vn.Date) month.Month {
	if limit, ok := r.suspensions.at(s.From, asOf); ok {
		return s.From.Add(limit.Months)
	}
	return s.From // without a limit in force nobody may suspend
}

// match looks for the rule of the category whose ages fit. Bands don't overlap, so there is one at most.
func (c *computation) match(e *Enrolment, category category) {
	inForce := false
	var outside []string
	birth, birthVerified := c.birth()
	for i := range category.rules {
		rule, ok := category.rules[i].at(c.month, c.asOf)
		if !ok {
			continue
		}
		inForce = true
		switch {
		case len(rule.Ages) > 0 && c.person.BirthDate.IsZero():
			c.reject(e, rule.ID, BirthUnknown)
			return
		case !rule.fits(birth, c.month):
			outside = append(outside, rule.ID)
		default:
			c.price(e, rule, category, birthVerified || len(rule.Ages) == 0)
			return
		}
	}
	if !inForce {
		c.reject(e, "", NoRule)
	}
	for _, id := range outside {
		c.reject(e, id, AgeOutside)
	}
}

// birth returns the month from which ages are counted, and whether nothing had to be assumed for it.
func (c *computation) birth() (from month.Month, verified bool) {
	if day, full := c.person.BirthDate.Full(); full {
		return month.Of(day), true
	}
	reading, ok := c.rules.unknownBirthdays.at(c.month, c.asOf)
	if ok && reading.CountsAs == countsAsEarliest {
		return month.Of(c.person.BirthDate.Earliest()), reading.Verified
	}
	return month.Of(c.person.BirthDate.Latest()), ok && reading.Verified
}

// fits tells whether somebody born in the given month has an age of the rule in month m. A birthday counts from the
// month after, so only the month of birth matters.
func (r *Rule) fits(birth, m month.Month) bool {
	for _, band := range r.Ages {
		reached := band.From == 0 || m.After(birth.Add(band.From*monthsPerYear))
		if reached && (band.Under == 0 || !m.After(birth.Add(band.Under*monthsPerYear))) {
			return true
		}
	}
	return len(r.Ages) == 0
}

// price turns a rule that fits into a candidate.
func (c *computation) price(e *Enrolment, rule *Rule, category category, ageVerified bool) {
	standard, basis, ok := c.standard(category.programme.Standard)
	if !ok {
		c.reject(e, rule.ID, NoStandard)
		return
	}
	times := 1
	if rule.PerChild {
		times = e.factsIn(c.month).Children
	}
	if times < 1 || times > maxChildren {
		c.reject(e, rule.ID, NoChildren)
		return
	}
	line := Line{
		Enrolment: e.ID, Programme: e.Programme, Rule: rule.ID,
		Amount: rule.amount(standard, times), Standard: standard.amount, Province: standard.province, Coefficient: rule.Coefficient.String(), Times: times,
		LegalBasis: []string{rule.LegalBasis, basis.LegalBasis},
		Unverified: !rule.Verified || !basis.Verified || !ageVerified,
	}
	c.candidates = append(c.candidates, candidate{category: e.Category, rank: c.rules.ranks[rule.ID], line: line})
}

// amount is whole and small: see check.go.
func (r *Rule) amount(standard level, times int) money.Amount {
	return standard.amount / 10 * money.Amount(r.Coefficient) * money.Amount(times)
}

type level struct {
	amount   money.Amount
	province string
}

// standard returns the higher one of the nation's and the province's standard, with where it comes from. A province
// cannot grant what the nation doesn't.
func (c *computation) standard(series string) (level, *Validity, bool) {
	national, ok := c.rules.standards[series].at(c.month, c.asOf)
	if !ok {
		return level{}, nil, false
	}
	provincial, ok := c.rules.levels[place{c.person.Province, series}].at(c.month, c.asOf)
	if ok && provincial.Amount > national.Amount {
		return level{provincial.Amount, provincial.Province}, &provincial.Validity, true
	}
	return level{amount: national.Amount}, &national.Validity, true
}

func (c *computation) reject(e *Enrolment, rule string, reason Reason) {
	c.rejected = append(c.rejected, Rejected{Enrolment: e.ID, Rule: rule, Reason: reason})
}

// start returns the first month of the right.
func (e *Enrolment) start() month.Month {
	if !e.StartsFrom.IsZero() {
		return e.StartsFrom
	}
	return month.Of(e.SignedOn)
}

// factsIn returns the facts that hold in a month.
func (e *Enrolment) factsIn(m month.Month) Facts {
	facts, since := e.Facts, month.Month{}
	for _, change := range e.Changes {
		if !change.From.IsZero() && !m.Before(change.From) && !change.From.Before(since) {
			facts, since = change.Facts, change.From
		}
	}
	return facts
}
