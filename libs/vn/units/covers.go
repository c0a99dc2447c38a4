package units

import (
	"iter"
	"slices"

	"github.com/songan-vn/songan/libs/vn"
)

// Covers tells whether an officer of a unit is responsible for another one on a day. The officer's unit is what its code
// means on that day; the other one is a key that a fact may have named long before.
//
//  1. A commune covers itself and every unit that became it, wholly or in part.
//  2. A province covers itself, its communes, and every unit that became one of them.
//  3. A code that means nothing on that day covers nothing.
func (d *Directory) Covers(officer string, u Key, on vn.Date) bool {
	own, found := d.Find(officer, on)
	if !found {
		return false
	}
	unit, found := d.Get(u)
	return found && d.reaches(own, unit, on)
}

// Covered runs through the keys that [Directory.Covers] says yes to: the scope of an officer in a list.
func (d *Directory) Covered(officer string, on vn.Date) iter.Seq[Key] {
	return func(yield func(Key) bool) {
		own, found := d.Find(officer, on)
		if !found {
			return
		}
		for _, u := range d.units {
			if d.reaches(own, u, on) && !yield(u.Key) {
				return
			}
		}
	}
}

// reaches tells whether a unit, or what it became by then, lies in own.
func (d *Directory) reaches(own, unit Unit, on vn.Date) bool {
	return slices.ContainsFunc(d.On(unit, on), func(now Unit) bool {
		for now.Key != own.Key {
			parent, found := d.Find(now.Parent, on)
			if !found {
				return false
			}
			now = parent
		}
		return true
	})
}
