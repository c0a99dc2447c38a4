package entitlement_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// october is a day on which everything in the file is known.
func october() vn.Date { return vn.MustDate(2026, time.October, 20) }

func assistance(id, category string) entitlement.Enrolment {
	return entitlement.Enrolment{ID: id, Programme: "social_assistance", Category: category, SignedOn: vn.MustDate(2025, time.August, 1)}
}

func TestALineNamesItsSources(t *testing.T) {
	t.Parallel()
	pension := entitlement.Enrolment{ID: "E1", Programme: "social_pension", Category: "social_pension", SignedOn: vn.MustDate(2025, time.August, 1)}
	p := entitlement.Person{Province: "01"}
	const national, provincial = "Nghị định 176/2025/NĐ-CP", "Nghị quyết của Hội đồng nhân dân thành phố Hà Nội (chưa ghi số), theo Nghị định 176/2025/NĐ-CP"
	want := entitlement.Line{
		Enrolment: "E1", Programme: "social_pension", Rule: "social_pension", Amount: 650_000, Standard: 650_000, Province: "01",
		Coefficient: "1.0", Times: 1, LegalBasis: []string{national, provincial},
	}
	rules := entitlement.National()
	june := rules.Entitled(p, []entitlement.Enrolment{pension}, month.Must("2026-06"), october())
	if diff := cmp.Diff([]entitlement.Line{want}, june.Lines); diff != "" {
		t.Fatal(diff)
	}
	want.Unverified = true // nobody has confirmed the province's level from July on
	july := rules.Entitled(p, []entitlement.Enrolment{pension}, month.Must("2026-07"), october())
	if diff := cmp.Diff([]entitlement.Line{want}, july.Lines); diff != "" {
		t.Fatal(diff)
	}
}

func TestALineSaysThatItRestsOnSomethingUnverified(t *testing.T) {
	t.Parallel()
	parent := assistance("E2", "c4")
	parent.Facts.Children = 1
	for name, c := range map[string]struct {
		birth      string
		enrolments []entitlement.Enrolment
		want       bool
	}{
		"a severe disability of an adult":     {"1990-05-17", []entitlement.Enrolment{assistance("E1", "c6_severe")}, false},
		"a birth date known to the year":      {"1990", []entitlement.Enrolment{assistance("E1", "c6_severe")}, true},
		"a year of birth where no age counts": {"1990", []entitlement.Enrolment{parent}, false},
		"a coefficient":                       {"1990-05-17", []entitlement.Enrolment{assistance("E1", "c8")}, true},
		"the combination":                     {"1990-05-17", []entitlement.Enrolment{assistance("E1", "c6_severe"), parent}, true},
	} {
		birth, err := vn.ParsePartialDate(c.birth)
		if err != nil {
			t.Fatal(err)
		}
		got := entitlement.National().Entitled(entitlement.Person{BirthDate: birth}, c.enrolments, month.Must("2026-08"), october())
		if len(got.Lines) != len(c.enrolments) {
			t.Fatalf("%s: %+v", name, got)
		}
		for _, line := range got.Lines {
			if line.Unverified != c.want {
				t.Errorf("%s: %+v", name, line)
			}
		}
	}
}

func TestOfTwoDecisionsOfOneCategoryTheHigherCounts(t *testing.T) {
	t.Parallel()
	one, three := assistance("E1", "c4"), assistance("E2", "c4")
	one.Facts.Children, three.Facts.Children = 1, 3
	got := entitlement.National().Entitled(entitlement.Person{}, []entitlement.Enrolment{one, three, assistance("E0", "c8")}, month.Must("2026-08"), october())
	want := []entitlement.Line{
		{Enrolment: "E2", Programme: "social_assistance", Rule: "C4", Amount: 1_620_000, Standard: 540_000, Coefficient: "1.0", Times: 3},
		{Enrolment: "E0", Programme: "social_assistance", Rule: "C8", Amount: 810_000, Standard: 540_000, Coefficient: "1.5", Times: 1},
	}
	if diff := cmp.Diff(want, bare(got.Lines)); diff != "" {
		t.Fatal(diff)
	}
	rejected := []entitlement.Rejected{{Enrolment: "E1", Rule: "C4", Amount: 540_000, Reason: entitlement.NotHighest}}
	if diff := cmp.Diff(rejected, got.Rejected); diff != "" {
		t.Fatal(diff)
	}
}

func TestOfEqualAmountsTheRuleEarlierInTheFileCounts(t *testing.T) {
	t.Parallel()
	birth, err := vn.ParsePartialDate("1940-03-01")
	if err != nil {
		t.Fatal(err)
	}
	pension := entitlement.Enrolment{ID: "E2", Programme: "social_pension", Category: "social_pension", SignedOn: vn.MustDate(2025, time.August, 1)}
	for _, enrolments := range [][]entitlement.Enrolment{
		{assistance("E1", "c5c"), pension}, {pension, assistance("E1", "c5c")}, {assistance("E3", "c5c"), pension},
	} {
		got := entitlement.National().Entitled(entitlement.Person{BirthDate: birth}, enrolments, month.Must("2026-08"), october())
		if len(got.Lines) != 1 || got.Lines[0].Rule != "social_pension" || got.Rejected[0].Amount != 540_000 {
			t.Errorf("%+v", got)
		}
	}
}

func TestFactsHoldUntilTheyChange(t *testing.T) {
	t.Parallel()
	e := assistance("E1", "c4")
	e.Facts.Children = 1
	for _, change := range []struct {
		from     string
		children int
	}{{"2026-09", 4}, {"2026-03", 2}, {"2026-06", 3}} { // the order of the facts is nobody's promise
		e.Changes = append(e.Changes, entitlement.Change{From: month.Must(change.from), Facts: entitlement.Facts{Children: change.children}})
	}
	for m, want := range map[string]int{"2026-02": 1, "2026-03": 2, "2026-05": 2, "2026-06": 3, "2026-08": 3, "2026-09": 4, "2030-01": 4} {
		got := entitlement.National().Entitled(entitlement.Person{}, []entitlement.Enrolment{e}, month.Must(m), october())
		if got.Lines[0].Times != want {
			t.Errorf("%s: %+v", m, got)
		}
	}
}

// What CheckEnrolment would refuse is rejected with a reason: a fact that is wrong must not stop a payroll of thousands.
func TestEntitledHasAnAnswerForEverything(t *testing.T) {
	t.Parallel()
	parent := assistance("E1", "c4")
	crowded := parent
	crowded.Facts.Children = 31
	unsigned := assistance("E1", "c8")
	unsigned.SignedOn = vn.Date{}
	elsewhere := assistance("E1", "social_pension")
	unborn, err := vn.ParsePartialDate("2026-09")
	if err != nil {
		t.Fatal(err)
	}
	august := month.Must("2026-08")
	for name, c := range map[string]struct {
		person    entitlement.Person
		enrolment entitlement.Enrolment
		month     month.Month
		want      entitlement.Rejected
	}{
		"no category":                       {enrolment: entitlement.Enrolment{}, month: august, want: entitlement.Rejected{Reason: entitlement.UnknownCategory}},
		"a category of another programme":   {enrolment: elsewhere, month: august, want: entitlement.Rejected{Enrolment: "E1", Reason: entitlement.UnknownCategory}},
		"no signature":                      {enrolment: unsigned, month: august, want: entitlement.Rejected{Enrolment: "E1", Reason: entitlement.BeforeDecision}},
		"no children":                       {enrolment: parent, month: august, want: entitlement.Rejected{Enrolment: "E1", Rule: "C4", Reason: entitlement.NoChildren}},
		"too many children":                 {enrolment: crowded, month: august, want: entitlement.Rejected{Enrolment: "E1", Rule: "C4", Reason: entitlement.NoChildren}},
		"no birth date where ages count":    {enrolment: assistance("E1", "c6_severe"), month: august, want: entitlement.Rejected{Enrolment: "E1", Rule: "C6-c", Reason: entitlement.BirthUnknown}},
		"a month before the birth":          {person: entitlement.Person{BirthDate: unborn}, enrolment: assistance("E1", "c7"), month: august, want: entitlement.Rejected{Enrolment: "E1", Reason: entitlement.NotBorn}},
		"no month":                          {enrolment: assistance("E1", "c8"), want: entitlement.Rejected{Enrolment: "E1", Reason: entitlement.BeforeDecision}},
		"a death before all months on file": {person: entitlement.Person{DiedOn: vn.MustDate(1999, time.May, 1)}, enrolment: assistance("E1", "c8"), month: august, want: entitlement.Rejected{Enrolment: "E1", Reason: entitlement.Died}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := entitlement.National().Entitled(c.person, []entitlement.Enrolment{c.enrolment}, c.month, october())
			if diff := cmp.Diff(entitlement.Entitlement{Month: c.month, Rejected: []entitlement.Rejected{c.want}}, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestRulesThatKnowNothingRejectEverything(t *testing.T) {
	t.Parallel()
	var none entitlement.Rules
	want := entitlement.Entitlement{Rejected: []entitlement.Rejected{{Enrolment: "E1", Reason: entitlement.UnknownCategory}}}
	if diff := cmp.Diff(want, none.Entitled(entitlement.Person{}, []entitlement.Enrolment{assistance("E1", "c8")}, month.Month{}, vn.Date{})); diff != "" {
		t.Fatal(diff)
	}
}

func TestAProgrammeWithoutAStandardPaysNothing(t *testing.T) {
	t.Parallel()
	data := entitlement.National().Data()
	for i := range data.Standards {
		if s := &data.Standards[i]; s.Series == "social_assistance" && s.To.IsZero() {
			s.To = month.Must("2026-07") // abolished, and nothing follows
		}
	}
	got := parse(t, data).Entitled(entitlement.Person{}, []entitlement.Enrolment{assistance("E1", "c8")}, month.Must("2026-08"), october())
	want := entitlement.Entitlement{
		Month: month.Must("2026-08"), Rejected: []entitlement.Rejected{{Enrolment: "E1", Rule: "C8", Reason: entitlement.NoStandard}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestAnOperatorMayCombineMore(t *testing.T) {
	t.Parallel()
	data := entitlement.National().Data()
	data.Combinations[0].With = []string{"c1", "c2", "c3", "c8", "c7"}
	for _, with := range [][]string{{"c1", "c2", "c3", "c8"}, {"c2", "c3", "c8"}, {"c3", "c8"}, {"c8"}} {
		combination := data.Combinations[0]
		combination.Category = map[int]string{4: "c7", 3: "c1", 2: "c2", 1: "c3"}[len(with)]
		combination.With = with
		data.Combinations = append(data.Combinations, combination)
	}
	for i := range data.Rules {
		data.Rules[i].Ages = nil
	}
	data.Rules = data.Rules[:0]
	for i, id := range []string{"c1", "c2", "c3", "c4", "c7", "c8"} {
		rule := entitlement.National().Data().Rules[0]
		rule.ID, rule.Category, rule.Coefficient = id, id, entitlement.Tenths(10*(i+1))
		rule.Programme = "social_assistance"
		data.Rules = append(data.Rules, rule)
	}
	var all []entitlement.Enrolment
	for _, rule := range data.Rules {
		all = append(all, assistance(rule.ID, rule.ID))
	}
	got := parse(t, data).Entitled(entitlement.Person{}, all, month.Must("2026-08"), october())
	if len(got.Lines) != 4 || got.Total() != (6+5+4+3)*540_000 || len(got.Rejected) != 2 {
		t.Fatalf("got %v in %+v", got.Total(), got)
	}
}

func TestAnUnknownBirthdayCountsAsTheFileSays(t *testing.T) {
	t.Parallel()
	data := entitlement.National().Data()
	data.UnknownBirthdays[0].CountsAs = "earliest"
	year, err := vn.ParsePartialDate("1946")
	if err != nil {
		t.Fatal(err)
	}
	p, e := entitlement.Person{BirthDate: year}, []entitlement.Enrolment{assistance("E1", "c5a")}
	for m, want := range map[string]string{"2026-01": "C5a-60", "2026-02": "C5a-80"} {
		if got := parse(t, data).Entitled(p, e, month.Must(m), october()); got.Lines[0].Rule != want {
			t.Errorf("%s: %+v", m, got)
		}
	}
}

func TestEveryReasonHasTexts(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, reason := range entitlement.Reasons() {
		english, vietnamese := reason.Texts()
		if english == "" || vietnamese == "" || seen[english] || seen[vietnamese] {
			t.Errorf("%s: %q, %q", reason, english, vietnamese)
		}
		seen[english], seen[vietnamese] = true, true
	}
	if english, vietnamese := entitlement.Reason("a wish").Texts(); english+vietnamese != "" {
		t.Error("a code that nobody knows has texts")
	}
}

func TestDueRefusesNegativeAmounts(t *testing.T) {
	t.Parallel()
	some, debt := map[month.Month]money.Amount{month.Must("2026-07"): 1}, map[month.Month]money.Amount{month.Must("2026-07"): -1}
	for _, c := range [][2]map[month.Month]money.Amount{{debt, some}, {some, debt}, {debt, nil}} {
		if due, err := entitlement.Due(c[0], c[1]); !errors.Is(err, entitlement.ErrNegative) || due != nil {
			t.Errorf("%v: %v, %v", c, due, err)
		}
	}
}

func ExampleRules_Entitled() {
	rules := entitlement.National()
	birth, _ := vn.ParsePartialDate("1988-04-02")
	parent := entitlement.Person{BirthDate: birth, Province: "24"}
	enrolments := []entitlement.Enrolment{
		{ID: "E1", Programme: "social_assistance", Category: "c4", SignedOn: vn.MustDate(2025, time.February, 10), Facts: entitlement.Facts{Children: 3}},
		{ID: "E2", Programme: "social_assistance", Category: "c6_severe", SignedOn: vn.MustDate(2025, time.February, 10)},
	}
	e := rules.Entitled(parent, enrolments, month.Must("2026-08"), vn.MustDate(2026, time.October, 20))
	for _, line := range e.Lines {
		fmt.Println(line.Rule, line.Standard, "x", line.Coefficient, "x", line.Times, "=", line.Amount)
	}
	fmt.Println(e.Total())
	// Output:
	// C4 540.000 ₫ x 1.0 x 3 = 1.620.000 ₫
	// C6-c 540.000 ₫ x 1.5 x 1 = 810.000 ₫
	// 2.430.000 ₫
}

func ExampleDue() {
	paid := map[month.Month]money.Amount{month.Must("2026-08"): 750_000, month.Must("2026-09"): 750_000}
	entitled := map[month.Month]money.Amount{month.Must("2026-08"): 810_000} // died in August
	due, err := entitlement.Due(entitled, paid)
	for _, o := range due {
		fmt.Println(o.Month, o.Kind, o.Amount)
	}
	fmt.Println(err)
	// Output:
	// 2026-08 arrears 60.000 ₫
	// 2026-09 overpaid 750.000 ₫
	// <nil>
}

// BenchmarkMonth is the list of a large province: 120,000 people, every tenth of them with two decisions.
func BenchmarkMonth(b *testing.B) {
	const people = 120_000
	rules := entitlement.National()
	persons, enrolments := make([]entitlement.Person, people), make([][]entitlement.Enrolment, people)
	categories := []string{"c6_severe", "c5a", "c1", "c8", "c6_exceptional", "c5d"}
	for i := range persons {
		persons[i].BirthDate, _ = vn.ParsePartialDate(vn.MustDate(1935, time.January, 1).AddDays(i % 33_000).String())
		persons[i].Province = "01"
		enrolments[i] = []entitlement.Enrolment{assistance("E1", categories[i%len(categories)])}
		if i%10 == 0 {
			parent := assistance("E2", "c4")
			parent.Facts.Children = 2
			enrolments[i] = append(enrolments[i], parent)
		}
	}
	m, asOf := month.Must("2026-11"), october()
	b.ReportAllocs()
	for b.Loop() {
		for i := range persons {
			rules.Entitled(persons[i], enrolments[i], m, asOf)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/people, "ns/person")
}
