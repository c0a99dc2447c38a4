package projections

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
)

// Enrolment is one row of the table of enrolments.
type Enrolment struct {
	Enrolment     string `db:"enrolment,key"`
	Beneficiary   string `db:"beneficiary"`
	Mark          string `db:"mark"`
	UnitCode      string `db:"unit_code"`
	UnitValidFrom string `db:"unit_valid_from"`
	Programme     string `db:"programme"`
	Decision      string `db:"decision"`
	SignedOn      string `db:"signed_on"`
	// StartsFrom is the first month of the right.
	StartsFrom string `db:"starts_from"`
	// PaidUntil is the last month that was paid before this system; empty when none was.
	PaidUntil string `db:"paid_until"`
	// EnteredOn is the day on which the decision was entered.
	EnteredOn string `db:"entered_on"`
	// Position is where in the log that is: of two decisions of a day, which was entered first.
	Position    int64                    `db:"position"`
	Profile     string                   `db:"profile"`
	Suspensions []entitlement.Suspension `db:"suspensions,json"`
	// StoppedFrom is the first month without right; empty while it lasts.
	StoppedFrom string `db:"stopped_from"`
	// Died says that the right was stopped because the person died.
	Died bool `db:"died"`
}

// Void tells that an officer stopped the right from its first month on: it was entered by mistake, and what was entered with it is not
// so. A death says nothing about the entry, also one before that month.
func (e Enrolment) Void() bool {
	return e.StoppedFrom != "" && e.StoppedFrom <= e.StartsFrom && !e.Died
}

// Unit is where the right was granted.
func (e Enrolment) Unit() events.Unit { return unit(e.UnitCode, e.UnitValidFrom) }

// Enrolments is the read model of rights.
func Enrolments() *projection.Projection {
	return enrolments().Projection().Of(
		disbursement.Enrolled{}, disbursement.EnrolmentSuspended{}, disbursement.EnrolmentResumed{}, disbursement.EnrolmentStopped{},
	)
}

func enrolments() projection.Table[Enrolment] {
	return projection.Table[Enrolment]{
		Name: "enrolments_v1", DDL: enrolmentsDDL, Key: enrolmentKey, Apply: applyToEnrolment,
	}
}

const enrolmentsDDL = `
create table if not exists enrolments_v1 (
  enrolment       text primary key,
  beneficiary     text not null,
  mark            text not null,
  unit_code       text not null,
  unit_valid_from text not null,
  programme       text not null,
  decision        text not null,
  signed_on       text not null,
  starts_from     text not null,
  paid_until      text not null,
  entered_on      text not null,
  position        bigint not null,
  profile         text not null,
  suspensions     jsonb not null,
  stopped_from    text not null,
  died            boolean not null
);
create index if not exists enrolments_by_beneficiary_v1 on enrolments_v1 (beneficiary);
create index if not exists enrolments_by_mark_v1 on enrolments_v1 (mark);
create index if not exists enrolments_of_list_v1 on enrolments_v1 (programme, mark) include (unit_code, unit_valid_from);
create index if not exists enrolments_ended_v1 on enrolments_v1 (enrolment) where stopped_from <> '' or suspensions <> '[]';
`

func enrolmentKey(r events.Recorded) (string, bool) {
	return strings.CutPrefix(r.Stream, "enrolment-")
}

func applyToEnrolment(e Enrolment, r events.Recorded) Enrolment {
	switch f := r.Event.(type) {
	case disbursement.Enrolled:
		return Enrolment{
			Enrolment: f.Enrolment, Beneficiary: f.Beneficiary, Mark: f.Mark,
			UnitCode: f.Unit.Code, UnitValidFrom: f.Unit.ValidFrom, Programme: f.Programme,
			Decision: f.Decision, SignedOn: f.SignedOn, StartsFrom: enrolment.Start(f).String(), PaidUntil: f.PaidUntil,
			EnteredOn: vn.DateOf(r.Meta.OccurredAt).String(), Position: r.Position, Profile: f.Profile, Suspensions: []entitlement.Suspension{},
		}
	case disbursement.EnrolmentSuspended:
		e.Suspensions = enrolment.WithSuspension(e.Suspensions, f)
	case disbursement.EnrolmentResumed:
		e.Suspensions = enrolment.WithResumption(e.Suspensions, f)
	case disbursement.EnrolmentStopped:
		e.StoppedFrom, e.Died = f.FromMonth, f.Note == ""
	}
	return e
}

const enrolmentColumns = `enrolment, beneficiary, mark, unit_code, unit_valid_from, programme, decision, signed_on,
  starts_from, paid_until, entered_on, position, profile, suspensions, stopped_from, died`

// EnrolmentFilter narrows a list of enrolments.
type EnrolmentFilter struct {
	Scope                  Scope
	Beneficiary, Programme string
	After                  string
	Limit                  int
}

const listEnrolments = `
select ` + enrolmentColumns + `
  from enrolments
 where ` + inScope + `
   and ($3 = '' or beneficiary = $3)
   and ($4 = '' or programme = $4)
   and enrolment > $5
 order by enrolment
 limit $6`

// ListEnrolments lists enrolments by their ids.
func ListEnrolments(ctx context.Context, pool *pgxpool.Pool, f EnrolmentFilter) ([]Enrolment, error) {
	rows, err := pool.Query(ctx, listEnrolments, f.Scope.Codes, f.Scope.ValidFrom, f.Beneficiary, f.Programme, f.After, f.Limit)
	return collect[Enrolment](rows, err, "list enrolments")
}

// EnrolmentsOf reads every enrolment of the people with these marks, in all programmes and units, as they were entered.
func EnrolmentsOf(ctx context.Context, pool *pgxpool.Pool, marks []string) ([]Enrolment, error) {
	rows, err := pool.Query(ctx, `select `+enrolmentColumns+` from enrolments where mark = any($1) order by mark, position`, marks)
	return collect[Enrolment](rows, err, "read enrolments")
}

// EnrolmentsOfBeneficiary reads every enrolment of the person whose file this is, also under their other files, and if this one has
// none.
func EnrolmentsOfBeneficiary(ctx context.Context, pool *pgxpool.Pool, beneficiary string) ([]Enrolment, error) {
	rows, err := pool.Query(ctx, `select `+enrolmentColumns+` from enrolments
 where mark in (select mark from beneficiaries where beneficiary = $1 union select mark from enrolments where beneficiary = $1)
 order by enrolment`, beneficiary)
	return collect[Enrolment](rows, err, "read enrolments of a beneficiary")
}

const peopleOfList = `
select distinct mark
  from enrolments
 where ` + inScope + ` and programme = $3 and mark > $4
 order by mark
 limit $5`

// PeopleOfList returns the marks of the next people who were ever enrolled in a programme in the units of a list.
func PeopleOfList(ctx context.Context, pool *pgxpool.Pool, l ListOfPeople) ([]string, error) {
	type row struct{ Mark string }
	rows, err := pool.Query(ctx, peopleOfList, l.Scope.Codes, l.Scope.ValidFrom, l.Programme, l.After, l.Limit)
	found, err := collect[row](rows, err, "read the people of a list")
	marks := make([]string, len(found))
	for i, r := range found {
		marks[i] = r.Mark
	}
	return marks, err
}

// ListOfPeople says whose turn it is.
type ListOfPeople struct {
	Scope     Scope
	Programme string
	// After is the mark of the last person before.
	After string
	Limit int
}
