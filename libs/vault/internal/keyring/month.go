package keyring

import (
	"fmt"
	"time"
)

// Month counts months from January 2000, in Vietnam's time; it is what a data key belongs to.
type Month int

const firstYear = 2000

// zone is Vietnam's, fixed: a month ends at the same moment on every machine. Without a name it is one that Go keeps; every row
// that is read asks for it.
func zone() *time.Location { return time.FixedZone("", 7*60*60) }

// MonthOf returns the month of a moment.
func MonthOf(at time.Time) Month {
	year, m, _ := at.In(zone()).Date()
	return Month((year-firstYear)*12 + int(m) - 1)
}

// ParseMonth reads "2026-11".
func ParseMonth(id string) (Month, error) {
	at, err := time.ParseInLocation("2006-01", id, zone())
	if err != nil {
		return 0, fmt.Errorf("%q is not a month of the form 2026-11", id)
	}
	m := MonthOf(at)
	return m, m.Check()
}

// Check refuses what a key file has no secret for: it knows the months of 341 years.
func (m Month) Check() error {
	if m < 0 || m >= 1<<treeDepth {
		return fmt.Errorf("month %s is out of range", m)
	}
	return nil
}

// String is the id of the month's key: "2026-11".
func (m Month) String() string { return m.Begin().Format("2006-01") }

// Begin is the first moment of the month.
func (m Month) Begin() time.Time {
	return time.Date(firstYear, time.January+time.Month(m), 1, 0, 0, 0, 0, zone())
}

// End is the first moment of the next month.
func (m Month) End() time.Time { return (m + 1).Begin() }
