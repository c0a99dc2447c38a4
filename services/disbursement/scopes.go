package disbursement

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/territory"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// thing is what policies are asked about: something of a unit.
func thing(u events.Unit) policy.Thing {
	return policy.Thing{Unit: territory.Key(u.Code, u.ValidFrom)}
}

// scope is what a caller sees of a unit, or of all that is theirs when none is named.
func scope(may policy.Pass, unit string) projections.Scope {
	codes, validFrom := may.In(unit).Units.Columns()
	return projections.Scope{Codes: codes, ValidFrom: validFrom}
}
