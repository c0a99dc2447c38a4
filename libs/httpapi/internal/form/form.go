// Package form says how texts are written that stand for days, moments and whole numbers. It is stricter than what it
// reads them with, which takes forms that no answer could be written with again.
package form

import (
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/httpapi/internal/fault"
	"github.com/songan-vn/songan/libs/problem"
)

// Date checks formats of calendar days. Other formats are documentation.
func Date(format, s string) problem.Fault {
	const layout, hint = "2006-01-02", "YYYY-MM-DD, such as 2026-11-21"
	switch format {
	case "date":
		if !hasShape(s, layout) {
			return fault.InvalidDate(hint)
		}
	case "partial-date":
		if !hasShape(s, layout[:4]) && !hasShape(s, layout[:7]) && !hasShape(s, layout) {
			return fault.InvalidDate("YYYY-MM-DD, or YYYY-MM, or YYYY when no more is known")
		}
	default:
		return problem.Fault{}
	}
	day, err := time.Parse(layout[:len(s)], s)
	if err != nil {
		return fault.ImpossibleDate()
	}
	return checkYear(day)
}

func checkYear(t time.Time) problem.Fault {
	if t.Year() < fault.FirstYear || t.Year() > fault.LastYear {
		return fault.DateRange()
	}
	return problem.Fault{}
}

// hasShape tells whether s has digits where layout has, and the same everywhere else.
func hasShape(s, layout string) bool {
	if len(s) != len(layout) {
		return false
	}
	for i := range len(s) {
		isDigit, wanted := '0' <= s[i] && s[i] <= '9', '0' <= layout[i] && layout[i] <= '9'
		if isDigit != wanted || !wanted && s[i] != layout[i] {
			return false
		}
	}
	return true
}

// Instant reads a moment as RFC 3339 writes it, and says what is wrong with one that it does not read.
func Instant(s string) (time.Time, problem.Fault) {
	const layout = "2006-01-02"
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil || !isInstant(s) {
		if len(s) >= len(layout) && hasShape(s[:len(layout)], layout) && Date("date", s[:len(layout)]).Code == fault.ImpossibleDate().Code {
			return time.Time{}, fault.ImpossibleDate()
		}
		return time.Time{}, fault.InvalidTime()
	}
	return t, checkYear(t)
}

// isInstant tells whether s is written as RFC 3339 has it. [time.Time.UnmarshalText] is not that strict (go.dev/issue/54580):
// it takes hours of one digit, commas and offsets of a whole day, with which an answer could not be written.
func isInstant(s string) bool {
	const layout = "2006-01-02T15:04:05"
	if len(s) <= len(layout) || !hasShape(s[:len(layout)], layout) {
		return false
	}
	zone := s[len(layout):]
	if fraction, ok := strings.CutPrefix(zone, "."); ok {
		zone = strings.TrimLeft(fraction, "0123456789")
		if len(zone) == len(fraction) {
			return false
		}
	}
	return zone == "Z" || isOffset(zone)
}

// isOffset tells whether s is an offset that some place on Earth has, or could have.
func isOffset(s string) bool {
	const most = "14:00"
	if len(s) != len("+")+len(most) || s[0] != '+' && s[0] != '-' {
		return false
	}
	return hasShape(s[1:], most) && s[1:] <= most && s[4] < '6'
}

// Whole tells whether s is a whole number, perhaps one that is too large for us.
func Whole(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}
