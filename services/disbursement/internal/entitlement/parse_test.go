package entitlement_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

func file(t testing.TB) []byte {
	t.Helper()
	content, err := os.ReadFile("rules.json")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestParseRefusesRulesThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	const row76 = `"from": "2024-07", "to": "2026-06", "known_from": "2024-07-01", "legal_basis": "Nghị định 76/2024/NĐ-CP"`
	for name, edit := range map[string][3]string{
		"a gap":                                    {row76, strings.Replace(row76, "2026-06", "2026-05", 1), "no row holds in 2026-06"},
		"an overlap":                               {row76, strings.Replace(row76, "2026-06", "2026-07", 1), "two rows hold in 2026-07"},
		"an open row before another":               {row76, strings.Replace(row76, `"to": "2026-06", `, "", 1), "two rows hold in 2026-07"},
		"a row that ends before it begins":         {row76, strings.Replace(row76, `"to": "2026-06"`, `"to": "2024-06"`, 1), "ends before it begins"},
		"a row known before its predecessor":       {`"known_from": "2026-10-05"`, `"known_from": "2021-01-01"`, "known before"},
		"a row that nobody knows":                  {`"known_from": "2026-10-05"`, `"known_from": ""`, "known_from are needed"},
		"no legal basis":                           {`"Nghị định 76/2024/NĐ-CP"`, `""`, "legal_basis is needed"},
		"an impossible month":                      {`"2024-07"`, `"2024-13"`, "month_impossible"},
		"an impossible day":                        {`"2026-10-05"`, `"2026-02-30"`, "date_impossible"},
		"an amount of nothing":                     {`"amount": 540000`, `"amount": 0`, "positive multiple"},
		"a debt":                                   {`"amount": 540000`, `"amount": -540000`, "positive multiple"},
		"an amount that a tenth of is not whole":   {`"amount": 540000`, `"amount": 540001`, "positive multiple"},
		"an amount beyond all standards":           {`"amount": 540000`, `"amount": 1000000010`, "positive multiple"},
		"an amount with decimals":                  {`"amount": 540000`, `"amount": 540000.0`, "whole dong"},
		"an amount as text":                        {`"amount": 540000`, `"amount": "540000"`, "whole dong"},
		"a coefficient as number":                  {`"coefficient": "2.5"`, `"coefficient": 2.5`, "decode"},
		"a coefficient with two decimals":          {`"coefficient": "2.5"`, `"coefficient": "2.55"`, "one decimal"},
		"a coefficient without decimals":           {`"coefficient": "2.5"`, `"coefficient": "2"`, "one decimal"},
		"a coefficient with a comma":               {`"coefficient": "2.5"`, `"coefficient": "2,5"`, "one decimal"},
		"a coefficient of nothing":                 {`"coefficient": "2.5"`, `"coefficient": "0.0"`, "between 0.1 and 100.0"},
		"a coefficient beyond all laws":            {`"coefficient": "2.5"`, `"coefficient": "100.1"`, "between 0.1 and 100.0"},
		"age bands that overlap":                   {`"ages": [{"from": 0, "under": 4}]`, `"ages": [{"from": 0, "under": 5}]`, "two bands hold the age of 4"},
		"an open age band before another":          {`"from": 60, "under": 80`, `"from": 60`, "two bands hold the age of 80"},
		"a coefficient with a leading zero":        {`"coefficient": "2.5"`, `"coefficient": "02.5"`, "one decimal"},
		"a coefficient beyond all numbers":         {`"coefficient": "2.5"`, `"coefficient": "99999.5"`, "one decimal"},
		"age bands with a hole":                    {`"ages": [{"from": 0, "under": 4}]`, `"ages": [{"from": 0, "under": 3}]`, "no band holds the age of 3"},
		"an age band that ends before it begins":   {`"ages": [{"from": 0, "under": 4}]`, `"ages": [{"from": 9, "under": 4}]`, "ends before it begins"},
		"an age beyond all lives":                  {`"under": 4}`, `"under": 151}`, "between 0 and 150"},
		"an unknown programme":                     {`"programme": "social_pension"`, `"programme": "pension"`, "no such programme"},
		"a rule of another programme's category":   {`"category": "c5c"`, `"category": "social_pension"`, "a category to one programme"},
		"a rule of two categories":                 {`"id": "C5c"`, `"id": "C5d"`, "an id belongs to one category"},
		"a combination of an unknown category":     {`"with": ["c5a"`, `"with": ["c9"`, "no such category"},
		"a combination of a category with itself":  {`"with": ["c5a"`, `"with": ["c4"`, "combined with others"},
		"a programme without a standard":           {`"standard": "social_pension"`, `"standard": "pension"`, "no standard of this series"},
		"a programme that stands twice":            {`"id": "social_pension", "standard"`, `"id": "social_assistance", "standard"`, "stands twice"},
		"a province by name":                       {`"province": "01"`, `"province": "Hà Nội"`, "two digits"},
		"a suspension of nothing":                  {`"months": 3`, `"months": 0`, "between 1 and 120"},
		"another reading of birthdays":             {`"counts_as": "latest"`, `"counts_as": "today"`, "neither earliest nor latest"},
		"a one-off of nothing":                     {`"times": 20`, `"times": 0`, "between 1 and 1000"},
		"an unknown member":                        {`"amount": 540000`, `"amount": 540000, "sum": 1`, "unknown field"},
		"a member that stands twice":               {`"amount": 540000`, `"amount": 1, "amount": 540000`, "stands twice"},
		"a member that stands twice in other case": {`"amount": 540000`, `"Amount": 1, "amount": 540000`, "stands twice"},
		"no text in Vietnamese":                    {`"title_vi": "trợ cấp hưu trí xã hội"`, `"title_vi": ""`, "title_vi is needed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edited := strings.Replace(string(file(t)), edit[0], edit[1], 1)
			if edited == string(file(t)) {
				t.Fatal("the edit found nothing to edit")
			}
			_, err := entitlement.Parse([]byte(edited))
			if err == nil || !strings.Contains(err.Error(), edit[2]) {
				t.Fatalf("got %v, want it to say %q", err, edit[2])
			}
		})
	}
}

func TestParseRefusesWhatIsNoRulesFile(t *testing.T) {
	t.Parallel()
	many := entitlement.National().Data()
	for len(many.OneOffs) <= 2_000 {
		many.OneOffs = append(many.OneOffs, many.OneOffs...)
	}
	tooMany, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	data := entitlement.National().Data()
	data.Suspensions = nil
	noLimit, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"no limit of suspensions": string(noLimit),
		"nothing":                 "", "a number": "1", "an array": "[]", "half a file": string(file(t)[:3000]), "an empty object": "{}",
		"a second file behind it": string(file(t)) + "{}", "a broken bracket": "}", "more than a mebibyte": strings.Repeat(" ", 1<<20) + "{}",
		"too many rows": string(tooMany),
	} {
		if _, err := entitlement.Parse([]byte(content)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestParseSaysEverythingThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	content := strings.ReplaceAll(string(file(t)), `"amount": 540000`, `"amount": 1`)
	_, err := entitlement.Parse([]byte(content))
	if err == nil || strings.Count(err.Error(), "positive multiple") != 2 ||
		!strings.Contains(err.Error(), "standards[2]") || !strings.Contains(err.Error(), "standards[4]") {
		t.Fatal(err)
	}
}

func TestTheVersionNamesTheContentAndNotTheLayout(t *testing.T) {
	t.Parallel()
	rules := entitlement.National()
	var compact bytes.Buffer
	if err := json.Compact(&compact, file(t)); err != nil {
		t.Fatal(err)
	}
	same, err := entitlement.Parse(compact.Bytes())
	if err != nil || same.Version() != rules.Version() || len(rules.Version()) != len("1-")+32 {
		t.Fatalf("%s became %s, %v", rules.Version(), same.Version(), err)
	}
	if diff := cmp.Diff(rules.Data(), parse(t, rules.Data()).Data()); diff != "" {
		t.Fatal(diff)
	}
	data := rules.Data()
	data.Rules[5].Ages[0].Under++
	data.Rules[4].Ages = nil
	if rules.Version() != entitlement.National().Version() || cmp.Equal(data, rules.Data()) {
		t.Fatal("the rows handed out are the rules' own")
	}
	data = rules.Data()
	data.Standards[0].Amount += 10
	if parse(t, data).Version() == rules.Version() {
		t.Fatal("another amount has the same version")
	}
}

func TestARowEndsByItselfWhenNothingFollows(t *testing.T) {
	t.Parallel()
	data := entitlement.National().Data()
	i := slices.IndexFunc(data.Rules, func(r entitlement.Rule) bool { return r.ID == "C8" })
	data.Rules[i].To = month.Must("2026-06")
	rules := parse(t, data)
	e := []entitlement.Enrolment{{ID: "E1", Programme: "social_assistance", Category: "c8", SignedOn: vn.MustDate(2025, time.March, 1)}}
	var p entitlement.Person
	for m, want := range map[string]int{"2026-06": 1, "2026-07": 0} {
		got := rules.Entitled(p, e, month.Must(m), vn.MustDate(2026, time.January, 1))
		if len(got.Lines) != want || want == 0 && got.Rejected[0].Reason != entitlement.NoRule {
			t.Errorf("%s: %+v", m, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file(f))
	f.Add([]byte(`{"suspensions":[{"months":1,"from":"2021-07","known_from":"2021-07-01","legal_basis":"x"}],"unknown_birthdays":[{"counts_as":"earliest","from":"2021-07","known_from":"2021-07-01","legal_basis":"x"}]}`))
	f.Add([]byte(`{"standards":[{"series":"s","amount":10,"from":"9999-12","known_from":"0001-01-01","legal_basis":"x"}],"a":[{"b":"c"},"d"]}`))
	f.Add([]byte("}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		rules, err := entitlement.Parse(content)
		if err != nil {
			return
		}
		data := rules.Data()
		if again := parse(t, data); again.Version() != rules.Version() {
			t.Fatal("the rows written and read again are other rules")
		}
		enrolments := make([]entitlement.Enrolment, 0, len(data.Rules))
		for _, r := range data.Rules {
			enrolments = append(enrolments, entitlement.Enrolment{
				ID: r.ID, Programme: r.Programme, Category: r.Category,
				SignedOn: vn.MustDate(2020, time.January, 1), Facts: entitlement.Facts{Children: 2},
			})
		}
		for _, m := range []string{"0001-01", "2021-07", "2026-08", "9999-12"} {
			got := rules.Entitled(entitlement.Person{}, enrolments, month.Must(m), vn.MustDate(2026, time.October, 20))
			for _, line := range got.Lines {
				if line.Amount <= 0 || len(got.Lines) > 4 {
					t.Fatalf("%+v", got)
				}
			}
		}
	})
}
