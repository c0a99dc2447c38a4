package month_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

func TestAMonthIsWrittenInOneWay(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]string{
		"2026-13": "month_impossible", "2026-00": "month_impossible", "0000-01": "month_impossible",
		"": "month_format", "2026-1": "month_format", "26-01": "month_format", "2026-11-01": "month_format",
		"2026/11": "month_format", "2026-1 ": "month_format", "+026-11": "month_format", "202611": "month_format",
		"2026--1": "month_format", "٢٠٢٦-11": "month_format", "2026-11\n": "month_format",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			m, err := month.Parse(text)
			if !errors.Is(err, vn.Refused(code)) || !m.IsZero() {
				t.Fatalf("got %v, %v, want %s", m, err, code)
			}
		})
	}
}

func TestNeighboursAndEnds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][4]string{
		"2026-11": {"2026-10", "2026-12", "2026-11-01", "2026-11-30"},
		"2026-12": {"2026-11", "2027-01", "2026-12-01", "2026-12-31"},
		"2026-01": {"2025-12", "2026-02", "2026-01-01", "2026-01-31"},
		"2028-02": {"2028-01", "2028-03", "2028-02-01", "2028-02-29"},
		"2100-02": {"2100-01", "2100-03", "2100-02-01", "2100-02-28"},
		"9999-12": {"9999-11", "9999-12", "9999-12-01", "9999-12-31"},
		"0001-01": {"0001-01", "0001-02", "0001-01-01", "0001-01-31"},
	} {
		m := month.Must(text)
		got := [4]string{m.Prev().String(), m.Next().String(), m.First().String(), m.Last().String()}
		if got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func TestNoMonthHasNoNeighboursAndNoDays(t *testing.T) {
	t.Parallel()
	var none month.Month
	if none.Next() != none || none.Add(-7) != none || !none.First().IsZero() || !none.Last().IsZero() ||
		none.String() != "" || none.Year() != 0 || none.Month() != 0 || none.Contains(vn.Date{}) ||
		month.Of(vn.Date{}) != none || !none.Before(month.Must("0001-01")) {
		t.Fatal("no month behaves like one")
	}
}

func TestASpanIncludesBothEnds(t *testing.T) {
	t.Parallel()
	july, october := month.Must("2026-07"), month.Must("2026-10")
	want := []month.Month{july, month.Must("2026-08"), month.Must("2026-09"), october}
	if diff := cmp.Diff(want, slices.Collect(month.Span(july, october))); diff != "" {
		t.Fatal(diff)
	}
	for _, empty := range [][2]month.Month{{october, july}, {{}, october}, {july, {}}} {
		if got := slices.Collect(month.Span(empty[0], empty[1])); got != nil {
			t.Errorf("%v to %v: got %v", empty[0], empty[1], got)
		}
	}
	for m := range month.Span(month.Must("9999-11"), month.Must("9999-12")) {
		if m == month.Must("9999-12") {
			break
		}
	}
}

func TestAMonthGoesThroughJSONAsValueAndAsKey(t *testing.T) {
	t.Parallel()
	type paper struct {
		Month month.Month         `json:"month"`
		Until month.Month         `json:"until,omitzero"`
		Paid  map[month.Month]int `json:"paid"`
	}
	const written = `{"month":"2026-11","paid":{"2026-07":1,"2026-08":2}}`
	var read paper
	if err := json.Unmarshal([]byte(written), &read); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(read)
	if err != nil || string(again) != written {
		t.Fatalf("got %s, %v", again, err)
	}
	for _, refused := range []string{`{"month":202611}`, `{"month":"2026-13"}`, `{"paid":{"2026-7":1}}`} {
		if err := json.Unmarshal([]byte(refused), &read); err == nil {
			t.Errorf("%s was accepted", refused)
		}
	}
	var empty month.Month
	if err := empty.UnmarshalText(nil); err != nil || !empty.IsZero() {
		t.Fatalf("an empty text is %v, %v", empty, err)
	}
}

func TestMonthsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		year, number := rapid.IntRange(1, 9999).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month")
		m, err := month.New(year, time.Month(number))
		if err != nil || m.Year() != year || m.Month() != time.Month(number) {
			t.Fatalf("%d-%d became %v, %v", year, number, m, err)
		}
		if again, err := month.Parse(m.String()); err != nil || again != m {
			t.Fatalf("%v was read as %v, %v", m, again, err)
		}
		n := rapid.IntRange(-200_000, 200_000).Draw(t, "n")
		other := m.Add(n)
		if inside := m.Until(other) == n; inside && (other.Add(-n) != m || other.Before(m) != (n < 0) || other.After(m) != (n > 0)) {
			t.Fatalf("%v + %d = %v", m, n, other)
		}
		if !m.Contains(m.First()) || !m.Contains(m.Last()) || m.Compare(m) != 0 || !m.Equal(m) {
			t.Fatalf("%v does not contain its own days", m)
		}
		if year < 9999 && m.Last().AddDays(1) != m.Next().First() {
			t.Fatalf("a gap after %v", m)
		}
	})
}

func TestTheCalendarHasEnds(t *testing.T) {
	t.Parallel()
	m := month.Must("2026-11")
	if m.Add(math.MaxInt).String() != "9999-12" || m.Add(math.MinInt).String() != "0001-01" {
		t.Fatalf("got %v and %v", m.Add(math.MaxInt), m.Add(math.MinInt))
	}
	for _, impossible := range [][2]int{{0, 1}, {10000, 1}, {2026, 0}, {2026, 13}} {
		if _, err := month.New(impossible[0], time.Month(impossible[1])); !errors.Is(err, vn.Refused("month_impossible")) {
			t.Errorf("%v: %v", impossible, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a literal that is no month went through")
		}
	}()
	month.Must("2026-13")
}

func ExampleSpan() {
	decision := month.Of(vn.MustDate(2026, time.November, 23))
	for m := range month.Span(decision, decision.Add(2)) {
		fmt.Println(m, m.Last())
	}
	// Output:
	// 2026-11 2026-11-30
	// 2026-12 2026-12-31
	// 2027-01 2027-01-31
}
