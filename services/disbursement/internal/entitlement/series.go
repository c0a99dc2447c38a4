package entitlement

import (
	"errors"
	"fmt"
	"slices"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// A series is what one thing was from month to month: rows in order, without gap or overlap, each known no earlier
// than the one before it.
type series[R dated] []R

// dated is any row of the file.
type dated interface{ validity() Validity }

// at returns the row that holds in month m as far as was known on the day asOf. A row whose successor isn't known yet
// goes on past its end: nobody has heard that it ends.
func (s series[R]) at(m month.Month, asOf vn.Date) (*R, bool) {
	for i := len(s) - 1; i >= 0; i-- {
		v := s[i].validity()
		if v.KnownFrom.After(asOf) || m.Before(v.From) {
			continue
		}
		ended := i == len(s)-1 && !v.To.IsZero() && m.After(v.To)
		return &s[i], !ended
	}
	return nil, false
}

// group sorts rows into series. Errors name the series, in the order of the file.
func group[K comparable, R dated](rows []R, key func(R) K) (map[K]series[R], error) {
	all := make(map[K]series[R])
	var keys []K
	for _, row := range rows {
		k := key(row)
		if all[k] == nil {
			keys = append(keys, k)
		}
		all[k] = append(all[k], row)
	}
	var errs []error
	for _, k := range keys {
		slices.SortStableFunc(all[k], byFrom)
		if err := all[k].check(); err != nil {
			errs = append(errs, fmt.Errorf("series %v: %w", k, err))
		}
	}
	return all, errors.Join(errs...)
}

func byFrom[R dated](a, b R) int { return a.validity().From.Compare(b.validity().From) }

func (s series[R]) check() error {
	for i := 1; i < len(s); i++ {
		before, after := s[i-1].validity(), s[i].validity()
		switch end := before.To; {
		case end.IsZero() || !end.Before(after.From):
			return fmt.Errorf("two rows hold in %v", after.From)
		case end.Next() != after.From:
			return fmt.Errorf("no row holds in %v", end.Next())
		case after.KnownFrom.Before(before.KnownFrom):
			return fmt.Errorf("the row from %v is known before the row that it follows", after.From)
		}
	}
	return nil
}
