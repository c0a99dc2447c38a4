package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/territory"
)

// Facility is one row of the table of facilities.
type Facility struct {
	Facility      string `db:"facility,key"`
	Kind          string `db:"kind"`
	UnitCode      string `db:"unit_code"`
	UnitValidFrom string `db:"unit_valid_from"`
	Remote        bool   `db:"remote"`
	Organisation  bool   `db:"organisation"`
	Profile       string `db:"profile"`
	Suspended     bool   `db:"suspended"`
}

// Facilities is the read model of facilities.
func Facilities() *projection.Projection {
	return projection.Table[Facility]{
		Name: "facilities_v1", DDL: facilitiesDDL, Key: facilityKey, Apply: applyToFacility,
	}.Projection()
}

const facilitiesDDL = `
create table if not exists facilities_v1 (
  facility        text primary key,
  kind            text not null,
  unit_code       text not null,
  unit_valid_from text not null,
  remote          boolean not null,
  organisation    boolean not null,
  profile         text not null,
  suspended       boolean not null
);
create index if not exists facilities_by_unit_v1 on facilities_v1 (unit_code, unit_valid_from, facility);
`

func facilityKey(r events.Recorded) (string, bool) {
	switch e := r.Event.(type) {
	case accommodation.FacilityRegistered:
		return e.Facility, true
	case accommodation.FacilitySuspended:
		return e.Facility, true
	case accommodation.FacilityReinstated:
		return e.Facility, true
	default:
		return "", false
	}
}

func applyToFacility(f Facility, r events.Recorded) Facility {
	switch e := r.Event.(type) {
	case accommodation.FacilityRegistered:
		return Facility{
			Facility: e.Facility, Kind: e.Kind, UnitCode: e.Unit.Code, UnitValidFrom: e.Unit.ValidFrom,
			Remote: e.Remote, Organisation: e.Organisation, Profile: e.Profile,
		}
	case accommodation.FacilitySuspended:
		f.Suspended = true
	case accommodation.FacilityReinstated:
		f.Suspended = false
	default:
		panic(decider.Unknown(e))
	}
	return f
}

const listFacilities = `
select facility, kind, unit_code, unit_valid_from, remote, organisation, profile, suspended
  from facilities
 where ` + territory.In + `
   and ($3 = '' or facility = $3)
   and ($4 = '' or kind = $4)
   and facility > $5
 order by facility
 limit $6`

// FacilityFilter narrows a list of facilities. Empty fields do not narrow.
type FacilityFilter struct {
	Scope Scope
	Kind  string
	// After is the id at which the page before ended.
	After string
	Limit int
}

// ListFacilities lists facilities by id.
func ListFacilities(ctx context.Context, pool *pgxpool.Pool, f FacilityFilter) ([]Facility, error) {
	rows, err := pool.Query(ctx, listFacilities,
		f.Scope.Codes, f.Scope.ValidFrom, f.Scope.Facility, f.Kind, f.After, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list facilities: %w", err)
	}
	facilities, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Facility])
	if err != nil {
		return nil, fmt.Errorf("list facilities: %w", err)
	}
	return facilities, nil
}
