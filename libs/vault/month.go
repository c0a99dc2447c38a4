package vault

import (
	"fmt"
	"time"
)

// month counts months; it is what a data key belongs to.
type month int

const firstYear = 2000

// zone is Vietnam's, fixed: a month ends at the same moment on every machine.
func zone() *time.Location { return time.FixedZone("UTC+7", 7*60*60) }

func monthOf(at time.Time) month {
	year, m, _ := at.In(zone()).Date()
	return month((year-firstYear)*12 + int(m) - 1)
}

// parseMonth reads "2026-11".
func parseMonth(id string) (month, error) {
	at, err := time.ParseInLocation("2006-01", id, zone())
	if err != nil {
		return 0, fmt.Errorf("%q is not a month of the form 2026-11", id)
	}
	m := monthOf(at)
	return m, m.check()
}

// check refuses what the key file has no secret for: it knows the months of 341 years.
func (m month) check() error {
	if m < 0 || m >= 1<<treeDepth {
		return fmt.Errorf("month %s is out of range", m)
	}
	return nil
}

// String is the id of the month's key.
func (m month) String() string { return m.begin().Format("2006-01") }

func (m month) begin() time.Time {
	return time.Date(firstYear, time.January+time.Month(m), 1, 0, 0, 0, 0, zone())
}

func (m month) end() time.Time { return (m + 1).begin() }
