package units

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/vn"
)

// roomForUnits saves growing the list while it is read; it is no limit.
const roomForUnits = 15_000

// reformBasis made the list that holds from 2025-07-01.
const reformBasis = "19/2025/QĐ-TTg"

// Read builds a directory from the three lists under data/. An operator who has to bring in a change of the law
// before the next release adds a line to a copy of data/changes.tsv.
func Read(files fs.FS) (*Directory, error) {
	reform := vn.MustDate(2025, time.July, 1)
	d := Directory{units: make([]Unit, 0, roomForUnits)}
	if err := d.readList(files, "data/before-2025-07-01.tsv", Unit{ValidUntil: reform}); err != nil {
		return nil, err
	}
	if err := d.readList(files, "data/from-2025-07-01.tsv", Unit{Key: Key{ValidFrom: reform}, Basis: reformBasis}); err != nil {
		return nil, err
	}
	if err := d.readChanges(files, "data/changes.tsv"); err != nil {
		return nil, err
	}
	d.sort()
	return &d, d.check()
}

// readList reads code, parent, name and successors; like says what all units of the list have in common.
func (d *Directory) readList(files fs.FS, name string, like Unit) error {
	return eachLine(files, name, 3, func(fields []string) error {
		u := like
		u.Code, u.Parent, u.Name = fields[0], fields[1], fields[2]
		if len(fields) > 3 {
			u.successors = fields[3]
		}
		return d.add(u)
	})
}

// readChanges reads valid_from, code, parent, name, successors and basis.
func (d *Directory) readChanges(files fs.FS, name string) error {
	return eachLine(files, name, 6, func(fields []string) error {
		day, err := vn.ParseDate(fields[0])
		if err != nil {
			return err
		}
		code, name := fields[1], fields[3]
		ended, err := d.end(code, day, fields[4])
		if err != nil {
			return err
		}
		switch {
		case name != "-":
			return d.add(Unit{Key: Key{code, day}, Parent: fields[2], Name: name, Basis: fields[5]})
		case !ended:
			return fmt.Errorf("unit %s ends on %s and did not exist", code, day)
		default:
			return nil
		}
	})
}

// end closes the version of a unit that held until that day, and tells whether there was one.
func (d *Directory) end(code string, day vn.Date, successors string) (ended bool, err error) {
	for i := range d.units {
		u := &d.units[i]
		if u.Code != code || !u.Holds(day) {
			continue
		}
		if u.ValidFrom == day {
			return false, fmt.Errorf("unit %s changes twice on %s", code, day)
		}
		u.ValidUntil, u.successors, ended = day, successors, true
	}
	return ended, nil
}

func eachLine(files fs.FS, name string, least int, do func(fields []string) error) error {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("read administrative units: %w", err)
	}
	number, fields := 0, [6]string{}
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		count := strings.Count(line, "\t") + 1
		if count < least || count > len(fields) {
			return fmt.Errorf("read %s line %d: %d fields of %d", name, number, count, least)
		}
		for i := range count {
			fields[i], line, _ = strings.Cut(line, "\t")
		}
		if err := do(fields[:count]); err != nil {
			return fmt.Errorf("read %s line %d: %w", name, number, err)
		}
	}
	return nil
}

func (d *Directory) add(u Unit) error {
	switch len(u.Code) {
	case 2:
		u.Level = Province
	case 3:
		u.Level = District
	case 5:
		u.Level = Commune
	default:
		return fmt.Errorf("unit code %q has %d digits", u.Code, len(u.Code))
	}
	if u.Name == "" || (u.Parent == "") != (u.Level == Province) {
		return fmt.Errorf("unit %s lacks its name or its parent", u.Code)
	}
	d.units = append(d.units, u)
	return nil
}

func (d *Directory) sort() {
	slices.SortFunc(d.units, func(a, b Unit) int {
		return cmp.Or(strings.Compare(a.Code, b.Code), a.ValidFrom.Compare(b.ValidFrom))
	})
	d.byParent = make([]int, len(d.units))
	for i := range d.units {
		d.byParent[i] = i
	}
	slices.SortStableFunc(d.byParent, func(a, b int) int { return strings.Compare(d.units[a].Parent, d.units[b].Parent) })
}

// check refuses lists that contradict themselves: two units under one code on one day, a parent or a successor
// that does not exist.
func (d *Directory) check() error {
	for i, u := range d.units {
		if i > 0 && d.units[i-1].Code == u.Code && d.units[i-1].Holds(u.ValidFrom) {
			return fmt.Errorf("check administrative units: %s means two units on %s", u.Code, u.ValidFrom)
		}
		if _, found := d.Find(u.Parent, u.ValidFrom); !found && u.Level != Province {
			return fmt.Errorf("check administrative units: %s lies in %s, which did not exist on %s", u.Code, u.Parent, u.ValidFrom)
		}
		for code := range strings.FieldsSeq(u.successors) {
			if _, found := d.Find(code, u.ValidUntil); !found {
				return fmt.Errorf("check administrative units: %s became %s, which does not exist on %s", u.Code, code, u.ValidUntil)
			}
		}
	}
	return nil
}
