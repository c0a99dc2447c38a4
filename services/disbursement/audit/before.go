package audit

import "slices"

// paidBefore is a right that was entered as paid by another system, from its first month until the last that was paid.
type paidBefore struct {
	right, programme, from, until string
	// entered is where that stands in the log, day the day.
	entered int64
	day     string
}

func (b paidBefore) covers(month string) bool { return b.from <= month && month <= b.until }

// paidBeforeSince is what the rights say of a month.
type paidBeforeSince struct {
	// any tells that a right says that the month was paid before this system, must that one of the programme itself said so when the first
	// list was drafted: then that list counted something.
	any, must bool
	// changed tells that what was entered is not what the first list went by: a right was entered since, or turned out to be a mistake.
	changed bool
	// day is that of the first entry, whose law counts; exact is false where other days count as well.
	day   string
	exact bool
}

// beforeOf judges by the entries alone. Which amount they come to is in the profiles, which no log has: it shows in the first line of the
// month, and does not change. A right that is entered when those before it in the programme are stopped takes their place, and changes
// nothing of what was paid.
func (a *auditor) beforeOf(key entitledMonth, m *monthTotal) (s paidBeforeSince) {
	s.exact = true
	entries := a.before[key.mark] // in the order of the log
	for i, b := range entries {
		voidAt := a.voidAt(b)
		if !b.covers(key.month) || b.entered > m.last.computedAt || voidAt != 0 && voidAt < m.first.draftedAt {
			continue
		}
		known := b.entered < m.first.draftedAt
		s.any = true
		s.must = s.must || known && b.programme == key.programme
		s.changed = s.changed || b.entered > m.first.draftedAt || voidAt != 0
		instead := i > 0 && !slices.ContainsFunc(entries[:i], func(other paidBefore) bool {
			return other.covers(key.month) && (other.programme != b.programme || !a.stopped(other.right))
		})
		if s.day == "" {
			s.day = b.day
		} else if !instead && b.day != s.day {
			s.exact = false
		}
	}
	return s
}

// voidAt is where an officer stopped a right from its first month on: it was entered by mistake, and so was that it was paid. 0 if none
// did; a death says nothing about the entry.
func (a *auditor) voidAt(b paidBefore) int64 {
	for _, s := range a.stops[b.right] {
		if !s.suspended && s.byOfficer && s.fromMonth <= b.from {
			return s.at
		}
	}
	return 0
}

// stopped tells whether a right has ended for good.
func (a *auditor) stopped(right string) bool {
	return slices.ContainsFunc(a.stops[right], func(s stop) bool { return !s.suspended })
}
