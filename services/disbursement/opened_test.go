package disbursement_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/testkit"
)

// paymentFor is the payment of a list for one month of its only person.
func (o *office) paymentFor(t *testing.T, list, month string) (p paid) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var id string
		err := o.Pool.QueryRow(t.Context(), `select payment from payments where payroll = $1 and month = $2`, list, month).Scan(&id)
		if err == nil {
			o.Get(t, "treasurer", "/payments/"+id, "").Into(t, &p)
		}
		return err
	})
	return p
}

// openedAnew is somebody whose November was rejected and carried, and whose decision was then corrected; December's list has it anew.
func openedAnew(t *testing.T) (o *office, g *gateway, first paid, december string) {
	t.Helper()
	o, g, rights := everybody(t, 1)
	november := o.released(t, 1)
	first = o.payments(t, november)["b0"]
	o.rejectedAndClosed(t, g, november, "b0")
	o.stopped(t, rights["b0"])
	o.enrol(t, "lisa", decision("b0", "social_assistance", "c6_severe", "2026-11-02"))
	december = o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, december, "")
	o.funded(t, december, "")
	return o, g, first, december
}

// The bank says that it credited November after all, when the list that pays it anew is approved and funded: the person has the month.
// The next list pays what is owed beyond that, and the rest once the bank has taken November back.
func TestAMonthIsNotPaidAnewOnceABankSaysThatItPaidIt(t *testing.T) {
	t.Parallel()
	o, g, first, december := openedAnew(t)
	g.tell(t, first, "contradictory ACCC FT0")
	o.contests(t, first, true)
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	o.wantLines(t, "lisa", december, "b0 2026-11 arrears 1080000 account removed:already_paid", "b0 2026-12 regular 1080000 account")
	g.tell(t, o.paymentFor(t, december, "2026-12"), "sent", "ACCC FT1")
	o.becomes(t, december, "b0", "credited")
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2026-11 arrears 270000 account", "b0 2027-01 regular 1080000 account")
	o.pays(t, g, january, 2)
	g.tell(t, first, "contradictory RTND AC04")
	o.contests(t, first, false)
	o.Clock.Advance(30 * 24 * time.Hour)
	february := o.draft(t, "lisa", "00004", "social_assistance", "2027-02").Text(t, "id")
	o.wantLines(t, "lisa", february, "b0 2026-11 arrears 810000 account", "b0 2027-02 regular 1080000 account")
	o.pays(t, g, february, 2)
	o.audited(t, g)
}

// The bank says so when the payment waits to be sent: it is withdrawn, is not made again, and goes back to the treasury.
func TestWhatIsPaidAnewIsWithdrawnOnceABankSaysThatItPaidIt(t *testing.T) {
	t.Parallel()
	o, g, first, december := openedAnew(t)
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	anew := o.paymentFor(t, december, "2026-11")
	g.tell(t, o.paymentFor(t, december, "2026-12"), "sent", "ACCC FT1")
	g.tell(t, first, "contradictory ACCC FT0")
	g.withdraws(t, o, anew, "already_paid")
	anew = o.stands(t, anew, "recalled")
	o.refuse(t, anew, "reissue", object{}, "origin_contested")
	o.refuse(t, anew, "cash", object{}, "origin_contested")
	o.audited(t, g)
	o.change(t, anew, "refund", object{}, "refunded")
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2026-11 arrears 270000 account", "b0 2027-01 regular 1080000 account")
	o.audited(t, g)
}

// What was paid anew reached nobody either, and was carried. Then the bank says that it credited November: no list takes it over.
func TestWhatWasPaidAnewIsNotTakenOverOnceABankSaysThatItPaidIt(t *testing.T) {
	t.Parallel()
	o, g, first, december := openedAnew(t)
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	anew := o.paymentFor(t, december, "2026-11")
	g.tell(t, o.paymentFor(t, december, "2026-12"), "sent", "ACCC FT1")
	g.tell(t, anew, "sent", "RJCT AC04")
	o.stands(t, anew, "rejected")
	if diff := cmp.Diff(closure{CarriedForward: 1, Carried: 1_080_000}, o.closed(t, december)); diff != "" {
		t.Fatal(diff)
	}
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2026-11 carried_forward 1080000 account", "b0 2027-01 regular 1080000 account")
	o.approved(t, january, "")
	o.funded(t, january, "")
	g.tell(t, first, "contradictory ACCC FT0")
	o.contests(t, first, true)
	o.step(t, "treasurer", january, "release", object{}).Want(t, http.StatusOK)
	o.wantLines(t, "lisa", january, "b0 2026-11 carried_forward 1080000 account removed:already_paid", "b0 2027-01 regular 1080000 account")
	o.audited(t, g)
	o.Clock.Advance(30 * 24 * time.Hour)
	february := o.draft(t, "lisa", "00004", "social_assistance", "2027-02").Text(t, "id")
	o.wantLines(t, "lisa", february, "b0 2027-02 regular 1080000 account")
	g.tell(t, first, "contradictory RTND AC04")
	o.contests(t, first, false)
	o.step(t, "lisa", february, "rejection", object{"reason": "x"}).Want(t, http.StatusOK)
	o.draft(t, "lisa", "00004", "social_assistance", "2027-02")
	o.wantLines(t, "lisa", february, "b0 2026-11 carried_forward 1080000 account", "b0 2027-02 regular 1080000 account")
	o.audited(t, g)
}

// November came back and was refunded, because the right was suspended; then the suspension was taken back, and December's list has it
// again. The bank says that it credited the refunded one.
func TestWhatWasRefundedIsNotPaidAgainOnceABankSaysThatItPaidIt(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 1)
	november := o.released(t, 1)
	first := o.payments(t, november)["b0"]
	g.tell(t, first, "sent", "ACCC FT0", "RTND AC04")
	o.becomes(t, november, "b0", "returned")
	o.Post(t, "lisa", "/enrolments/"+rights["b0"]+"/suspension", "suspend", object{"from_month": "2026-11", "reason": "x"}).Want(t, http.StatusOK)
	o.change(t, first, "refund", object{}, "refunded")
	o.Post(t, "lisa", "/enrolments/"+rights["b0"]+"/resumption", "resume", object{"from_month": "2026-11"}).Want(t, http.StatusOK)
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, december, "")
	o.funded(t, december, "")
	g.tell(t, first, "contradictory ACCC FT1")
	o.contests(t, first, true)
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	o.wantLines(t, "lisa", december, "b0 2026-11 arrears 810000 account removed:already_paid", "b0 2026-12 regular 810000 account")
}

// A list of another unit has the month that a list of this month has paid, and carried: it is another payment, and is paid.
func TestAMonthIsPaidAnewByAnotherUnitsListOfTheSameMonth(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 1)
	o.rejectedAndClosed(t, g, o.released(t, 1), "b0")
	o.stopped(t, rights["b0"])
	o.enrol(t, "lisa", decision("b0", "social_assistance", "c6_severe", "2026-11-02"))
	province := o.draft(t, "province-lisa", "01", "social_assistance", "2026-11").Text(t, "id")
	o.wantLines(t, "province-lisa", province, "b0 2026-11 arrears 1080000 account")
	o.approved(t, province, "province-")
	o.funded(t, province, "province-")
	o.step(t, "province-treasurer", province, "release", object{}).Want(t, http.StatusOK)
	testkit.Eventually(t, func() error {
		var n int
		err := o.Pool.QueryRow(t.Context(), `select count(*) from payments where payroll = $1 and amount = 1080000`, province).Scan(&n)
		return errorUnless(err == nil && n == 1, "%d payments (%v)", n, err)
	})
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-12 regular 1080000 account")
	o.audited(t, g)
}

// A higher decision adds to November, and a treasurer or a bank takes the difference for a duplicate of what it is the difference to.
func TestADifferenceIsNoDuplicateOfWhatItIsTheDifferenceTo(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 1)
	november := o.released(t, 1)
	g.tell(t, o.payments(t, november)["b0"], "sent", "ACCC FT0")
	o.becomes(t, november, "b0", "credited")
	o.enrol(t, "lisa", decision("b0", "social_assistance", "c6_severe", "2026-11-02"))
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-11 arrears 270000 account", "b0 2026-12 regular 1080000 account")
	o.pays(t, g, december, 2)
	arrears := o.back(t, g, o.paymentFor(t, december, "2026-11"))
	o.refuse(t, arrears, "refund", object{}, "still_owed")
	if refused := o.Post(t, "cashier", "/payments/"+arrears.ID+"/refund", "another", object{}); refused.Text(t, "code") != "still_owed" {
		t.Fatalf("a second treasurer: %d %s", refused.Status, refused.Body)
	}
	again := o.reissue(t, arrears)
	g.tell(t, again, "sent", "ACCC FT2")
	o.stands(t, again, "credited")
	o.audited(t, g)
}

// The death is entered on another file of a person who is owed the months up to it: nothing goes into the account of the first file,
// and they are paid in cash.
func TestNothingIsPaidIntoAnAccountOfSomebodyWhoDiedByAnotherFile(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	o.people.tell(t, "second", accounts.BeneficiaryRegistered{Beneficiary: "second", Unit: other, FileNumber: "F/2", Person: "psecond", Mark: "mb0"})
	november := o.released(t, 2)
	first := o.payments(t, november)
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, december, "")
	o.Clock.Advance(20 * 24 * time.Hour)
	o.people.tellAt(t, o.Clock.Now(), "second", accounts.BeneficiaryDied{Beneficiary: "second", DiedOn: "2026-12-01", Source: "family"})
	g.withdraws(t, o, first["b0"], "account_changed")
	g.tell(t, first["b1"], "sent", "ACCC FT1")
	first["b0"] = o.becomes(t, november, "b0", "recalled")
	o.wantLines(t, "lisa", december, "b0 2026-12 regular 810000 account removed:account_changed", "b1 2026-12 regular 810000 account")
	o.refuse(t, first["b0"], "reissue", object{}, "beneficiary_deceased")
	o.change(t, first["b0"], "cash", object{}, "cash_pending")
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2026-12 arrears 810000 cash account_closed died", "b1 2027-01 regular 810000 account")
	o.audited(t, g)
}
