package demo

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
)

// good is an evening of ten check-ins that went as planned, the second one of the day.
func good() result {
	t := newTally()
	for figure, n := range map[string]int{
		evening.CheckIns: 10, evening.Accepted: 9, evening.Late: 2, string(evening.Foreigners): 1, evening.Departed: 1,
		evening.Cancelled: 1, evening.Refused("required"): 1,
	} {
		for range n {
			t.count(figure)
		}
	}
	before := counts{Stays: 100, Present: 90, Late: 10, Foreigners: 5, Matched: 80, Mismatched: 4, NotFound: 3, Unavailable: 13, Cancelled: 2}
	evenings := counts{Stays: 8, Present: 7, Late: 2, Foreigners: 1, Matched: 5, Mismatched: 1, NotFound: 1, Unavailable: 1, Cancelled: 1}
	return result{
		tally: t, listed: 9,
		expected: evening.Figures{
			evening.CheckIns: 10, evening.Accepted: 9, evening.Late: 2, string(evening.Foreigners): 1, evening.Departed: 1, evening.Cancelled: 1,
			evening.Matched: 5, evening.Mismatched: 1, evening.NotFound: 1, evening.Unavailable: 1, evening.Refused("required"): 1,
		},
		before: province{all: before.plus(1, before), playing: before},
		after:  province{all: before.plus(1, before).plus(1, evenings), playing: before.plus(1, evenings)},
	}
}

func TestAnEveningThatWentAsPlannedIsNoError(t *testing.T) {
	t.Parallel()
	r := good()
	if err := r.err(); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "DIFFERS") || !strings.Contains(text, "accepted  ") {
		t.Errorf("wrote:\n%s", text)
	}
}

func TestEveryDifferenceIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*result)
		want  string
	}{
		"a lost notice": {func(r *result) { r.after.playing.Stays--; r.after.playing.Present-- }, "not as planned: accepted"},
		"more lost than there were before": {
			func(r *result) { r.after.playing = counts{} },
			"not as planned: accepted; late; foreigners; matched; mismatched; not_found; unavailable; departed; cancelled",
		},
		"a notice too many":    {func(r *result) { r.after.playing.Stays++; r.after.playing.Present++ }, "not as planned: accepted"},
		"a guest was not late": {func(r *result) { r.after.playing.Late-- }, "not as planned: late"},
		"a foreigner became":   {func(r *result) { r.after.playing.Foreigners++ }, "not as planned: foreigners"},
		"a match":              {func(r *result) { r.after.playing.Matched++; r.after.playing.NotFound-- }, "not as planned: matched; not_found"},
		"somebody is back":     {func(r *result) { r.after.playing.Present++ }, "not as planned: departed"},
		"a notice differs":     {func(r *result) { r.listed-- }, "not as planned: notices read one by one"},
		"an unplanned refusal": {func(r *result) { r.tally.count(evening.Refused("odd")) }, "not as planned: refused: odd"},
		"a refusal that lacks": {func(r *result) { r.expected[evening.Refused("odd")] = 1 }, "not as planned: refused: odd"},
		"an answer is missing": {func(r *result) { r.tally.figures[evening.CheckIns]-- }, "not as planned: check-ins"},
		"only an answer differs": {
			func(r *result) { r.tally.differs(&evening.Guest{Number: 7, Party: evening.Alone}, "odd") },
			"all figures agree, but 1 answers were not as planned",
		},
	} {
		r := good()
		c.spoil(&r)
		err := r.err()
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		var out bytes.Buffer
		if err := r.print(&out); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); !strings.Contains(text, "DIFFERS") && !strings.Contains(text, "guest 7 (alone): odd") {
			t.Errorf("%s: the table does not show it:\n%s", name, text)
		}
	}
}

func TestOnlyTheFirstDifferencesAreTold(t *testing.T) {
	t.Parallel()
	r := good()
	for n := range told + 5 {
		r.tally.differs(&evening.Guest{Number: n}, "odd")
	}
	var out bytes.Buffer
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Count(text, "odd") != told || !strings.Contains(text, "and 5 more") {
		t.Errorf("wrote:\n%s", text)
	}
}

func TestPercentiles(t *testing.T) {
	t.Parallel()
	var thousand []time.Duration
	for i := range 1_000 {
		thousand = append(thousand, time.Duration(1_000-i))
	}
	for name, c := range map[string]struct {
		sample []time.Duration
		want   percentiles
	}{
		"nothing":    {nil, percentiles{}},
		"one":        {[]time.Duration{7}, percentiles{1, 7, 7, 7, 7}},
		"two":        {[]time.Duration{9, 5}, percentiles{2, 5, 9, 9, 9}},
		"a thousand": {thousand, percentiles{1_000, 500, 900, 990, 1_000}},
	} {
		if diff := cmp.Diff(c.want, percentilesOf(c.sample), cmp.AllowUnexported(percentiles{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A percentile is the smallest value that so many of a hundred do not exceed.
func TestPercentilesAreTheSmallestThatCoverTheirShare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sample := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, 1<<40), func(n int64) time.Duration { return time.Duration(n) }), 1, 300).Draw(t, "sample")
		got := percentilesOf(slices.Clone(sample))
		for percent, value := range map[int]time.Duration{50: got.p50, 90: got.p90, 99: got.p99, 100: got.max} {
			upTo, below := 0, 0
			for _, d := range sample {
				if d <= value {
					upTo++
				}
				if d < value {
					below++
				}
			}
			if upTo*100 < len(sample)*percent || below*100 >= len(sample)*percent {
				t.Fatalf("p%d of %v is %d: %d up to it, %d below", percent, sample, value, upTo, below)
			}
		}
	})
}

func TestTheReaderGetsCommandsAndNoToken(t *testing.T) {
	t.Parallel()
	a := newAuditor(nil, "secret", vn.MustDate(2026, time.November, 21), nil)
	var out bytes.Buffer
	good().printChecks(&out, ".songan/demo.json", "http://127.0.0.1:8080", a)
	text := out.String()
	if strings.Contains(text, "secret") || strings.Count(text, "curl ") != 3 || !strings.Contains(text, ".songan/demo.json)") {
		t.Errorf("wrote:\n%s", text)
	}
	for _, want := range []string{
		"# 213: 9 accepted this evening, 204 before", "# 22: 2 late this evening, 20 before", "# 165: 5 matched this evening, 160 before",
		"'http://127.0.0.1:8080/accommodation/v1/statistics?by=kind&from=2026-11-20&to=2026-11-22'",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

func TestNumbersInTables(t *testing.T) {
	t.Parallel()
	got := []string{ms(0), ms(1_250 * time.Microsecond), ms(3_110_849 * time.Microsecond), known(unknown), known(-1), known(1_234)}
	if diff := cmp.Diff([]string{"0.0 ms", "1.2 ms", "3110.8 ms", "-", "-1", "1,234"}, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}
