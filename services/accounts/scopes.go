package accounts

import (
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/territory"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
)

func unitOf(key units.Key) events.Unit {
	return events.Unit{Code: key.Code, ValidFrom: key.ValidFrom.String()}
}

// sees returns the test of whether a caller may do what they ask for to something in a unit.
func sees(may policy.Pass) func(events.Unit) bool {
	return func(u events.Unit) bool { return may.May(policy.Thing{Unit: territory.Key(u.Code, u.ValidFrom)}) }
}

const readPeople = "accounts.read_people"

// readsPeople tells whether the caller may read the names of people in a unit, for what gets recorded.
func readsPeople(may policy.Pass, u events.Unit, why vault.Reading) bool {
	return may.Also(readPeople).May(policy.Thing{Unit: territory.Key(u.Code, u.ValidFrom), Purpose: why.Purpose, Case: why.Case})
}

// unitFor finds the unit that a code means today, and refuses one that is not the officer's own.
func (a *app) unitFor(code string, may policy.Pass, on vn.Date, levels ...units.Level) (events.Unit, problem.Faults) {
	var faults problem.Faults
	unit, found := a.units.Find(code, on)
	switch {
	case !found || !slices.Contains(levels, unit.Level):
		faults.At("/unit", problem.Fault{
			Code: "unit_unknown", Message: "no unit has this code today", MessageVI: "hiện không có đơn vị hành chính nào mang mã này",
		})
	case !may.May(policy.Thing{Unit: unit.Key}):
		faults.At("/unit", problem.Fault{
			Code: "unit_not_yours", Message: "this is not your unit", MessageVI: "đây không phải địa bàn của đơn vị",
		})
	}
	return unitOf(unit.Key), faults
}
