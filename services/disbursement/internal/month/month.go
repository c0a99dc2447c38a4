// Package month counts in calendar months, which is how rights and payments of social security are counted. It is pure.
//
//  1. A month is written "2026-11" and in no other way: no "2026-1", no "26-01", no day behind it.
//  2. The zero [Month] is no month. It lies before every month, has no neighbours, and is written as nothing.
//  3. A day belongs to the month in which it falls; a right that begins or ends "in a month" never sees the day.
//  4. Spans include both ends: July to October are four months.
//  5. The calendar ends at 9999-12. What would lie beyond it is that month, so that no sum of months wraps around.
package month

import (
	"cmp"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
)

const (
	perYear = 12
	first   = 1 * perYear                // 0001-01
	last    = 9999*perYear + perYear - 1 // 9999-12
)

// Month is a month of a year. It is comparable and serves as a key of maps, in JSON too.
type Month struct {
	// count is the number of months since January of the year 0; 0 is no month.
	count int32
}

// New returns the month, or refuses one that no calendar has.
func New(year int, month time.Month) (Month, error) {
	if year < 1 || year > 9999 || month < time.January || month > time.December {
		return Month{}, impossible()
	}
	return of(year, month), nil
}

// Must is [Parse] for months written in code. It panics on anything else, which the first test finds.
func Must(s string) Month {
	m, err := Parse(s)
	if err != nil {
		panic(fmt.Sprintf("month: %q is no month", s)) //nolint:forbidigo // a literal in code, not input
	}
	return m
}

// Of returns the month in which a day falls; no day falls in no month.
func Of(d vn.Date) Month {
	if d.IsZero() {
		return Month{}
	}
	return of(d.Year(), d.Month())
}

func of(year int, month time.Month) Month {
	return Month{count: int32(year*perYear + int(month) - 1)} //nolint:gosec // the callers keep the year within 1-9999
}

// Parse accepts exactly "2026-11".
func Parse(s string) (Month, error) {
	if !looksLikeMonth(s) {
		return Month{}, refuse("month_format", "a month is written 2026-11", "tháng được viết 2026-11")
	}
	year, _ := strconv.Atoi(s[:4]) // looksLikeMonth saw nothing but digits
	month, _ := strconv.Atoi(s[5:])
	return New(year, time.Month(month))
}

func looksLikeMonth(s string) bool {
	if len(s) != len("2026-11") {
		return false
	}
	for i := range len(s) {
		digit := s[i] >= '0' && s[i] <= '9'
		if hyphen := i == 4; hyphen && s[i] != '-' || !hyphen && !digit {
			return false
		}
	}
	return true
}

// IsZero tells whether there is no month. Struct tags use it as omitzero.
func (m Month) IsZero() bool { return m == Month{} }

// Year returns the year, 0 for no month.
func (m Month) Year() int { return int(m.count) / perYear }

// Month returns the month of the year, 0 for no month.
func (m Month) Month() time.Month {
	if m.IsZero() {
		return 0
	}
	return time.Month(int(m.count)%perYear + 1)
}

// Next returns the month after m.
func (m Month) Next() Month { return m.Add(1) }

// Prev returns the month before m.
func (m Month) Prev() Month { return m.Add(-1) }

// Add returns the month n months later, or earlier for a negative n, within the calendar. No month stays no month.
func (m Month) Add(n int) Month {
	if m.IsZero() {
		return m
	}
	n = min(max(n, -last), last)                                      // a sum of two counts fits
	return Month{count: int32(min(max(int(m.count)+n, first), last))} //nolint:gosec // within first and last
}

// Until counts the months from m to other: 1 from July to August. It is negative when other lies before m.
func (m Month) Until(other Month) int { return int(other.count - m.count) }

// First returns the first day of the month, and no day for no month.
func (m Month) First() vn.Date {
	if m.IsZero() {
		return vn.Date{}
	}
	return vn.MustDate(m.Year(), m.Month(), 1)
}

// Last returns the last day of the month, and no day for no month.
func (m Month) Last() vn.Date {
	if m.IsZero() {
		return vn.Date{}
	}
	end := time.Date(m.Year(), m.Month()+1, 0, 0, 0, 0, 0, time.UTC)
	return vn.MustDate(m.Year(), m.Month(), end.Day())
}

// Contains tells whether the day falls in the month.
func (m Month) Contains(d vn.Date) bool { return !m.IsZero() && Of(d) == m }

// Compare is negative when m lies before other, 0 when they are one month. No month lies before every month.
func (m Month) Compare(other Month) int { return cmp.Compare(m.count, other.count) }

// Equal tells whether both are one month; go-cmp uses it to compare whole facts and commands.
func (m Month) Equal(other Month) bool { return m == other }

// Before tells whether m lies before other.
func (m Month) Before(other Month) bool { return m.count < other.count }

// After tells whether m lies after other.
func (m Month) After(other Month) bool { return m.count > other.count }

// Span yields the months from the first to the last, both included and in order. A span that ends before it
// begins, or lacks an end, is empty.
func Span(from, to Month) iter.Seq[Month] {
	return func(yield func(Month) bool) {
		if from.IsZero() {
			return
		}
		for count := from.count; count <= to.count; count++ {
			if !yield(Month{count: count}) {
				return
			}
		}
	}
}

// String returns "2026-11", or nothing for no month.
func (m Month) String() string {
	if m.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d", m.Year(), m.Month())
}

// MarshalText writes the form that [Parse] reads.
func (m Month) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads "2026-11"; an empty text is no month, so that what was written can be read again.
func (m *Month) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*m = Month{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}

func impossible() error {
	return refuse("month_impossible", "no calendar has this month", "tháng này không có trong lịch")
}

func refuse(code, message, messageVI string) error {
	return &vn.Refusal{Fault: problem.Fault{Code: code, Message: message, MessageVI: messageVI}}
}
