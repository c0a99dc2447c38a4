package enrolment_test

import (
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

type facts = []events.Event

func TestEveryFactHasACase(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[enrolment.Enrolment](t, disbursement.EnrolmentFacts())
}

func TestEnrolment(t *testing.T) {
	t.Parallel()
	granted := disbursement.Enrolled{
		Enrolment: "E1", Beneficiary: "B1", Mark: "M1", Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"},
		Programme: "social_pension", Decision: "12", SignedOn: "2026-06-30", Profile: "V1", By: "lan",
	}
	suspended := disbursement.EnrolmentSuspended{Enrolment: "E1", FromMonth: "2026-09", Note: "V2", By: "lan"}
	resumed := disbursement.EnrolmentResumed{Enrolment: "E1", FromMonth: "2026-11", By: "lan"}
	stopped := disbursement.EnrolmentStopped{Enrolment: "E1", FromMonth: "2026-12", Note: "V3", By: "lan"}
	died := func(from string) facts {
		return facts{disbursement.EnrolmentStopped{Enrolment: "E1", FromMonth: from, By: "service:disbursement"}}
	}
	die := func(day string) enrolment.Die {
		on, err := vn.ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		return enrolment.Die{DiedOn: on, By: "service:disbursement"}
	}
	var known problem.Faults
	known.At("/category", problem.Fault{Code: "category_unknown"})
	suspend := func(from string) enrolment.Suspend {
		return enrolment.Suspend{From: month.Must(from), Note: "V2", By: "lan"}
	}
	resume := func(from string) enrolment.Resume {
		return enrolment.Resume{From: month.Must(from), Limit: 3, By: "lan"}
	}
	stop := func(from string) enrolment.Stop { return enrolment.Stop{From: month.Must(from), Note: "V3", By: "lan"} }

	decidertest.Run(t, []decidertest.Case[enrolment.Enrolment]{
		{Name: "a decision grants a programme", When: enrolment.Enrol{Grant: granted}, Then: facts{granted}},
		{Name: "a decision is entered once", Given: facts{granted}, When: enrolment.Enrol{Grant: granted}, Problem: "enrolment_exists"},
		{Name: "known faults are told", When: enrolment.Enrol{Grant: granted, Known: known}, Problem: "invalid_body"},
		{Name: "a right is suspended", Given: facts{granted}, When: suspend("2026-09"), Then: facts{suspended}},
		{Name: "a suspended right is not suspended again", Given: facts{granted, suspended}, When: suspend("2026-10"), Problem: "enrolment_suspended"},
		{Name: "nothing is suspended before the right", Given: facts{granted}, When: suspend("2026-05"), Problem: "invalid_body"},
		{Name: "nothing is suspended years ahead", Given: facts{granted}, When: suspend("2027-12"), Problem: "invalid_body"},
		{Name: "a right is resumed in time", Given: facts{granted, suspended}, When: resume("2026-11"), Then: facts{resumed}},
		{Name: "a suspension that lasted too long ended the right", Given: facts{granted, suspended}, When: resume("2027-01"), Problem: "invalid_body"},
		{Name: "a right is not resumed before the suspension", Given: facts{granted, suspended}, When: resume("2026-08"), Problem: "invalid_body"},
		{Name: "what is not suspended is not resumed", Given: facts{granted}, When: resume("2026-11"), Problem: "enrolment_not_suspended"},
		{Name: "a second suspension begins after the first", Given: facts{granted, suspended, resumed}, When: suspend("2026-10"), Problem: "invalid_body"},
		{Name: "a right is stopped", Given: facts{granted}, When: stop("2026-12"), Then: facts{stopped}},
		{Name: "a stop is not moved to a later month", Given: facts{granted, stopped}, When: stop("2027-01"), Problem: "enrolment_stopped"},
		{
			Name: "a stop is moved to an earlier month", Given: facts{granted, stopped}, When: stop("2026-10"),
			Then: facts{disbursement.EnrolmentStopped{Enrolment: "E1", FromMonth: "2026-10", Note: "V3", By: "lan"}},
		},
		{
			Name: "an officer's stop takes the place of a death's", Given: append(facts{granted}, died("2026-06")...), When: stop("2026-06"),
			Then: facts{disbursement.EnrolmentStopped{Enrolment: "E1", FromMonth: "2026-06", Note: "V3", By: "lan"}},
		},
		{
			Name: "and not of a later month", Given: append(facts{granted}, died("2026-06")...), When: stop("2026-07"), Problem: "enrolment_stopped",
		},
		{Name: "an officer's own stop is not repeated", Given: facts{granted, stopped}, When: stop("2026-12"), Problem: "enrolment_stopped"},
		{Name: "a stopped right is not suspended", Given: facts{granted, stopped}, When: suspend("2026-09"), Problem: "enrolment_stopped"},
		{Name: "who dies on the last day of October has October", Given: facts{granted}, When: die("2026-10-31"), Then: died("2026-11")},
		{Name: "who dies on the first of November has November", Given: facts{granted}, When: die("2026-11-01"), Then: died("2026-12")},
		{Name: "who died before the right never had it", Given: facts{granted}, When: die("2026-03-01"), Then: died("2026-06")},
		{Name: "a death after the stop changes nothing", Given: facts{granted, stopped}, When: die("2026-12-24")},
		{Name: "nobody dies who is not enrolled", When: die("2026-12-24")},
		{Name: "an unknown right is not stopped", When: stop("2026-12"), Problem: "enrolment_unknown"},
		{Name: "an unknown right is not suspended", When: suspend("2026-12"), Problem: "enrolment_unknown"},
	})
}

func TestARightBeginsWithItsSignature(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ signed, starts, want string }{
		{"2026-06-30", "", "2026-06"}, {"2026-07-01", "", "2026-07"}, {"2026-06-30", "2026-07", "2026-07"}, {"", "", ""},
	} {
		if got := enrolment.Start(disbursement.Enrolled{SignedOn: c.signed, StartsFrom: c.starts}).String(); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}
