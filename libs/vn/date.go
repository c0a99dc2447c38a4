package vn

import (
	"cmp"
	"fmt"
	"time"
)

// Zone is the clock of the whole country: UTC+7, no daylight saving. It needs no time zone database, which a
// small container may not have. Like [time.UTC] it is never assigned to.
var Zone = time.FixedZone("+07", 7*60*60) //nolint:gochecknoglobals // a constant of Go's time package's kind

// Date is a calendar day, without a clock and without a zone. The zero Date stands for "no date".
type Date struct {
	year       int16
	month, day uint8
}

// NewDate returns the day, or refuses one that no calendar has.
func NewDate(year int, month time.Month, day int) (Date, error) {
	if year < 1 || year > 9999 {
		return Date{}, impossibleDate()
	}
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if t.Year() != year || t.Month() != month || t.Day() != day {
		return Date{}, impossibleDate()
	}
	return fromTime(t), nil
}

// MustDate is [NewDate] for days written in code. It panics on an impossible one, which the first test finds.
func MustDate(year int, month time.Month, day int) Date {
	d, err := NewDate(year, month, day)
	if err != nil {
		panic(fmt.Sprintf("vn: %d-%d-%d is no day", year, month, day)) //nolint:forbidigo // a literal in code, not input
	}
	return d
}

// ParseDate accepts exactly "2026-11-23".
func ParseDate(s string) (Date, error) {
	p, err := ParsePartialDate(s)
	if err != nil {
		return Date{}, err
	}
	d, full := p.Full()
	if !full {
		return Date{}, dateFormat("2026-11-23")
	}
	return d, nil
}

// DateOf returns the day on which t falls in Vietnam.
func DateOf(t time.Time) Date { return fromTime(t.In(Zone)) }

func fromTime(t time.Time) Date {
	y, m, d := t.Date()
	return Date{year: int16(y), month: uint8(m), day: uint8(d)} //nolint:gosec // the callers keep the year within 1-9999
}

// IsZero tells whether there is no date. Struct tags use it as omitzero.
func (d Date) IsZero() bool { return d == Date{} }

// Year returns the year, 0 for no date.
func (d Date) Year() int { return int(d.year) }

// Month returns the month, 0 for no date.
func (d Date) Month() time.Month { return time.Month(d.month) }

// Day returns the day of the month, 0 for no date.
func (d Date) Day() int { return int(d.day) }

// At returns the moment at which a clock in Vietnam shows hour and minute on that day.
func (d Date) At(hour, minute int) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), hour, minute, 0, 0, Zone)
}

// AddDays returns the day n days later, or earlier for a negative n.
func (d Date) AddDays(n int) Date { return fromTime(d.utc().AddDate(0, 0, n)) }

// DaysUntil counts the nights from d to other; it is negative when other lies before d.
func (d Date) DaysUntil(other Date) int { return int(other.utc().Sub(d.utc()) / (24 * time.Hour)) }

// YearsUntil returns the age on the day other of somebody born on d, which is how laws count years.
func (d Date) YearsUntil(other Date) int {
	years := other.Year() - d.Year()
	if other.Month() < d.Month() || other.Month() == d.Month() && other.Day() < d.Day() {
		years--
	}
	return years
}

func (d Date) utc() time.Time { return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC) }

// Compare is negative when d lies before other, 0 when they are one day. No date lies before every date.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.year, other.year), cmp.Compare(d.month, other.month), cmp.Compare(d.day, other.day))
}

// Equal tells whether both are one day; go-cmp uses it to compare whole facts and commands.
func (d Date) Equal(other Date) bool { return d == other }

// Before tells whether d lies before other.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// After tells whether d lies after other.
func (d Date) After(other Date) bool { return d.Compare(other) > 0 }

// String returns "2026-11-23", or nothing for no date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day)
}

// MarshalText writes the form that [ParseDate] reads.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "2026-11-23"; an empty text is no date, so that what was written can be read again.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

func impossibleDate() error {
	return refuse("date_impossible", "no calendar has this day", "ngày này không có trong lịch")
}

func dateFormat(example string) error {
	return refuse("date_format", "a date is written "+example, "ngày được viết "+example)
}
