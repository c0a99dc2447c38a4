package strict_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
)

func meaning(t *testing.T, body string) string {
	t.Helper()
	reader := strict.For[stay]()
	v, err := reader.Read([]byte(body))
	if err != nil {
		t.Fatal(body, faults(err))
	}
	return string(reader.AppendMeaning(nil, &v))
}

func TestADocumentMeansTheSameHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	want := meaning(t, good)
	for name, body := range map[string]string{
		"white space":     strings.ReplaceAll(good, ",", " ,\n\t"),
		"escapes":         with(`"note":"abc"`, `"n\u006fte":"\u0061bc"`),
		"the order":       with(`{"guest":{"full_name":"Nguyễn Văn An","birth_date":"1990-01-15"`, `{"guest":{"birth_date":"1990-01-15","full_name":"Nguyễn Văn An"`),
		"another zone":    with("2026-11-21T14:05:00+07:00", "2026-11-21T07:05:00Z"),
		"null and absent": with(`,"phone":null`, ""),
		"an empty list":   with(`"level"`, `"party":[],"level"`),
	} {
		if got := meaning(t, body); got != want {
			t.Errorf("%s: %q and %q", name, got, want)
		}
	}
	for name, body := range map[string]string{
		"another text":       with("Nguyễn Văn An", "Nguyễn Văn Ân"),
		"another instant":    with("14:05:00", "14:05:00.000001"),
		"another number":     with(`"nights":2`, `"nights":3`),
		"without a sign":     with("-500", "500"),
		"another element":    with(`["a"]`, `["a","a"]`),
		"another entry":      with(`{"k":"v"}`, `{"k":"w"}`),
		"another name":       with(`{"k":"v"}`, `{"v":"k"}`),
		"a text of its own":  with(`"level":"ward"`, `"level":"province"`),
		"not so":             with(`"carer":true`, `"carer":false`),
		"one thing less":     with(`"note":"abc",`, ""),
		"the same elsewhere": strings.Replace(with(`"nights":2,`, ""), `"seq":65535`, `"seq":2`, 1),
	} {
		if got := meaning(t, body); got == want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Two values mean the same if, and only if, they are equal.
func TestOnlyEqualDocumentsMeanTheSame(t *testing.T) {
	t.Parallel()
	reader := strict.For[stay]()
	word := rapid.SampledFrom([]string{"", "a", "b", "ab", "\x01a"})
	people := rapid.Custom(func(t *rapid.T) guest {
		return guest{FullName: word.Draw(t, "name"), Document: document{Number: word.Draw(t, "number")}, Phone: rapid.Ptr(word, true).Draw(t, "phone")}
	})
	stays := rapid.Custom(func(t *rapid.T) stay {
		v := stay{
			Guest: people.Draw(t, "guest"), Departure: word.Draw(t, "departure"), Note: word.Draw(t, "note"),
			ArrivedAt: time.Unix(rapid.Int64Range(0, 1).Draw(t, "seconds"), rapid.Int64Range(0, 1).Draw(t, "nanoseconds")),
			Nights:    rapid.Int8Range(-1, 1).Draw(t, "nights"), Seq: rapid.Uint16Range(0, 1).Draw(t, "seq"), Carer: rapid.Bool().Draw(t, "carer"),
			Amount: dong(rapid.Int64Range(-1, 1).Draw(t, "amount")), Tags: rapid.SliceOfN(word, 0, 2).Draw(t, "tags"),
			Facts: rapid.MapOfN(word, word, 0, 2).Draw(t, "facts"), Party: rapid.SliceOfN(people, 0, 1).Draw(t, "party"),
		}
		if name := word.Draw(t, "level"); name != "" {
			v.Level = &level{name}
		}
		return v
	})
	rapid.Check(t, func(t *rapid.T) {
		a := stays.Draw(t, "a")
		b := a
		if rapid.Bool().Draw(t, "change everything") {
			b = stays.Draw(t, "b")
		} else {
			change := stays.Draw(t, "change")
			switch rapid.IntRange(0, 4).Draw(t, "change one thing") {
			case 0:
				b.Guest = change.Guest
			case 1:
				b.Party = change.Party
			case 2:
				b.Departure, b.Note = b.Note, b.Departure
			case 3:
				b.Facts, b.Tags = change.Facts, change.Tags
			}
		}
		equal := cmp.Equal(a, b, cmp.AllowUnexported(level{}), cmpopts.EquateEmpty())
		if same := string(reader.AppendMeaning(nil, &a)) == string(reader.AppendMeaning(nil, &b)); same != equal {
			t.Fatalf("equal: %v, the same meaning: %v: %+v and %+v", equal, same, a, b)
		}
	})
}

type code struct {
	Text string `json:"text"`
}

// Validate keeps letters as capitals.
func (c *code) Validate(f *problem.Faults) {
	if c.Text == "none" {
		f.At("/text", problem.Fault{Code: "none"})
		return
	}
	c.Text = strings.ToUpper(c.Text)
}

func TestATypeMayKeepAFieldInItsOwnForm(t *testing.T) {
	t.Parallel()
	reader := strict.For[struct {
		One  code            `json:"one"`
		Two  *code           `json:"two,omitzero"`
		List []code          `json:"list,omitzero"`
		Dict map[string]code `json:"dict,omitzero"`
	}]()
	small, err := reader.Read([]byte(`{"one":{"text":"a"},"two":{"text":"b"},"list":[{"text":"c"}],"dict":{"d":{"text":"e"}}}`))
	if err != nil {
		t.Fatal(faults(err))
	}
	large, err := reader.Read([]byte(`{"one":{"text":"A"},"two":{"text":"B"},"list":[{"text":"C"}],"dict":{"d":{"text":"E"}}}`))
	if err != nil {
		t.Fatal(faults(err))
	}
	if d := cmp.Diff(large, small); d != "" || string(reader.AppendMeaning(nil, &small)) != string(reader.AppendMeaning(nil, &large)) {
		t.Error(d)
	}
	_, err = reader.Read([]byte(`{"one":{"text":"none"}}`))
	if d := cmp.Diff([]string{"/one/text none"}, faults(err)); d != "" {
		t.Error(d)
	}
}
