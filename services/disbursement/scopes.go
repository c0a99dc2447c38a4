package disbursement

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// Who sees what: an officer their unit and what it became or contains, by the units of today; auditors and the steering
// committee, who have no unit, everything that their role may ask for.

// scope is what a caller sees of a unit, or of all that is theirs when none is named.
func (a *app) scope(who access.Principal, unit string) projections.Scope {
	today := vn.DateOf(a.now())
	everywhere := who.Unit == "" && !local(who.Role)
	if unit == "" && everywhere {
		return projections.Scope{}
	}
	if unit == "" {
		unit = who.Unit
	}
	scope := projections.Scope{Codes: []string{}, ValidFrom: []string{}}
	for key := range a.units.Covered(unit, today) {
		if everywhere || who.Unit != "" && (unit == who.Unit || a.units.Covers(who.Unit, key, today)) {
			scope.Add(key.Code, key.ValidFrom.String())
		}
	}
	return scope
}

// mine tells whether a caller may know of something in a unit. An officer without a unit may know nothing; auditors and
// the steering committee, who have none, everything that their role may ask for.
func (a *app) mine(who access.Principal, u events.Unit) bool {
	if who.Unit == "" {
		return !local(who.Role)
	}
	from, err := vn.ParseDate(u.ValidFrom)
	return err == nil && a.units.Covers(who.Unit, units.Key{Code: u.Code, ValidFrom: from}, vn.DateOf(a.now()))
}

// within tells whether the caller's unit lies in another one.
func (a *app) within(who access.Principal, u events.Unit) bool {
	inner := access.Principal{Role: who.Role, Unit: u.Code}
	own := a.scope(who, "")
	for i, code := range own.Codes {
		if a.mine(inner, events.Unit{Code: code, ValidFrom: own.ValidFrom[i]}) {
			return true
		}
	}
	return false
}

// local tells whether somebody with this role works for a unit, and sees and does nothing beyond it.
func local(role access.Role) bool {
	return role != access.Auditor && role != access.Steering
}
