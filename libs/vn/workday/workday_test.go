package workday_test

import (
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/workday"
)

func day(t *testing.T, text string) vn.Date {
	t.Helper()
	d, err := vn.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWorkingDaysLeaveOutWeekendsAndHolidays(t *testing.T) {
	t.Parallel()
	calendar, err := workday.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from string
		days int
		want string
	}{
		{"2026-11-16", 2, "2026-11-18"}, // Monday
		{"2026-11-20", 2, "2026-11-25"}, // Friday; Tuesday is the Day of Vietnamese Culture
		{"2026-11-22", 2, "2026-11-25"}, // Sunday
		{"2026-08-21", 1, "2026-08-22"}, // a Saturday that is worked
		{"2026-08-28", 1, "2026-09-03"}, // and what it is worked for
		{"2026-02-13", 2, "2026-02-24"}, // Tết
		{"2031-01-01", 2, "2031-01-03"}, // nothing is known of that year but weekends
		{"2026-11-16", 0, "2026-11-16"},
	} {
		if got := calendar.After(day(t, c.from), c.days); got.String() != c.want {
			t.Errorf("%d working days after %s are %s, want %s", c.days, c.from, got, c.want)
		}
	}
	for name, c := range map[string]struct {
		from, to string
		want     bool
	}{
		"an ordinary week": {"2026-11-16", "2026-11-20", true}, "a holiday that is sourced": {"2026-04-27", "2026-05-04", true},
		"a holiday that nobody verified": {"2026-11-20", "2026-11-25", false}, "on its last day": {"2026-11-20", "2026-11-24", false},
		"a year of which nothing is known": {"2026-12-30", "2031-01-03", false},
	} {
		if got := calendar.Sure(day(t, c.from), day(t, c.to)); got != c.want {
			t.Errorf("%s: sure is %t", name, got)
		}
	}
	if !calendar.Covers(day(t, "2026-12-31")) || calendar.Covers(day(t, "2031-01-03")) {
		t.Error("the calendar does not know which years it covers")
	}
}

func TestAListOfHolidaysIsReadStrictly(t *testing.T) {
	t.Parallel()
	const good = "2026-01-01\toff\tTết\tS\tĐiều 112\n"
	for name, list := range map[string]string{
		"a column is missing": "2026-01-01\toff\tTết\tS\n",
		"no such day":         strings.Replace(good, "01-01", "02-30", 1),
		"another kind":        strings.Replace(good, "off", "half", 1),
		"no mark":             strings.Replace(good, "\tS\t", "\t\t", 1),
		"no legal basis":      strings.Replace(good, "Điều 112", "", 1),
		"twice":               good + good,
	} {
		if _, err := workday.Read(strings.NewReader(list)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}
