// Package units is the administrative geography of Vietnam: provinces, districts and communes, with the days
// between which each of them held. It is pure and reads nothing but its own embedded lists.
//
//  1. The key of a unit is its code together with the day from which it holds. Codes are used again: 00004 was
//     Phường Trúc Bạch until 2025-06-30 and is Phường Ba Đình since; 24 was Bắc Giang and is Bắc Ninh.
//  2. Until 2025-06-30 there were 63 provinces, 696 districts and 10,035 communes; since 2025-07-01 there are 34
//     provinces, 3,321 communes and no districts.
//  3. A province has 2 digits, a district 3, a commune 5.
//  4. Some hundred communes of before 2025-07-01 were split over two to five new ones. An address there needs
//     somebody's choice: [Directory.Successors] offers all of them, the likeliest first.
//  5. A change of the law is a line in data/changes.tsv with its legal basis, not a change of the code.
//
// The lists before and from 2025-07-01 are built from the PyPI package vietnamadminunits (MIT licence) by
// tools/units/build.py; data/README.md says more.
package units

import (
	"embed"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/songan-vn/songan/libs/vn"
)

// Level is the height of a unit in the administration.
type Level uint8

// The levels, from the top.
const (
	Province Level = iota + 1
	District
	Commune
)

// String returns the level's name: province, district, commune.
func (l Level) String() string { return [...]string{"", "province", "district", "commune"}[l] }

// Key names a unit for ever. Facts carry it.
type Key struct {
	Code string `json:"code"`
	// ValidFrom is the day from which the code means this unit; no date for units from before the lists begin.
	ValidFrom vn.Date `json:"valid_from,omitzero"`
}

// Unit is one version of a province, district or commune.
type Unit struct {
	Key
	// ValidUntil is the first day on which it no longer held; no date while it holds.
	ValidUntil vn.Date
	Level      Level
	// Parent is the code of the unit it lay in during that time; empty for a province.
	Parent string
	// Name is complete: "Phường Ba Đình", "Thành phố Hà Nội".
	Name string
	// Basis is the legal act that made this version; empty for units from before the lists begin.
	Basis string

	successors string // codes separated by spaces, the likeliest first; empty: the same code
}

// Holds tells whether the unit was in force on that day.
func (u Unit) Holds(on vn.Date) bool {
	return !on.Before(u.ValidFrom) && (u.ValidUntil.IsZero() || on.Before(u.ValidUntil))
}

// ShortName returns the name without its kind: "Ba Đình". Names that are a number keep it: "Phường 4".
func (u Unit) ShortName() string {
	for _, kind := range []string{"Tỉnh ", "Thành phố ", "Quận ", "Huyện ", "Thị xã ", "Thị trấn ", "Phường ", "Xã ", "Đặc khu "} {
		if name, ok := strings.CutPrefix(u.Name, kind); ok && strings.Trim(name, "0123456789") != "" {
			return name
		}
	}
	return u.Name
}

// Directory holds all versions of all units. It never changes and may be used from everywhere at once.
type Directory struct {
	units    []Unit // by code, then by day
	byParent []int  // indices into units, by parent, then by code, then by day
}

//go:embed data/*.tsv
var embedded embed.FS

var load = sync.OnceValues(func() (*Directory, error) { return Read(embedded) }) //nolint:gochecknoglobals // read once, never written

// Load returns the embedded directory. It is read on the first call, which takes some milliseconds.
func Load() (*Directory, error) { return load() }

// Find returns what the code meant on that day.
func (d *Directory) Find(code string, on vn.Date) (Unit, bool) {
	for _, u := range d.versions(code) {
		if u.Holds(on) {
			return u, true
		}
	}
	return Unit{}, false
}

// Get returns the unit that a fact named.
func (d *Directory) Get(key Key) (Unit, bool) {
	for _, u := range d.versions(key.Code) {
		if u.Key == key {
			return u, true
		}
	}
	return Unit{}, false
}

func (d *Directory) versions(code string) []Unit {
	byCode := func(u Unit, code string) int { return strings.Compare(u.Code, code) }
	from, found := slices.BinarySearchFunc(d.units, code, byCode)
	if !found {
		return nil
	}
	until := from
	for until < len(d.units) && d.units[until].Code == code {
		until++
	}
	return d.units[from:until]
}

// Province returns the province in which u lay on that day, for a province itself. It returns false if u did not
// hold on that day.
func (d *Directory) Province(u Unit, on vn.Date) (Unit, bool) {
	for u.Level > Province {
		parent, found := d.Find(u.Parent, on)
		if !found || !u.Holds(on) {
			return Unit{}, false
		}
		u = parent
	}
	return u, u.Holds(on)
}

// FullName returns the name with everything above it: "Phường Ba Đình, Thành phố Hà Nội".
func (d *Directory) FullName(u Unit, on vn.Date) string {
	name := u.Name
	for u.Level > Province {
		parent, found := d.Find(u.Parent, on)
		if !found {
			break
		}
		u = parent
		name += ", " + u.Name
	}
	return name
}

// Children returns the units right below u on that day, by code: the districts of a province before
// 2025-07-01, its communes since.
func (d *Directory) Children(u Unit, on vn.Date) []Unit {
	byParent := func(i int, parent string) int { return strings.Compare(d.units[i].Parent, parent) }
	from, _ := slices.BinarySearchFunc(d.byParent, u.Code, byParent)
	var children []Unit
	for _, i := range d.byParent[from:] {
		child := d.units[i]
		if child.Parent != u.Code {
			break
		}
		if child.Holds(on) {
			children = append(children, child)
		}
	}
	return children
}

// Communes returns all communes in u on that day, by code within each district.
func (d *Directory) Communes(u Unit, on vn.Date) []Unit {
	if u.Level == Commune {
		return []Unit{u}
	}
	var communes []Unit
	for _, child := range d.Children(u, on) {
		communes = append(communes, d.Communes(child, on)...)
	}
	return communes
}

// All runs through the units of a level that held on that day, by code.
func (d *Directory) All(level Level, on vn.Date) iter.Seq[Unit] {
	return func(yield func(Unit) bool) {
		for _, u := range d.units {
			if u.Level == level && u.Holds(on) && !yield(u) {
				return
			}
		}
	}
}

// Successors returns what u became on the day on which it ceased to hold, the likeliest first. It returns
// nothing for a unit in force, and nothing for a district, unless it had no communes: districts were
// abolished, and their communes went different ways.
func (d *Directory) Successors(u Unit) []Unit {
	if u.ValidUntil.IsZero() || u.Level == District && u.successors == "" {
		return nil
	}
	codes := []string{u.Code}
	if u.successors != "" {
		codes = strings.Fields(u.successors)
	}
	var successors []Unit
	for _, code := range codes {
		if next, found := d.Find(code, u.ValidUntil); found {
			successors = append(successors, next)
		}
	}
	return successors
}

// On follows the successors of u up to the units that hold on that day, the likeliest first. For a day before u
// it returns nothing.
func (d *Directory) On(u Unit, on vn.Date) []Unit {
	if u.Holds(on) {
		return []Unit{u}
	}
	if on.Before(u.ValidFrom) {
		return nil
	}
	var units []Unit
	for _, next := range d.Successors(u) {
		for _, found := range d.On(next, on) {
			if !slices.ContainsFunc(units, func(u Unit) bool { return u.Key == found.Key }) {
				units = append(units, found)
			}
		}
	}
	return units
}
