package disbursement_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stopped ends a right from November on, as an officer does who corrects a decision.
func (o *office) stopped(t *testing.T, right string) {
	t.Helper()
	o.Post(t, "lisa", "/enrolments/"+right+"/stop", "stop-"+right, object{"from_month": "2026-11", "reason": "nhập lại"}).Want(t, http.StatusOK)
}

// rejectedAndClosed has the bank reject everything of a released list, and closes it.
func (o *office) rejectedAndClosed(t *testing.T, g *gateway, list string, of ...string) {
	t.Helper()
	for id, p := range o.payments(t, list) {
		g.tell(t, p, "sent", "RJCT AC04")
		o.becomes(t, list, id, "rejected")
	}
	if diff := cmp.Diff(closure{CarriedForward: len(of), Carried: int64(len(of)) * amount}, o.closed(t, list)); diff != "" {
		t.Fatal(diff)
	}
}

// November is rejected and carried. Then the decision is corrected from November on: the new one pays the whole month, once.
func TestAMonthThatWasCarriedIsPaidByTheDecisionThatReplacedItsOwn(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 2)
	o.rejectedAndClosed(t, g, o.released(t, 2), "b0", "b1")
	o.stopped(t, rights["b0"])
	o.enrol(t, "lisa", decision("b0", "social_assistance", "c6_severe", "2026-11-02"))
	// A suspension can be taken back, and what was carried is paid then.
	o.Post(t, "lisa", "/enrolments/"+rights["b1"]+"/suspension", "suspend", object{"from_month": "2026-11", "reason": "x"}).Want(t, http.StatusOK)
	o.enrol(t, "lisa", decision("b1", "social_assistance", "c6_severe", "2026-11-02"))
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-11 arrears 1080000 account", "b0 2026-12 regular 1080000 account",
		"b1 2026-11 arrears 270000 account", "b1 2026-12 regular 1080000 account")
	o.pays(t, g, december, 4)
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2027-01 regular 1080000 account", "b1 2027-01 regular 1080000 account")
	o.wantSignals(t, january)
	o.audited(t, g)
}

// November is carried, and December's list takes it over, when its decision is corrected. As long as that list may pay it, no other does.
func TestACarriedMonthIsNotPaidAnewWhileAListTakesItOver(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 1)
	o.rejectedAndClosed(t, g, o.released(t, 1), "b0")
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.stopped(t, rights["b0"])
	o.enrol(t, "lisa", decision("b0", "social_assistance", "c6_severe", "2026-11-02"))
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2026-11 arrears 270000 account", "b0 2026-12 arrears 270000 account", "b0 2027-01 regular 1080000 account")
	for _, list := range []string{december, january} {
		o.step(t, "lisa", list, "rejection", object{"reason": "x"}).Want(t, http.StatusOK)
	}
	o.draft(t, "lisa", "00004", "social_assistance", "2027-01")
	o.wantLines(t, "lisa", january, "b0 2026-11 arrears 1080000 account", "b0 2026-12 arrears 1080000 account", "b0 2027-01 regular 1080000 account")
	o.pays(t, g, january, 3)
	o.audited(t, g)
}

// November was carried over two lists and reached nobody.
func TestAMonthThatWasCarriedTwiceIsPaidByTheDecisionThatReplacedItsOwn(t *testing.T) {
	t.Parallel()
	o, g, _, december := takenOver(t)
	right := o.rightOf(t, "b0")
	g.tell(t, december, "sent", "RJCT AC04")
	o.stands(t, december, "rejected")
	for _, p := range o.others(t, december, 2) {
		g.tell(t, p, "sent", "ACCC FT-"+p.ID[:6])
		o.stands(t, p, "credited")
	}
	if diff := cmp.Diff(closure{CarriedForward: 1, Carried: amount}, o.closed(t, december.Payroll)); diff != "" {
		t.Fatal(diff)
	}
	o.stopped(t, right)
	o.enrol(t, "lisa", decision("b0", "social_assistance", "c6_severe", "2026-11-02"))
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2026-11 arrears 1080000 account", "b0 2026-12 arrears 270000 account", "b0 2027-01 regular 1080000 account",
		"b1 2027-01 regular 810000 account")
	o.audited(t, g)
}

// A higher pension is decided for a month that the assistance's list has carried. The officer stops the assistance from that month on,
// and the whole month is paid.
func TestAMonthThatAnotherProgrammeCarriedIsPaidOnceItsRightIsStopped(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	o.someone(t, "b1", unit, vietcombank)
	o.people.know(profile{Beneficiary: "b1", Unit: unit, Mark: "mb1", BirthDate: "1940-03-10"})
	assistance := o.enrol(t, "lisa", decision("b1", "social_assistance", "c5c", "2026-11-02"))
	o.seen(t, `state = 'open'`)
	november := o.released(t, 1)
	g.tell(t, o.payments(t, november)["b1"], "sent", "RJCT AC04")
	o.becomes(t, november, "b1", "rejected")
	o.closed(t, november)
	o.enrol(t, "lisa", decision("b1", "social_pension", "social_pension", "2026-11-20"))
	pensions := o.draft(t, "lisa", "00004", "social_pension", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", pensions, "b1 2026-11 arrears 650000 account held paid_by_other_programme", "b1 2026-12 regular 650000 account")
	o.stopped(t, assistance)
	o.step(t, "lisa", pensions, "rejection", object{"reason": "x"}).Want(t, http.StatusOK)
	o.draft(t, "lisa", "00004", "social_pension", "2026-12")
	o.wantLines(t, "lisa", pensions, "b1 2026-11 arrears 650000 account", "b1 2026-12 regular 650000 account")
	o.pays(t, g, pensions, 2)
	o.audited(t, g)
}

// The carried line was made of two rights, and one of them is stopped: what the other grants is owed still.
func TestTheRestOfACarriedMonthIsPaidWhenOneOfItsRightsIsStopped(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	o.someone(t, "b1", unit, vietcombank)
	children := decision("b1", "social_assistance", "c4", "2026-11-02")
	children["facts"] = object{"children": 1}
	o.enrol(t, "lisa", children)
	severe := decision("b1", "social_assistance", "c6_severe", "2026-11-02")
	severe["decision"] = object{"number": "13/QĐ-UBND", "signed_on": "2026-11-02"}
	right := o.enrol(t, "lisa", severe)
	o.seen(t, `state = 'open'`)
	november := o.released(t, 1)
	g.tell(t, o.payments(t, november)["b1"], "sent", "RJCT AC04")
	o.becomes(t, november, "b1", "rejected")
	o.closed(t, november)
	o.stopped(t, right)
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b1 2026-11 arrears 540000 account", "b1 2026-12 regular 540000 account")
	o.pays(t, g, december, 2)
	o.audited(t, g)
}

// The bank says that it credited November after all, when the new decision has paid it: the person has it twice, and that is said.
func TestWhatIsCreditedAfterItsMonthWasPaidAnewIsFound(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 1)
	november := o.released(t, 1)
	first := o.payments(t, november)["b0"]
	o.rejectedAndClosed(t, g, november, "b0")
	o.stopped(t, rights["b0"])
	o.enrol(t, "lisa", decision("b0", "social_assistance", "c6_severe", "2026-11-02"))
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.pays(t, g, december, 2)
	o.audited(t, g)
	g.tell(t, first, "contradictory ACCC FT0")
	o.contests(t, first, true)
	if found := o.violated(t, g); len(found["I9"]) != 1 || len(found) != 1 {
		t.Errorf("the audit finds %v", found)
	}
	o.Clock.Advance(30 * 24 * time.Hour)
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantSignals(t, january, signal{Code: "overpaid", Beneficiary: "b0", Month: "2026-11", Amount: amount})
	g.tell(t, first, "contradictory RTND AC04")
	o.contests(t, first, false)
	o.audited(t, g)
}

// rightOf is the only right of somebody.
func (o *office) rightOf(t *testing.T, beneficiary string) (id string) {
	t.Helper()
	if err := o.Pool.QueryRow(t.Context(), `select enrolment from enrolments where beneficiary = $1`, beneficiary).Scan(&id); err != nil {
		t.Fatal(fmt.Errorf("right of %s: %w", beneficiary, err))
	}
	return id
}
