package territory

import (
	"slices"

	"github.com/songan-vn/songan/libs/vn/units"
)

// Area is a set of units, of today and of before. It never changes. Its zero value is empty.
type Area struct {
	everywhere bool
	keys       map[units.Key]struct{}
	// The same as columns, in the order of the directory.
	codes, validFrom []string
}

// Everywhere is all units, and what belongs to none.
func Everywhere() Area { return Area{everywhere: true} }

func (a *Area) add(key units.Key) {
	a.keys[key] = struct{}{}
	a.codes, a.validFrom = append(a.codes, key.Code), append(a.validFrom, key.ValidFrom.String())
}

// Has tells whether a unit lies in the area.
func (a Area) Has(key units.Key) bool {
	_, has := a.keys[key]
	return has || a.everywhere
}

// And is what lies in both areas.
func (a Area) And(b Area) Area {
	switch {
	case a.everywhere:
		return b
	case b.everywhere:
		return a
	case len(b.keys) > len(a.keys):
		a, b = b, a
	}
	both := Area{keys: map[units.Key]struct{}{}}
	for i, code := range b.codes {
		if key := Key(code, b.validFrom[i]); a.Has(key) {
			both.add(key)
		}
	}
	return both
}

// Empty tells whether nothing lies in the area.
func (a Area) Empty() bool { return !a.everywhere && len(a.keys) == 0 }

// Columns are the area for a statement, see [In]: two arrays, which are null when the area is everywhere and never null
// otherwise, so that an empty area is nothing.
func (a Area) Columns() (codes, validFrom []string) {
	if a.everywhere {
		return nil, nil
	}
	if len(a.codes) == 0 {
		return []string{}, []string{}
	}
	return a.codes, a.validFrom
}

// In is the condition that a row lies in an area, whose [Area.Columns] are $1 and $2.
const In = `($1::text[] is null or (unit_code, unit_valid_from) in (select * from unnest($1::text[], $2::text[])))`

// Names are the area as texts "00004@2025-07-01", nil when it is everywhere.
func (a Area) Names() []string {
	if a.everywhere {
		return nil
	}
	names := make([]string, len(a.codes))
	for i, code := range a.codes {
		names[i] = code + "@" + a.validFrom[i]
	}
	return names
}

// Equal compares areas by what lies in them.
func (a Area) Equal(b Area) bool {
	return a.everywhere == b.everywhere && slices.Equal(a.codes, b.codes) && slices.Equal(a.validFrom, b.validFrom)
}
