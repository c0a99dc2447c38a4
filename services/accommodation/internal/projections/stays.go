// Package projections keeps the read models of the accommodation service: what officers and front desks
// list, count and search. Rows hold references to people, never people.
package projections

import (
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accommodation/internal/notice"
)

// Stay is one row of the table of stays: the state of a notice, with what lists filter and sort by.
type Stay struct {
	Notice            string               `db:"notice,key"`
	Receipt           string               `db:"receipt"`
	Facility          string               `db:"facility"`
	FacilityKind      string               `db:"facility_kind"`
	UnitCode          string               `db:"unit_code"`
	UnitValidFrom     string               `db:"unit_valid_from"`
	Guest             string               `db:"guest"`
	Nationality       string               `db:"nationality"`
	DocumentType      string               `db:"document_type"`
	ArrivedAt         time.Time            `db:"arrived_at"`
	ArrivedOn         string               `db:"arrived_on"`
	NotifiedAt        time.Time            `db:"notified_at"`
	ExpectedDeparture string               `db:"expected_departure"`
	Room              string               `db:"room"`
	Reason            string               `db:"reason"`
	AccompaniedBy     string               `db:"accompanied_by"`
	Group             string               `db:"group_name"`
	Duties            []accommodation.Duty `db:"duties,json"`
	Warnings          []string             `db:"warnings"`
	Late              bool                 `db:"late"`
	Status            string               `db:"status"`
	DepartedAt        time.Time            `db:"departed_at,null"`
	Identity          string               `db:"identity"`
	IdentityFields    []string             `db:"identity_fields"`
}

// Stays is the read model of stays.
func Stays() *projection.Projection {
	return projection.Table[Stay]{Name: "stays_v1", DDL: staysDDL, Key: stayKey, Apply: applyToStay}.Projection()
}

const staysDDL = `
create table if not exists stays_v1 (
  notice             text primary key,
  receipt            text not null,
  facility           text not null,
  facility_kind      text not null,
  unit_code          text not null,
  unit_valid_from    text not null,
  guest              text not null,
  nationality        text not null,
  document_type      text not null,
  arrived_at         timestamptz not null,
  arrived_on         text not null,
  notified_at        timestamptz not null,
  expected_departure text not null,
  room               text not null,
  reason             text not null,
  accompanied_by     text not null,
  group_name         text not null,
  duties             jsonb not null,
  warnings           text[],
  late               boolean not null,
  status             text not null,
  departed_at        timestamptz,
  identity           text not null,
  identity_fields    text[]
);
create index if not exists stays_by_facility_v1 on stays_v1 (facility, arrived_at desc, notice desc);
create index if not exists stays_by_unit_v1 on stays_v1 (unit_code, unit_valid_from, arrived_at desc, notice desc);
create index if not exists stays_by_guest_v1 on stays_v1 (guest);
`

// stayKey names the row that a fact concerns.
func stayKey(r events.Recorded) (string, bool) {
	switch e := r.Event.(type) {
	case accommodation.StayNotified:
		return e.Notice, true
	case accommodation.Departed:
		return e.Notice, true
	case accommodation.StayExtended:
		return e.Notice, true
	case accommodation.RoomChanged:
		return e.Notice, true
	case accommodation.GuestCorrected:
		return e.Notice, true
	case accommodation.StayCancelled:
		return e.Notice, true
	case accommodation.IdentityRecorded:
		return e.Notice, true
	default:
		return "", false
	}
}

// applyToStay folds a fact into its row.
func applyToStay(s Stay, r events.Recorded) Stay {
	switch e := r.Event.(type) {
	case accommodation.StayNotified:
		return newStay(e)
	case accommodation.Departed:
		s.Status, s.DepartedAt = notice.Gone, e.DepartedAt
		s.Warnings = notice.WithLength(s.Warnings, s.ArrivedAt, s.ExpectedDeparture, e.DepartedAt)
	case accommodation.StayExtended:
		s.ExpectedDeparture, s.Warnings = e.ExpectedDeparture, e.Warnings
	case accommodation.RoomChanged:
		s.Room = e.Room
	case accommodation.GuestCorrected:
		s.Guest, s.Nationality, s.DocumentType = e.Guest, e.Nationality, e.DocumentType
		s.Duties, s.Warnings, s.Late = e.Duties, e.Warnings, late(e.Duties)
		s.Identity, s.IdentityFields = notice.Pending, nil
	case accommodation.StayCancelled:
		s.Status = notice.Cancelled
	case accommodation.IdentityRecorded:
		s.Identity, s.IdentityFields = e.Result, e.Fields
	default:
		panic(decider.Unknown(e))
	}
	return s
}

func newStay(e accommodation.StayNotified) Stay {
	return Stay{
		Notice: e.Notice, Receipt: e.Receipt, Facility: e.Facility, FacilityKind: e.FacilityKind,
		UnitCode: e.Unit.Code, UnitValidFrom: e.Unit.ValidFrom,
		Guest: e.Guest, Nationality: e.Nationality, DocumentType: e.DocumentType,
		ArrivedAt: e.ArrivedAt, ArrivedOn: e.ArrivedAt.In(vn.Zone).Format(time.DateOnly), NotifiedAt: e.NotifiedAt,
		ExpectedDeparture: e.ExpectedDeparture, Room: e.Room, Reason: e.Reason,
		AccompaniedBy: e.AccompaniedBy, Group: e.Group,
		Duties: e.Duties, Warnings: e.Warnings, Late: late(e.Duties),
		Status: notice.Notified, Identity: notice.Pending,
	}
}

// late tells whether any duty was fulfilled too late.
func late(duties []accommodation.Duty) bool {
	for _, d := range duties {
		if d.LateBySeconds > 0 {
			return true
		}
	}
	return false
}
