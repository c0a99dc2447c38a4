package vn

import (
	"fmt"
	"time"

	"github.com/songan-vn/songan/libs/problem"
)

// longestLife is how long ago a birth date can lie. The oldest person whose age was proven lived 122 years.
const longestLife = 130

// PartialDate is a date of which the day, or the month and the day, may be unknown: "1990", "1990-01",
// "1990-01-15". Many elderly people have a birth date like that on their card. The zero PartialDate is no date.
type PartialDate struct {
	year       int16
	month, day uint8 // 0 is unknown
}

// ParsePartialDate accepts "1990", "1990-01" and "1990-01-15", and no day that the calendar does not have.
func ParsePartialDate(s string) (PartialDate, error) {
	if !looksLikeDate(s) {
		return PartialDate{}, dateFormat("1990-01-15, 1990-01 or 1990")
	}
	t, err := time.Parse(time.DateOnly[:len(s)], s)
	if err != nil || t.Year() < 1 {
		return PartialDate{}, impossibleDate()
	}
	p := PartialDate(fromTime(t))
	if len(s) < len("1990-01-15") {
		p.day = 0
	}
	if len(s) < len("1990-01") {
		p.month = 0
	}
	return p, nil
}

func looksLikeDate(s string) bool {
	if len(s) != len("1990") && len(s) != len("1990-01") && len(s) != len("1990-01-15") {
		return false
	}
	for i := range len(s) {
		hyphen := i == 4 || i == 7
		if hyphen != (s[i] == '-') || !hyphen && !isDigit(s[i]) {
			return false
		}
	}
	return true
}

// IsZero tells whether there is no date. Struct tags use it as omitzero.
func (p PartialDate) IsZero() bool { return p == PartialDate{} }

// Year returns the year, 0 for no date.
func (p PartialDate) Year() int { return int(p.year) }

// Full returns the whole date, or false when a part of it is unknown.
func (p PartialDate) Full() (Date, bool) { return Date(p), p.day != 0 }

// Earliest returns the first day that p may mean.
func (p PartialDate) Earliest() Date {
	d := Date(p)
	d.month, d.day = max(d.month, 1), max(d.day, 1)
	return d
}

// Latest returns the last day that p may mean. The age of somebody whose birthday is unknown is counted from
// here, so that nobody grows older than can be proven.
func (p PartialDate) Latest() Date {
	switch {
	case p.day != 0:
		return Date(p)
	case p.month != 0:
		return fromTime(time.Date(p.Year(), time.Month(p.month)+1, 0, 0, 0, 0, 0, time.UTC))
	default:
		return Date{year: p.year, month: 12, day: 31}
	}
}

// Agrees tells whether p and other can mean the same day, as "1990" and "1990-01-15" do.
func (p PartialDate) Agrees(other PartialDate) bool {
	return !p.Latest().Before(other.Earliest()) && !other.Latest().Before(p.Earliest())
}

// Equal tells whether both say the same; go-cmp uses it to compare whole facts and commands.
func (p PartialDate) Equal(other PartialDate) bool { return p == other }

// CheckBirth tells what is wrong with p as the birth date of somebody who is alive today.
func (p PartialDate) CheckBirth(today Date) []problem.Fault {
	if p.Earliest().After(today) {
		return []problem.Fault{{
			Code:      "birth_date_in_future",
			Message:   "the birth date lies in the future",
			MessageVI: "ngày sinh nằm trong tương lai",
		}}
	}
	if p.Latest().YearsUntil(today) > longestLife {
		return []problem.Fault{{
			Code:      "birth_date_too_long_ago",
			Message:   "nobody alive was born that long ago",
			MessageVI: "ngày sinh quá xa, không còn ai sinh vào thời điểm đó còn sống",
			Hint:      "check the year",
		}}
	}
	return nil
}

// String returns what is known: "1990", "1990-01" or "1990-01-15".
func (p PartialDate) String() string {
	switch {
	case p.IsZero():
		return ""
	case p.month == 0:
		return fmt.Sprintf("%04d", p.year)
	case p.day == 0:
		return fmt.Sprintf("%04d-%02d", p.year, p.month)
	default:
		return Date(p).String()
	}
}

// MarshalText writes the form that [ParsePartialDate] reads.
func (p PartialDate) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what [PartialDate.MarshalText] writes; an empty text is no date.
func (p *PartialDate) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = PartialDate{}
		return nil
	}
	parsed, err := ParsePartialDate(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}
