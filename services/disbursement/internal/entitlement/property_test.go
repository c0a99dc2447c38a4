package entitlement_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// beside is the exception of the law, written down a second time: with c4, one of these may be paid.
func beside() []string {
	return []string{"c5a", "c5b", "c5c", "c5d", "c6_exceptional", "c6_severe", "c8"}
}

// draws makes people, decisions and days up, sensible ones and others.
type draws struct{ t *rapid.T }

func (d draws) day(label string, from, to int) vn.Date {
	first, last := vn.MustDate(from, time.January, 1), vn.MustDate(to, time.December, 31)
	return first.AddDays(rapid.IntRange(0, first.DaysUntil(last)).Draw(d.t, label))
}

func (d draws) month(label string) month.Month { return month.Of(d.day(label, 2021, 2030)) }

func (d draws) maybe(label string) bool { return rapid.IntRange(0, 4).Draw(d.t, label) == 0 }

func (d draws) person() entitlement.Person {
	birth := d.day("birth", 1930, 2026).String()
	length := rapid.SampledFrom([]int{4, 7, 10, 10, 10}).Draw(d.t, "known of the birth date")
	p := entitlement.Person{Province: rapid.SampledFrom([]string{"01", "08", "22", "24", "31", "79"}).Draw(d.t, "province")}
	p.BirthDate, _ = vn.ParsePartialDate(birth[:length])
	if d.maybe("died") {
		p.DiedOn = d.day("death", 2021, 2030)
	}
	return p
}

func (d draws) enrolments(rules []entitlement.Rule, most int) []entitlement.Enrolment {
	all := make([]entitlement.Enrolment, rapid.IntRange(0, most).Draw(d.t, "enrolments"))
	for i := range all {
		rule := rapid.SampledFrom(rules).Draw(d.t, "rule")
		all[i] = entitlement.Enrolment{
			ID: fmt.Sprintf("E%d", i), Programme: rule.Programme, Category: rule.Category, SignedOn: d.day("signed", 2020, 2027),
		}
		if rule.PerChild {
			all[i].Facts.Children = rapid.IntRange(0, 5).Draw(d.t, "children")
		}
		if d.maybe("stopped") {
			all[i].StoppedFrom = d.month("stop")
		}
		if d.maybe("suspended") {
			from := d.month("suspension")
			all[i].Suspensions = []entitlement.Suspension{{From: from, ResumedFrom: from.Add(rapid.IntRange(0, 5).Draw(d.t, "months"))}}
		}
	}
	return all
}

// question is what may be asked of the rules.
type question struct {
	rules      entitlement.Rules
	person     entitlement.Person
	enrolments []entitlement.Enrolment
	month      month.Month
	asOf       vn.Date
}

// answer is what the rules say of the person with some enrolments.
func (q question) answer(enrolments ...entitlement.Enrolment) entitlement.Entitlement {
	return q.rules.Entitled(q.person, enrolments, q.month, q.asOf)
}

// ask asks whatever may be asked.
func ask(t *testing.T, check func(*rapid.T, question)) {
	t.Helper()
	rules := entitlement.National()
	table := rules.Data().Rules
	rapid.Check(t, func(t *rapid.T) {
		d := draws{t}
		check(t, question{rules, d.person(), d.enrolments(table, 6), d.month("month"), d.day("as of", 2021, 2030)})
	})
}

func TestTheSumIsTheHighestThatTheLawAllows(t *testing.T) {
	t.Parallel()
	ask(t, func(t *rapid.T, q question) {
		highest := make(map[string]money.Amount) // of each category alone
		for _, e := range q.enrolments {
			highest[e.Category] = max(highest[e.Category], q.answer(e).Total())
		}
		var want money.Amount
		for category, amount := range highest {
			want = max(want, amount)
			if slices.Contains(beside(), category) {
				want = max(want, amount+highest["c4"])
			}
		}
		got := q.answer(q.enrolments...)
		if got.Total() != want {
			t.Fatalf("total %v, want %v: %+v", got.Total(), want, got)
		}
		checkProof(t, got, q.enrolments)
	})
}

// checkProof looks at what must hold of every proof: figures that can be computed again, and nobody forgotten.
func checkProof(t *rapid.T, got entitlement.Entitlement, enrolments []entitlement.Enrolment) {
	t.Helper()
	named := make(map[string]bool)
	for _, line := range got.Lines {
		named[line.Enrolment] = true
		coefficient, err := entitlement.ParseTenths(line.Coefficient)
		if err != nil || line.Amount*10 != line.Standard*money.Amount(coefficient)*money.Amount(line.Times) || line.Amount <= 0 {
			t.Fatalf("not the product of its factors: %+v", line)
		}
		if len(line.LegalBasis) != 2 || slices.Contains(line.LegalBasis, "") {
			t.Fatalf("without sources: %+v", line)
		}
	}
	for _, rejected := range got.Rejected {
		named[rejected.Enrolment] = true
		if english, vietnamese := rejected.Reason.Texts(); english == "" || vietnamese == "" {
			t.Fatalf("a reason without texts: %+v", rejected)
		}
	}
	for _, e := range enrolments {
		if !named[e.ID] {
			t.Fatalf("%s is neither chosen nor rejected", e.ID)
		}
	}
}

func TestAnotherEnrolmentNeverLowersTheTotal(t *testing.T) {
	t.Parallel()
	ask(t, func(t *rapid.T, q question) {
		var before money.Amount
		for n := range q.enrolments {
			after := q.answer(q.enrolments[:n+1]...).Total()
			if after < before {
				t.Fatalf("%d enrolments give %v, one less gives %v", n+1, after, before)
			}
			before = after
		}
	})
}

func TestTheOrderOfEnrolmentsChangesNothing(t *testing.T) {
	t.Parallel()
	ask(t, func(t *rapid.T, q question) {
		shuffled := rapid.Permutation(q.enrolments).Draw(t, "order")
		if diff := cmp.Diff(q.answer(q.enrolments...), q.answer(shuffled...)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestNothingIsPaidAfterDeathAndNothingIsLostBeforeIt(t *testing.T) {
	t.Parallel()
	ask(t, func(t *rapid.T, q question) {
		q.person.DiedOn = draws{t}.day("death", 2021, 2029)
		alive := q
		alive.person.DiedOn = vn.Date{}
		death := month.Of(q.person.DiedOn)
		for m := range month.Span(death.Add(-2), death.Add(6)) {
			q.month, alive.month = m, m
			got, want := q.answer(q.enrolments...), alive.answer(q.enrolments...)
			if m.After(death) && got.Lines != nil || !m.After(death) && !cmp.Equal(got, want) {
				t.Fatalf("%v, died %v: %+v, alive %+v", m, q.person.DiedOn, got, want)
			}
		}
	})
}

func TestAHigherStandardNeverLowersATotal(t *testing.T) {
	t.Parallel()
	ask(t, func(t *rapid.T, q question) {
		data := q.rules.Data()
		if (draws{t}).maybe("provincial") {
			data.Levels[rapid.IntRange(0, len(data.Levels)-1).Draw(t, "level")].Amount += 10_000
		} else {
			data.Standards[rapid.IntRange(0, len(data.Standards)-1).Draw(t, "standard")].Amount += 10 * money.Amount(rapid.IntRange(1, 50_000).Draw(t, "more"))
		}
		raised := q
		raised.rules = parse(t, data)
		before, after := q.answer(q.enrolments...).Total(), raised.answer(q.enrolments...).Total()
		if after < before {
			t.Fatalf("%v became %v", before, after)
		}
	})
}

// failing is what both *testing.T and *rapid.T offer to helpers.
type failing interface {
	Helper()
	Fatal(args ...any)
}

func parse(t failing, data entitlement.Data) entitlement.Rules {
	t.Helper()
	file, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := entitlement.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestThereIsNoGapAndNoOverlapAtAgeLimits(t *testing.T) {
	t.Parallel()
	rules := entitlement.National()
	categories := map[string]struct {
		limits []int // the ages at which the rule changes; the first is where the right begins
		rules  []string
	}{
		"c1":             {[]int{0, 4, 16}, []string{"C1-a", "C1-b", ""}},
		"c2":             {[]int{0, 16, 23}, []string{"", "C2", ""}},
		"c3":             {[]int{0, 4, 16}, []string{"C3-a", "C3-b", ""}},
		"c5a":            {[]int{0, 60, 80}, []string{"", "C5a-60", "C5a-80"}},
		"c5b":            {[]int{0, 75, 80}, []string{"", "C5b", ""}},
		"c5c":            {[]int{0, 80}, []string{"", "C5c"}},
		"c5d":            {[]int{0, 60}, []string{"", "C5d"}},
		"c6_exceptional": {[]int{0, 16, 60}, []string{"C6-b", "C6-a", "C6-b"}},
		"c6_severe":      {[]int{0, 16, 60}, []string{"C6-d", "C6-c", "C6-d"}},
		"c7":             {[]int{0, 3}, []string{"C7", ""}},
	}
	rapid.Check(t, func(t *rapid.T) {
		birthday := draws{t}.day("birth", 1930, 2026)
		id := rapid.SampledFrom(slices.Sorted(func(yield func(string) bool) {
			for id := range categories {
				if !yield(id) {
					return
				}
			}
		})).Draw(t, "category")
		var p entitlement.Person
		p.BirthDate, _ = vn.ParsePartialDate(birthday.String())
		e := []entitlement.Enrolment{{ID: "E1", Programme: "social_assistance", Category: id, SignedOn: vn.MustDate(2021, time.July, 1)}}
		asOf := vn.MustDate(2030, time.December, 31)
		for m := range month.Span(max2(month.Of(birthday), month.Must("2021-07")), month.Must("2030-12")) {
			want := ""
			for i, limit := range categories[id].limits {
				// The age that was reached by the last day of the month before.
				if limit == 0 || birthday.YearsUntil(leap(birthday, m.Prev().Last())) >= limit {
					want = categories[id].rules[i]
				}
			}
			got := rules.Entitled(p, e, m, asOf)
			if want == "" && got.Lines != nil || want != "" && (len(got.Lines) != 1 || got.Lines[0].Rule != want || got.Rejected != nil) {
				t.Fatalf("born %v, %v: want %q, got %+v", birthday, m, want, got)
			}
		}
	})
}

// leap makes the last day of a February count as the 29th for whoever was born on one.
func leap(birthday, day vn.Date) vn.Date {
	if birthday.Month() == time.February && birthday.Day() == 29 && day.Month() == time.February {
		return day.AddDays(1)
	}
	return day
}

func max2(a, b month.Month) month.Month {
	if a.Before(b) {
		return b
	}
	return a
}

func TestDueSplitsTheDifferenceAndNetsNothing(t *testing.T) {
	t.Parallel()
	amounts := rapid.MapOfN(rapid.IntRange(0, 30), rapid.Int64Range(0, 5_000_000), 0, 20)
	rapid.Check(t, func(t *rapid.T) {
		entitled, paid := make(map[month.Month]money.Amount), make(map[month.Month]money.Amount)
		var balance money.Amount
		for n, amount := range amounts.Draw(t, "entitled") {
			entitled[month.Must("2026-01").Add(n)] = money.Amount(amount)
			balance += money.Amount(amount)
		}
		for n, amount := range amounts.Draw(t, "paid") {
			paid[month.Must("2026-01").Add(n)] = money.Amount(amount)
			balance -= money.Amount(amount)
		}
		due, err := entitlement.Due(entitled, paid)
		if err != nil {
			t.Fatal(err)
		}
		last := month.Month{}
		for _, o := range due {
			sign := money.Amount(1)
			if o.Kind == entitlement.Overpaid {
				sign = -1
			}
			if o.Amount <= 0 || o.Entitled-o.Paid != sign*o.Amount || o.Entitled != entitled[o.Month] || o.Paid != paid[o.Month] || !o.Month.After(last) {
				t.Fatalf("%+v", o)
			}
			balance, last = balance-sign*o.Amount, o.Month
		}
		if balance != 0 {
			t.Fatalf("%v dong are in no item", balance)
		}
	})
}
