package accounts

import (
	"slices"
	"sync"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/accounts/internal/projections"
)

// scopes remembers what units cover: to find it for a province takes milliseconds, and lists ask for it each time.
type scopes struct {
	units *units.Directory

	mu    sync.Mutex
	day   vn.Date
	known map[string][]string
}

// knownScopes bounds the memory; there are fewer units than that, and codes of units that are none are not kept.
const knownScopes = 4096

func newScopes(directory *units.Directory) *scopes {
	return &scopes{units: directory, known: map[string][]string{}}
}

// of returns the keys of all units that an officer of the unit with this code is responsible for. It is empty, never
// nil, for a code that means nothing on that day.
func (s *scopes) of(code string, on vn.Date) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.day != on || len(s.known) >= knownScopes {
		s.day = on
		clear(s.known)
	}
	if keys, found := s.known[code]; found {
		return keys
	}
	keys := []string{}
	for key := range s.units.Covered(code, on) {
		keys = append(keys, projections.UnitKey(unitOf(key)))
	}
	if len(keys) > 0 {
		s.known[code] = keys
	}
	return keys
}

func unitOf(key units.Key) events.Unit {
	return events.Unit{Code: key.Code, ValidFrom: key.ValidFrom.String()}
}

// everywhere tells whether somebody without a unit may read all of them. Whoever has one reads that one only.
func everywhere(who access.Principal) bool {
	return who.Unit == "" && who.Is(access.Steering, access.Auditor, access.Admin)
}

// scope is what a caller sees in a list, narrowed to the unit asked for. Nil is everything.
func (a *app) scope(who access.Principal, unit string) []string {
	on := vn.DateOf(a.now())
	if everywhere(who) {
		if unit == "" {
			return nil
		}
		return a.scopes.of(unit, on)
	}
	own := a.scopes.of(who.Unit, on)
	if unit == "" {
		return own
	}
	asked := a.scopes.of(unit, on)
	both := []string{}
	for _, key := range asked {
		if slices.Contains(own, key) {
			both = append(both, key)
		}
	}
	return both
}

// sees returns the test of whether a caller may know of something in a unit.
func (a *app) sees(who access.Principal) func(events.Unit) bool {
	on := vn.DateOf(a.now())
	return func(unit events.Unit) bool {
		if everywhere(who) {
			return true
		}
		from, err := vn.ParseDate(unit.ValidFrom)
		if err != nil {
			return false
		}
		return a.units.Covers(who.Unit, units.Key{Code: unit.Code, ValidFrom: from}, on)
	}
}

// readsPeople tells whether the caller's role may read names at all; of which unit is asked by [app.sees].
func readsPeople(who access.Principal) bool {
	return who.Is(access.LISAOfficer, access.Accountant, access.Approver)
}

// unitFor finds the unit that a code means today, and refuses one that is not the officer's own.
func (a *app) unitFor(code string, who access.Principal, on vn.Date, levels ...units.Level) (events.Unit, problem.Faults) {
	var faults problem.Faults
	unit, found := a.units.Find(code, on)
	switch {
	case !found || !slices.Contains(levels, unit.Level):
		faults.At("/unit", problem.Fault{
			Code: "unit_unknown", Message: "no unit has this code today", MessageVI: "hiện không có đơn vị hành chính nào mang mã này",
		})
	case !a.units.Covers(who.Unit, unit.Key, on):
		faults.At("/unit", problem.Fault{
			Code: "unit_not_yours", Message: "this is not your unit", MessageVI: "đây không phải địa bàn của đơn vị",
		})
	}
	return unitOf(unit.Key), faults
}
