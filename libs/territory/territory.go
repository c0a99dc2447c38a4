// Package territory knows which administrative units an officer is responsible for today, as a test of one thing and as
// the filter of a list, so that both say the same.
//
//  1. An officer's unit is what its code means today. A code that means nothing today covers nothing: an office that was
//     merged away sees nothing from the day of the merger.
//  2. A commune covers itself and every unit that became it, wholly or in part; a province itself, its communes, and
//     every unit that became one of them. From the day of a merger the successor's officers see what their predecessors
//     saw. Nothing has to be rewritten for that: facts keep the unit they were made in.
//  3. Today is the calendar day in Vietnam. Rights change hands at midnight there, not in UTC.
//  4. An Area without units, which is its zero value, is nothing. Everything has to be said: [Everywhere].
package territory

import (
	"sync"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
)

// Map answers who is responsible for what today. It remembers the answers until midnight.
type Map struct {
	units *units.Directory
	now   func() time.Time

	mu    sync.RWMutex
	day   vn.Date
	areas map[string]Area
	over  map[units.Key][]string
}

// New returns a map of the units of a directory.
func New(directory *units.Directory, now func() time.Time) *Map {
	return &Map{units: directory, now: now, areas: map[string]Area{}, over: map[units.Key][]string{}}
}

// remembered bounds what is kept of each kind. There are fewer units than that; what means nothing is not kept.
const remembered = 16_384

// today begins a new day, at midnight.
func (m *Map) today() vn.Date {
	today := vn.DateOf(m.now())
	m.mu.RLock()
	same := m.day == today
	m.mu.RUnlock()
	if same {
		return today
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.day != today {
		m.day = today
		clear(m.areas)
		clear(m.over)
	}
	return today
}

// Area is what the officers of a unit are responsible for today.
func (m *Map) Area(code string) Area {
	today := m.today()
	m.mu.RLock()
	area, found := m.areas[code]
	m.mu.RUnlock()
	if found {
		return area
	}
	area = Area{keys: map[units.Key]struct{}{}}
	for key := range m.units.Covered(code, today) {
		area.add(key)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.day == today && len(area.keys) > 0 && len(m.areas) < remembered {
		m.areas[code] = area
	}
	return area
}

// Over lists the codes of the units whose officers are responsible for a unit today: what became of it, and everything
// above that. [Map.Area] of each of them has it.
func (m *Map) Over(key units.Key) []string {
	today := m.today()
	m.mu.RLock()
	codes, found := m.over[key]
	m.mu.RUnlock()
	if found {
		return codes
	}
	unit, known := m.units.Get(key)
	if !known {
		return nil
	}
	codes = m.reach(unit, today)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.day == today && len(m.over) < remembered {
		m.over[key] = codes
	}
	return codes
}

// reach climbs from everything that a unit became up to the provinces.
func (m *Map) reach(unit units.Unit, on vn.Date) (codes []string) {
	for _, now := range m.units.On(unit, on) {
		for found := true; found; now, found = m.units.Find(now.Parent, on) {
			codes = append(codes, now.Code)
			if now.Parent == "" {
				break
			}
		}
	}
	return codes
}

// Find returns what a code means today.
func (m *Map) Find(code string) (units.Unit, bool) { return m.units.Find(code, m.today()) }

// Key reads the unit that a fact names. What cannot be read becomes a unit that nobody is responsible for.
func Key(code, validFrom string) units.Key {
	from, err := vn.ParseDate(validFrom)
	if err != nil && validFrom != "" {
		return units.Key{Code: "unreadable"}
	}
	return units.Key{Code: code, ValidFrom: from}
}
