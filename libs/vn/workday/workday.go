// Package workday counts the working days of Vietnam's offices. It is pure and reads nothing but its own embedded list.
//
//  1. Saturdays and Sundays are off, unless the list says that one is worked instead of another day.
//  2. Holidays are data (data/holidays.tsv), a line per day with its legal basis: they change every year.
//  3. A line is marked S where a source names the day, and U where nobody has verified it: the calendar of a year is announced late.
//  4. Of a year that is not in the list only the weekends are known. A deadline in it comes out too early, never too late. Whether a
//     time rests on sure days alone is told by [Calendar.Sure].
package workday

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/vn"
)

//go:embed data/holidays.tsv
var embedded []byte

// Calendar knows which days are worked.
type Calendar struct {
	worked map[vn.Date]bool // what differs from the weekday
	years  map[int]bool
	doubts map[vn.Date]bool // marked U
}

// Load returns the calendar that comes with the program.
func Load() (*Calendar, error) { return Read(bytes.NewReader(embedded)) }

// The columns of the list.
const (
	columnDay = iota
	columnKind
	columnWhat
	columnMark
	columnBasis
	columns
)

// Read builds a calendar from a list of the form of data/holidays.tsv.
func Read(list io.Reader) (*Calendar, error) {
	text, err := io.ReadAll(list)
	if err != nil {
		return nil, fmt.Errorf("read holidays: %w", err)
	}
	c := &Calendar{worked: map[vn.Date]bool{}, years: map[int]bool{}, doubts: map[vn.Date]bool{}}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := c.add(strings.Split(line, "\t")); err != nil {
			return nil, fmt.Errorf("read holidays, line %d: %w", number, err)
		}
	}
	return c, nil
}

func (c *Calendar) add(fields []string) error {
	if len(fields) != columns {
		return fmt.Errorf("%d fields instead of %d", len(fields), columns)
	}
	day, err := vn.ParseDate(fields[columnDay])
	if err != nil {
		return err
	}
	kind := fields[columnKind]
	if kind != "off" && kind != "work" {
		return errors.New("the kind is neither off nor work")
	}
	if fields[columnBasis] == "" || fields[columnMark] != "S" && fields[columnMark] != "U" {
		return errors.New("a legal basis is needed, and the mark S or U")
	}
	if _, twice := c.worked[day]; twice {
		return errors.New("the day stands there twice")
	}
	c.worked[day], c.years[day.Year()] = kind == "work", true
	if fields[columnMark] == "U" {
		c.doubts[day] = true
	}
	return nil
}

// Working tells whether offices work on a day.
func (c *Calendar) Working(day vn.Date) bool {
	if worked, listed := c.worked[day]; listed {
		return worked
	}
	weekday := day.At(0, 0).Weekday()
	return weekday != time.Saturday && weekday != time.Sunday
}

// Covers tells whether the holidays of the day's year are known.
func (c *Calendar) Covers(day vn.Date) bool { return c.years[day.Year()] }

// Sure tells whether what is known of the days from one to another, both included, was verified.
func (c *Calendar) Sure(from, to vn.Date) bool {
	for day := from; !day.After(to); day = day.AddDays(1) {
		if !c.Covers(day) || c.doubts[day] {
			return false
		}
	}
	return true
}

// After returns the n-th working day after a day, which does not count itself.
func (c *Calendar) After(day vn.Date, n int) vn.Date {
	for n > 0 {
		if day = day.AddDays(1); c.Working(day) {
			n--
		}
	}
	return day
}
