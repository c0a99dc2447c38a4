package vn_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
)

// codeOf is the code of the fault that err carries, or what was read.
func codeOf[T interface{ String() string }](value T, err error) string {
	if err != nil {
		return vn.FaultOf(err).Code
	}
	return value.String()
}

// dates draws any day of the calendar, the ends of months and leap years included.
func dates() *rapid.Generator[vn.Date] {
	return rapid.Custom(func(t *rapid.T) vn.Date {
		return vn.MustDate(1800, time.January, 1).AddDays(rapid.IntRange(0, 200_000).Draw(t, "days"))
	})
}

func TestOnlyDaysOfTheCalendarAreDates(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"2026-11-23":  "2026-11-23",
		"2024-02-29":  "2024-02-29",
		"2026-02-29":  "date_impossible",
		"2026-13-01":  "date_impossible",
		"2026-00-10":  "date_impossible",
		"2026-04-31":  "date_impossible",
		"0000-01-01":  "date_impossible",
		"2026-11":     "date_format",
		"2026":        "date_format",
		"23-11-2026":  "date_format",
		"2026/11/23":  "date_format",
		"2026-1-3":    "date_format",
		"2026-11-23T": "date_format",
		" 2026-11-2":  "date_format",
		"":            "date_format",
		"２０２６":        "date_format",
	}
	got := map[string]string{}
	for text := range want {
		got[text] = codeOf(vn.ParseDate(text))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseDate (-want +got):\n%s", diff)
	}
}

func TestAPartialDateSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	type spoken struct{ Text, Earliest, Latest string }
	want := map[string]spoken{
		"1990":       {"1990", "1990-01-01", "1990-12-31"},
		"1990-02":    {"1990-02", "1990-02-01", "1990-02-28"},
		"1992-02":    {"1992-02", "1992-02-01", "1992-02-29"},
		"1990-12":    {"1990-12", "1990-12-01", "1990-12-31"},
		"1990-01-15": {"1990-01-15", "1990-01-15", "1990-01-15"},
		"1990-13":    {Text: "date_impossible"},
		"1990-02-30": {Text: "date_impossible"},
		"90":         {Text: "date_format"},
		"1990-":      {Text: "date_format"},
		"1990 01":    {Text: "date_format"},
		"19x0":       {Text: "date_format"},
	}
	got := map[string]spoken{}
	for text := range want {
		p, err := vn.ParsePartialDate(text)
		got[text] = spoken{Text: codeOf(p, err)}
		if err == nil {
			got[text] = spoken{p.String(), p.Earliest().String(), p.Latest().String()}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("partial dates (-want +got):\n%s", diff)
	}
}

func TestADateSurvivesWritingAndReading(t *testing.T) {
	t.Parallel()
	type row struct {
		Day   vn.Date        `json:"day"`
		Birth vn.PartialDate `json:"birth"`
		None  vn.Date        `json:"none,omitzero"`
		Empty vn.PartialDate `json:"empty"`
	}
	rapid.Check(t, func(t *rapid.T) {
		d := dates().Draw(t, "day")
		text := d.String()[:rapid.SampledFrom([]int{4, 7, 10}).Draw(t, "length")]
		birth, err := vn.ParsePartialDate(text)
		if err != nil {
			t.Fatal(err)
		}
		want := row{Day: d, Birth: birth}
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got row
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", data, diff)
		}
		if birth.String() != text {
			t.Fatalf("%s is written %s", text, birth)
		}
	})
}

func TestDaysAreCountedAsInTheCalendar(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, n := dates().Draw(t, "day"), rapid.IntRange(-100_000, 100_000).Draw(t, "n")
		b := a.AddDays(n)
		if got := a.DaysUntil(b); got != n {
			t.Fatalf("%s + %d days is %s, which is %d days later", a, n, b, got)
		}
		if a.Before(b) != (n > 0) || a.After(b) != (n < 0) {
			t.Fatalf("order of %s and %s", a, b)
		}
		if vn.DateOf(a.At(0, 0)) != a || vn.DateOf(a.At(23, 59)) != a {
			t.Fatalf("%s does not begin and end on itself", a)
		}
	})
}

func TestTheDayIsTheDayInVietnam(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, text := range []string{"2026-01-31T16:30:00Z", "2026-01-31T17:00:00Z", "2026-12-31T23:30:00+07:00", "2026-12-31T23:30:00-05:00"} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		got[text] = vn.DateOf(at).String()
	}
	want := map[string]string{
		"2026-01-31T16:30:00Z":      "2026-01-31",
		"2026-01-31T17:00:00Z":      "2026-02-01",
		"2026-12-31T23:30:00+07:00": "2026-12-31",
		"2026-12-31T23:30:00-05:00": "2027-01-01",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
	if at := vn.MustDate(2026, time.November, 21).At(23, 0); at.Format(time.RFC3339) != "2026-11-21T23:00:00+07:00" {
		t.Errorf("23:00 is %s", at)
	}
}

func TestAgeIsCountedFromTheBirthday(t *testing.T) {
	t.Parallel()
	born := vn.MustDate(1946, time.March, 10)
	got := []int{
		born.YearsUntil(vn.MustDate(2026, time.March, 9)),
		born.YearsUntil(vn.MustDate(2026, time.March, 10)),
		vn.MustDate(2004, time.February, 29).YearsUntil(vn.MustDate(2026, time.February, 28)),
		vn.MustDate(2004, time.February, 29).YearsUntil(vn.MustDate(2026, time.March, 1)),
	}
	if diff := cmp.Diff([]int{79, 80, 21, 22}, got); diff != "" {
		t.Errorf("ages (-want +got):\n%s", diff)
	}
}

func TestPartialDatesAgreeWhenTheyCanMeanOneDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := dates().Draw(t, "a"), dates().Draw(t, "b")
		length := rapid.SampledFrom([]int{4, 7, 10}).Draw(t, "length")
		whole, err := vn.ParsePartialDate(a.String())
		if err != nil {
			t.Fatal(err)
		}
		short, err := vn.ParsePartialDate(b.String()[:length])
		if err != nil {
			t.Fatal(err)
		}
		want := a.String()[:length] == b.String()[:length]
		if whole.Agrees(short) != want || short.Agrees(whole) != want {
			t.Fatalf("%s and %s agree: want %t", whole, short, want)
		}
	})
}

func TestNobodyIsBornTomorrowOrLongAgo(t *testing.T) {
	t.Parallel()
	today := vn.MustDate(2026, time.November, 21)
	got := map[string][]string{}
	for _, text := range []string{"2026-11-21", "2026-11-22", "2026", "2026-12", "2027", "1990", "1896", "1895", "1895-11-21"} {
		p, err := vn.ParsePartialDate(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range p.CheckBirth(today) {
			got[text] = append(got[text], fault.Code)
		}
	}
	want := map[string][]string{
		"2026-11-22": {"birth_date_in_future"},
		"2026-12":    {"birth_date_in_future"},
		"2027":       {"birth_date_in_future"},
		"1895-11-21": {"birth_date_too_long_ago"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestARefusalIsRecognisedByItsCode(t *testing.T) {
	t.Parallel()
	_, err := vn.ParseDate("30.2.2026")
	if !errors.Is(err, vn.Refused("date_format")) || errors.Is(err, vn.Refused("date_impossible")) {
		t.Errorf("the refusal is %v", err)
	}
	var body struct{ Day vn.Date }
	if err := json.Unmarshal([]byte(`{"Day":"2026-02-30"}`), &body); !errors.Is(err, vn.Refused("date_impossible")) {
		t.Errorf("the refusal inside JSON is %v", err)
	}
	if code := vn.FaultOf(errors.New("something else")).Code; code != "invalid_value" {
		t.Errorf("a foreign error has the code %s", code)
	}
}

func FuzzParsePartialDate(f *testing.F) {
	for _, seed := range []string{"1990", "1990-01", "1990-01-15", "2026-02-30", "0000", "1990-1-5", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := vn.ParsePartialDate(text)
		if err != nil {
			return
		}
		if p.String() != text || p.IsZero() || p.Latest().Before(p.Earliest()) {
			t.Errorf("%q was read as %s, from %s to %s", text, p, p.Earliest(), p.Latest())
		}
	})
}
