package entitlement

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// checkCategories refuses bands of ages that overlap or leave a hole within a category, in any month and as known on
// any day. A hole would silently pay nobody of that age, an overlap would make the order of rows decide.
func checkCategories(all map[string]category) error {
	if len(all) > maxCategories {
		return fmt.Errorf("%d categories are more than %d", len(all), maxCategories)
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(all)) {
		months, days := all[id].turns()
		if max(len(months), len(days)) > maxTurns {
			return fmt.Errorf("category %s changes more than %d times", id, maxTurns)
		}
		for _, m := range months {
			for _, day := range days {
				if err := checkBands(all[id].bands(m, day)); err != nil {
					errs = append(errs, fmt.Errorf("category %s in %v as known on %v: %w", id, m, day, err))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// turns returns the months and days on which the rules of a category may change.
func (c category) turns() (months []month.Month, days []vn.Date) {
	for _, rules := range c.rules {
		for _, rule := range rules {
			months = append(months, rule.From)
			if !rule.To.IsZero() {
				months = append(months, rule.To.Next())
			}
			days = append(days, rule.KnownFrom)
		}
	}
	slices.SortFunc(months, month.Month.Compare)
	slices.SortFunc(days, vn.Date.Compare)
	return slices.Compact(months), slices.Compact(days)
}

func (c category) bands(m month.Month, asOf vn.Date) []Ages {
	var bands []Ages
	for i := range c.rules {
		rule, ok := c.rules[i].at(m, asOf)
		switch {
		case !ok:
		case len(rule.Ages) == 0:
			bands = append(bands, Ages{})
		default:
			bands = append(bands, rule.Ages...)
		}
	}
	slices.SortFunc(bands, func(a, b Ages) int { return cmp.Compare(a.From, b.From) })
	return bands
}

func checkBands(bands []Ages) error {
	for i := 1; i < len(bands); i++ {
		switch end := bands[i-1].Under; {
		case end == 0 || end > bands[i].From:
			return fmt.Errorf("two bands hold the age of %d", bands[i].From)
		case end < bands[i].From:
			return fmt.Errorf("no band holds the age of %d", end)
		}
	}
	return nil
}
