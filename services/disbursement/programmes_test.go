package disbursement_test

import (
	"net/http"
	"testing"
)

// Only the highest right counts, in other programmes too: what another programme's list has paid for a month is not paid beside it.
// The line waits for an officer, who ends the other right from that month on, or leaves it.
func TestAMonthThatAnotherProgrammePaysIsHeld(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	o.someone(t, "b1", unit, vietcombank)
	pension := o.enrol(t, "lisa", decision("b1", "social_pension", "social_pension", "2026-11-02"))
	o.seen(t, `state = 'open'`)
	pensions := o.draft(t, "lisa", "00004", "social_pension", "2026-11").Text(t, "id")
	o.wantLines(t, "lisa", pensions, "b1 2026-11 regular 650000 account")

	o.enrol(t, "lisa", decision("b1", "social_assistance", "c6_severe", "2026-11-20"))
	held := "b1 2026-11 regular 1080000 account held paid_by_other_programme"
	assistance := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.wantLines(t, "lisa", assistance, held)
	var p page
	o.Get(t, "lisa", "/payrolls/"+assistance+"/lines", "").Into(t, &p)
	var line struct {
		Proof struct {
			Entitlement     struct{ Amount int64 }
			OtherProgrammes int64 `json:"other_programmes"`
		}
	}
	o.Get(t, "lisa", "/payrolls/"+assistance+"/lines/"+p.Items[0].ID, "").Into(t, &line)
	if line.Proof.Entitlement.Amount != 1_080_000 || line.Proof.OtherProgrammes != 650_000 {
		t.Errorf("the proof says %+v", line)
	}
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b1 2026-11 arrears 1080000 account held paid_by_other_programme", "b1 2026-12 regular 1080000 account")

	o.approved(t, pensions, "")
	o.Post(t, "lisa", "/enrolments/"+pension+"/stop", "stop", object{"from_month": "2026-11", "reason": "x"}).Want(t, http.StatusOK)
	o.wantLines(t, "lisa", pensions, "b1 2026-11 regular 650000 account removed:stopped")
	for _, again := range []struct{ list, month, want string }{
		{assistance, "2026-11", "b1 2026-11 regular 1080000 account"},
		{december, "2026-12", "b1 2026-12 regular 1080000 account"},
	} {
		o.step(t, "lisa", again.list, "rejection", object{"reason": "x"}).Want(t, http.StatusOK)
		o.draft(t, "lisa", "00004", "social_assistance", again.month)
		o.wantLines(t, "lisa", again.list, again.want)
	}
	o.pays(t, g, assistance, 1)
	o.audited(t, g)
}

// The other way round: the assistance was paid, and then the higher pension was decided.
func TestAMonthThatAnotherProgrammeHasPaidIsHeld(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	o.someone(t, "b1", unit, vietcombank)
	o.people.know(profile{Beneficiary: "b1", Unit: unit, Mark: "mb1", BirthDate: "1940-03-10"})
	o.enrol(t, "lisa", decision("b1", "social_assistance", "c5c", "2026-11-02"))
	o.seen(t, `state = 'open'`)
	assistance := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.wantLines(t, "lisa", assistance, "b1 2026-11 regular 540000 account")
	o.pays(t, g, assistance, 1)

	o.enrol(t, "lisa", decision("b1", "social_pension", "social_pension", "2026-11-20"))
	pensions := o.draft(t, "lisa", "00004", "social_pension", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", pensions, "b1 2026-11 arrears 650000 account held paid_by_other_programme", "b1 2026-12 regular 650000 account")
	o.audited(t, g)
}
