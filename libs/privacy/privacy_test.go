package privacy_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/workday"
)

type home struct {
	Text string `json:"text"`
}

type subject struct {
	Name   string `json:"name"`
	Born   string `json:"born,omitzero"`
	Number string `json:"number"`
	Home   *home  `json:"home,omitzero"`
	Other  string `json:"other"`
	Count  int    `json:"count"`
}

func an() subject {
	return subject{Name: "Nguyễn Văn An", Born: "1990-01-15", Number: "001090123456", Home: &home{"12 Đội Cấn"}, Other: "x", Count: 3}
}

const table = `
s.name      | basic     | admin=full auditor=short | admin=short | admin=full
s.born      | basic     | admin=full auditor=year  | admin=year  | admin=full
s.number    | sensitive | admin=full auditor=tail  | -           | admin=full
s.home.text | basic     | admin=full               | -           | admin=full
`

func TestEachRoleSeesEachFieldInItsForm(t *testing.T) {
	t.Parallel()
	all, err := privacy.ParseTable(table)
	if err != nil {
		t.Fatal(err)
	}
	whole := subject{Name: "Nguyễn Văn An", Born: "1990-01-15", Number: "001090123456", Home: &home{"12 Đội Cấn"}}
	for name, c := range map[string]struct {
		reader privacy.Reader
		want   subject
	}{
		"all but what has no line":       {privacy.Reader{Role: access.Admin}, whole},
		"masked":                         {privacy.Reader{Role: access.Auditor}, subject{Name: "N. V. An", Born: "1990", Number: "****3456"}},
		"a sensitive subject":            {privacy.Reader{Role: access.Admin, Sensitive: true}, subject{Name: "N. V. An", Born: "1990"}},
		"with a purpose and a case":      {privacy.Reader{Role: access.Admin, Sensitive: true, Stated: true}, whole},
		"a purpose opens nothing to all": {privacy.Reader{Role: access.Auditor, Sensitive: true, Stated: true}, subject{}},
		"a role that is not named":       {privacy.Reader{Role: access.Steering}, subject{}},
		"nobody":                         {privacy.Reader{}, subject{}},
	} {
		asked := an()
		got, masked := privacy.Show(all, "s", c.reader, asked)
		if diff := cmp.Diff(c.want, got); diff != "" || !masked {
			t.Errorf("%s: masked %t (-want +got)\n%s", name, masked, diff)
		}
		if diff := cmp.Diff(an(), asked); diff != "" {
			t.Errorf("%s: the subject itself was changed\n%s", name, diff)
		}
	}
}

func TestWhatIsShownInFullIsNotSaidToBeMasked(t *testing.T) {
	t.Parallel()
	all, err := privacy.ParseTable(table)
	if err != nil {
		t.Fatal(err)
	}
	whole := subject{Name: "An", Home: &home{"Đội Cấn"}}
	if got, masked := privacy.Show(all, "s", privacy.Reader{Role: access.Admin}, whole); masked || got.Home.Text != "Đội Cấn" {
		t.Errorf("%+v, masked %t", got, masked)
	}
}

func TestShortFormsGiveNothingAway(t *testing.T) {
	t.Parallel()
	all, err := privacy.ParseTable("s.name|basic|admin=short|-|-\ns.number|basic|admin=tail|-|-\ns.born|basic|admin=year|-|-")
	if err != nil {
		t.Fatal(err)
	}
	reader := privacy.Reader{Role: access.Admin}
	for field, want := range map[string]map[string]string{
		"s.name":   {"An": "A.", "Đỗ Ẩn": "Đ. Ẩn", "": "", "  ": ""},
		"s.number": {"1234567": "****", "12345678": "****5678", "": ""},
		"s.born":   {"1990": "1990", "1990-01": "1990", "90": ""},
	} {
		for value, form := range want {
			if got := all.Text(field, reader, value); got != form {
				t.Errorf("%s %q is shown as %q, want %q", field, value, got, form)
			}
		}
	}
}

func TestATableIsReadStrictly(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"too few columns": "s.name|basic|admin=full|-",
		"no class":        "s.name||admin=full|-|-",
		"no subject":      "name|basic|admin=full|-|-",
		"no such role":    "s.name|basic|boss=full|-|-",
		"no such form":    "s.name|basic|admin=some|-|-",
		"no form":         "s.name|basic|admin|-|-",
		"a role twice":    "s.name|basic|admin=full admin=short|-|-",
		"a field twice":   "s.name|basic|admin=full|-|-\ns.name|basic|-|-|-",
	} {
		if _, err := privacy.ParseTable(text); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

// Whatever is sensitive is shown to fewer roles when its subject is, and nobody sees more of such a subject than of others.
// Where the gap itself would tell of an illness, nobody may see any difference.
func TestTheTableIsStricterAboutSensitiveSubjects(t *testing.T) {
	t.Parallel()
	all, err := privacy.LoadTable()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all.Fields() {
		gapTells := strings.HasPrefix(f.Name, "entitlement.")
		if gapTells && (!maps.Equal(f.Usual, f.Strict) || !maps.Equal(f.Usual, f.Stated)) {
			t.Errorf("%s: a gap tells who is ill", f.Name)
		}
		if f.Class == privacy.Sensitive && !gapTells && len(f.Strict) >= len(f.Usual) {
			t.Errorf("%s: as many see it of a sensitive subject as of any other", f.Name)
		}
		for role := range f.Strict {
			if f.Usual[role] == privacy.Hidden {
				t.Errorf("%s: %s sees more of sensitive subjects", f.Name, role)
			}
		}
		for _, role := range []access.Role{access.Treasurer, access.Steering, access.Bank, access.FacilityManager, access.Admin, access.Auditor} {
			if f.Strict[role] != privacy.Hidden || f.Stated[role] != privacy.Hidden {
				t.Errorf("%s: %s has no business with sensitive subjects", f.Name, role)
			}
		}
	}
}

func at(text string) time.Time {
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return moment
}

func TestTheRuleOfTheDayHolds(t *testing.T) {
	t.Parallel()
	rules, err := privacy.ParseRules([]byte(`{"retention": [
{"id": "old", "service": "s", "purpose": "p", "class": "basic", "valid_from": "2020-01-01", "valid_to": "2026-07-01", "months": 60, "counts_from": "sealed", "on_request": "erase", "legal_basis": "L1", "source": "test"},
{"id": "new", "service": "s", "purpose": "p", "class": "basic", "valid_from": "2026-07-01", "months": 12, "counts_from": "sealed", "on_request": "erase", "legal_basis": "L2", "source": "test"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]string{"2026-06-30T16:59:59Z": "old", "2026-06-30T17:00:00Z": "new"} { // UTC+7
		if got := rules.Of("s", at(day)); len(got) != 1 || got[0].ID != want {
			t.Errorf("at %s: %+v", day, got)
		}
	}
	if got := rules.Of("s", at("2019-12-31T00:00:00Z")); len(got) != 0 {
		t.Errorf("before any rule: %+v", got)
	}
	if got := rules.Of("s", at("2026-07-01T00:00:00Z"))[0].Before(at("2026-11-22T00:00:00Z")); !got.Equal(at("2025-11-22T00:00:00Z")) {
		t.Errorf("due is what is older than %s", got)
	}
}

func TestDeadlinesOfTheLaw(t *testing.T) {
	t.Parallel()
	rules, err := privacy.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	calendar, err := workday.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ kind, at, answer, done string }{
		{privacy.Access, "2026-11-20T10:00:00+07:00", "2026-11-26T00:00:00+07:00", "2026-12-01T00:00:00+07:00"}, // weekend and a holiday
		{privacy.Erasure, "2026-11-16T23:59:00+07:00", "2026-11-19T00:00:00+07:00", "2026-12-07T00:00:00+07:00"},
	} {
		d, found := rules.Deadline(c.kind, at(c.at))
		if !found || !d.AnswerBy(at(c.at), calendar).Equal(at(c.answer)) || !d.DoneBy(at(c.at)).Equal(at(c.done)) {
			t.Errorf("%s at %s: until %s and %s", c.kind, c.at, d.AnswerBy(at(c.at), calendar), d.DoneBy(at(c.at)))
		}
	}
	breach, _ := rules.Deadline(privacy.Breach, at("2026-11-20T10:00:00Z"))
	if got := breach.DoneBy(at("2026-11-20T10:00:00Z")); !got.Equal(at("2026-11-23T10:00:00Z")) {
		t.Errorf("the notice of a breach is due at %s", got)
	}
	if _, found := rules.Deadline(privacy.Access, at("2025-12-31T10:00:00Z")); found {
		t.Error("a deadline before its law")
	}
}

func TestRulesAreReadStrictly(t *testing.T) {
	t.Parallel()
	const good = `{"id": "a", "service": "s", "purpose": "p", "class": "basic", "valid_from": "2020-01-01", "months": 60, "counts_from": "sealed", "on_request": "erase", "legal_basis": "L", "source": "test"}`
	wrong := map[string]string{"twice on a day": good + "," + strings.Replace(good, `"a"`, `"b"`, 1)}
	for old, replacement := range map[string]string{
		`"months": 60`: `"months": 0`, `"sealed"`: `"birth"`, `"erase"`: `"maybe"`, `"basic"`: `"secret"`, `"L"`: `""`,
		`2020-01-01`: `2020-02-30`, `"purpose"`: `"aim"`,
	} {
		wrong[replacement] = strings.Replace(good, old, replacement, 1)
	}
	for name, rule := range wrong {
		if _, err := privacy.ParseRules([]byte(`{"retention": [` + rule + `]}`)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	for _, deadline := range []string{`"kind": "access", "done_days": 3`, `"kind": "breach"`, `"kind": "other", "done_hours": 3`} {
		if _, err := privacy.ParseRules([]byte(`{"deadlines": [{"id": "d", "valid_from": "2020-01-01", "legal_basis": "L", "source": "test", ` + deadline + `}]}`)); err == nil {
			t.Errorf("%s: read", deadline)
		}
	}
	path := filepath.Join(t.TempDir(), "rules.json")
	if _, err := privacy.LoadRules(path); err == nil {
		t.Error("a file that is not there was read")
	}
	if err := os.WriteFile(path, []byte(`{"retention": [`+good+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if rules, err := privacy.LoadRules(path); err != nil || len(rules.All()) != 1 {
		t.Errorf("%v, %v", rules, err)
	}
}

func TestEveryRuleNamesItsLaw(t *testing.T) {
	t.Parallel()
	rules, err := privacy.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.All() {
		if _, err := vn.ParseDate(r.ValidFrom); err != nil || !strings.Contains(r.LegalBasis, "Luật") {
			t.Errorf("%+v", r)
		}
	}
}
