package disbursement_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
)

// carriedOver is the approved and funded list of December, which takes over b0's rejected money of November.
func carriedOver(t *testing.T) (o *office, g *gateway, rejected paid, december string) {
	t.Helper()
	o, g, _ = everybody(t, 2)
	november := o.released(t, 2)
	first := o.payments(t, november)
	g.tell(t, first["b0"], "sent", "RJCT AC04")
	g.tell(t, first["b1"], "sent", "ACCC FT1")
	o.becomes(t, november, "b1", "credited")
	rejected = o.becomes(t, november, "b0", "rejected")
	if diff := cmp.Diff(closure{CarriedForward: 1, Carried: amount}, o.closed(t, november)); diff != "" {
		t.Fatal(diff)
	}
	december = o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, december, "")
	o.funded(t, december, "")
	return o, g, rejected, december
}

// The origin of a carried payment is credited after all, once the next list is approved. The person has the money.
func TestWhatABankCreditsAfterAllIsNotPaidByTheNextList(t *testing.T) {
	t.Parallel()
	o, g, rejected, december := carriedOver(t)
	g.tell(t, rejected, "contradictory ACCC FT0")
	o.contests(t, rejected, true)
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	o.wantLines(t, "lisa", december,
		"b0 2026-11 carried_forward 810000 account removed:already_paid", "b0 2026-12 regular 810000 account", "b1 2026-12 regular 810000 account")

	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2027-01 regular 810000 account", "b1 2027-01 regular 810000 account")
	o.step(t, "lisa", january, "rejection", object{"reason": "tiền đã về"}).Want(t, http.StatusOK)
	g.tell(t, rejected, "late RTND AC04")
	o.contests(t, rejected, false)
	o.draft(t, "lisa", "00004", "social_assistance", "2027-01")
	o.wantLines(t, "lisa", january,
		"b0 2026-11 carried_forward 810000 account", "b0 2027-01 regular 810000 account", "b1 2027-01 regular 810000 account")
	o.audited(t, g)
}

// The same, when the news come between the release and the payment.
func TestWhatABankCreditsDuringTheReleaseIsNotPaid(t *testing.T) {
	t.Parallel()
	o, g, rejected, december := carriedOver(t)
	g.tell(t, rejected, "contradictory ACCC FT0")
	o.contests(t, rejected, true)
	log := o.log(t)
	defer log.Close()
	history, err := log.Load(t.Context(), "payroll-"+december)
	if err != nil {
		t.Fatal(err)
	}
	computed, _ := history[1].Event.(disbursement.PayrollComputed)
	_, err = log.Append(t.Context(), eventstore.Append{
		Stream: "payroll-" + december, Expected: len(history), Meta: events.Meta{OccurredAt: noon},
		Facts: []events.Event{disbursement.PayrollReleased{Payroll: december, Hash: computed.Hash, By: "tam"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	type release struct {
		Payments, Removed int
		Total             int64
		RemovedTotal      int64 `json:"removed_total"`
	}
	want := release{Payments: 2, Total: 2 * amount, Removed: 1, RemovedTotal: amount}
	testkit.Eventually(t, func() error {
		var got struct{ Release release }
		o.Get(t, "treasurer", "/payrolls/"+december, "").Into(t, &got)
		return errorUnless(got.Release == want, "released %+v", got.Release)
	})
	o.wantLines(t, "lisa", december,
		"b0 2026-11 carried_forward 810000 account removed:already_paid", "b0 2026-12 regular 810000 account", "b1 2026-12 regular 810000 account")
}

// takenOver pays December's list until the taker of b0's November waits for a bank, and lets the bank credit November.
func takenOver(t *testing.T) (o *office, g *gateway, rejected, taker paid) {
	t.Helper()
	o, g, rejected, december := carriedOver(t)
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	var id string
	testkit.Eventually(t, func() error {
		return o.Pool.QueryRow(t.Context(), `select payment from payments where origin = $1`, rejected.ID).Scan(&id)
	})
	o.Get(t, "treasurer", "/payments/"+id, "").Into(t, &taker)
	return o, g, rejected, taker
}

// stands waits until a payment stands like this.
func (o *office) stands(t *testing.T, p paid, status string) (now paid) {
	t.Helper()
	testkit.Eventually(t, func() error {
		now = paid{}
		o.Get(t, "treasurer", "/payments/"+p.ID, "").Into(t, &now)
		return errorUnless(now.Status == status, "%+v", now)
	})
	return now
}

// The taker waits for a paused bank when the origin is credited after all: it is withdrawn, and stays so until the money is back.
func TestAPaymentThatWaitsIsWithdrawnWhenItsOriginIsCredited(t *testing.T) {
	t.Parallel()
	o, g, rejected, taker := takenOver(t)
	g.tell(t, rejected, "contradictory ACCC FT0")
	g.withdraws(t, o, taker, "already_paid")
	taker = o.stands(t, taker, "recalled")
	o.refuse(t, taker, "reissue", object{}, "origin_contested")
	o.refuse(t, taker, "cash", object{}, "origin_contested")
	g.tell(t, rejected, "contradictory RTND AC04")
	o.contests(t, rejected, false)
	again := o.reissue(t, taker)
	g.tell(t, again, "sent", "ACCC FT5")
	o.stands(t, again, "credited")
	o.audited(t, g)
}

// The second attempt waits for a paused bank, or in cash for the person, when the bank of the first says that it credited it after all:
// it is withdrawn, and stays so until the money is back.
func TestASecondAttemptThatWaitsIsWithdrawnWhenTheFirstIsCredited(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	list := o.released(t, 2)
	first := o.payments(t, list)
	for _, p := range first {
		g.tell(t, p, "sent", "RJCT AC04")
	}
	again := o.reissue(t, o.becomes(t, list, "b0", "rejected"))
	o.change(t, o.becomes(t, list, "b1", "rejected"), "cash", object{}, "cash_pending")
	for id, p := range first {
		g.tell(t, p, "contradictory ACCC FT-"+id)
	}
	g.withdraws(t, o, again, "already_paid")
	for _, p := range first {
		p = o.stands(t, p, "recalled")
		o.refuse(t, p, "reissue", object{}, "payment_contested")
		o.refuse(t, p, "cash", object{}, "payment_contested")
		o.refuse(t, p, "refund", object{}, "payment_contested")
	}
	o.change(t, first["b0"], "recall", object{"reason": "TECH"}, "recalled")
	o.asked(t, first["b0"])
	g.tell(t, first["b0"], "contradictory RTND AC04")
	o.contests(t, first["b0"], false)
	third := o.reissue(t, o.stands(t, again, "recalled"))
	g.tell(t, third, "sent", "ACCC FT5")
	o.stands(t, third, "credited")
	o.audited(t, g)
}

// asked wants the bank of this very attempt to have been asked for the money.
func (o *office) asked(t *testing.T, p paid) {
	t.Helper()
	var endToEndID string
	err := o.Pool.QueryRow(t.Context(),
		`select data->>'end_to_end_id' from events where stream = $1 and type = 'disbursement.recall_requested.v1'`, "payment-"+p.ID).Scan(&endToEndID)
	if err != nil || endToEndID != p.EndToEndID {
		t.Fatalf("%s was asked for, want %s (%v)", endToEndID, p.EndToEndID, err)
	}
}

// November goes to December, which is rejected and goes to January. Then November is credited: January's list
// does not take the money, and its release does not pay it.
func TestACreditReachesThroughEveryListThatCarriedThePayment(t *testing.T) {
	t.Parallel()
	o, g, november, december := takenOver(t)
	g.tell(t, december, "sent", "RJCT AC04")
	december = o.stands(t, december, "rejected")
	for _, p := range o.others(t, december, 2) {
		g.tell(t, p, "sent", "ACCC FT-"+p.Beneficiary)
		o.stands(t, p, "credited")
	}
	if diff := cmp.Diff(closure{CarriedForward: 1, Carried: amount}, o.closed(t, december.Payroll)); diff != "" {
		t.Fatal(diff)
	}
	g.tell(t, november, "contradictory ACCC FT0")
	o.contests(t, november, true)
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2027-01 regular 810000 account", "b1 2027-01 regular 810000 account")
	o.step(t, "lisa", january, "rejection", object{"reason": "tiền đã về"}).Want(t, http.StatusOK)
	g.tell(t, november, "contradictory RTND AC04")
	o.contests(t, november, false)
	o.draft(t, "lisa", "00004", "social_assistance", "2027-01")
	o.wantLines(t, "lisa", january,
		"b0 2026-11 carried_forward 810000 account", "b0 2027-01 regular 810000 account", "b1 2027-01 regular 810000 account")
	o.approved(t, january, "")
	o.funded(t, january, "")
	g.tell(t, november, "contradictory ACCC FT01")
	o.contests(t, november, true)
	o.step(t, "treasurer", january, "release", object{}).Want(t, http.StatusOK)
	o.wantLines(t, "lisa", january,
		"b0 2026-11 carried_forward 810000 account removed:already_paid", "b0 2027-01 regular 810000 account", "b1 2027-01 regular 810000 account")
	o.audited(t, g)
}

// others lists the payments of a list besides one, when they are all seen.
func (o *office) others(t *testing.T, than paid, count int) (others []paid) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var page struct{ Items []paid }
		o.Get(t, "treasurer", "/payments?payroll="+than.Payroll, "").Into(t, &page)
		others = slices.DeleteFunc(page.Items, func(p paid) bool { return p.ID == than.ID })
		return errorUnless(len(others) == count, "%d others", len(others))
	})
	return others
}

// contests waits until a bank contradicts itself about a payment, or does no longer.
func (o *office) contests(t *testing.T, p paid, contested bool) {
	t.Helper()
	testkit.Eventually(t, func() error {
		now := o.payments(t, p.Payroll)[p.Beneficiary]
		return errorUnless(now.Contested == contested, "%+v", now)
	})
}

func TestNothingIsHandedOverOrTriedAgainForAMonthAfterADeath(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	for id, bank := range map[string]string{"october": "", "november": "", "elsewhere": vietcombank, "lives": ""} {
		o.someone(t, id, unit, bank)
		o.enrol(t, "lisa", decision(id, "social_assistance", "c5a", "2026-11-02"))
	}
	o.seen(t, `identity = 'matched' and (account = '' or state = 'open')`)
	list := o.released(t, 4)
	first := o.payments(t, list)
	g.tell(t, first["elsewhere"], "sent", "RJCT AC04")
	o.becomes(t, list, "elsewhere", "rejected")
	o.people.tellAt(t, noon, "october", accounts.BeneficiaryDied{Beneficiary: "october", DiedOn: "2026-10-31", Source: "family"})
	o.people.tellAt(t, noon, "november", accounts.BeneficiaryDied{Beneficiary: "november", DiedOn: "2026-11-01", Source: "family"})
	o.people.tellAt(t, noon, "otherfile",
		accounts.BeneficiaryRegistered{Beneficiary: "otherfile", Unit: unit, FileNumber: "F/2", Person: "p2", Mark: "melsewhere"},
		accounts.BeneficiaryDied{Beneficiary: "otherfile", DiedOn: "2026-10-02", Source: "family"})
	o.seen(t, `died_on <> '' or beneficiary in ('lives', 'elsewhere')`)
	testkit.Eventually(t, func() error {
		var files int
		err := o.Pool.QueryRow(t.Context(), `select count(*) from beneficiaries where died_on <> ''`).Scan(&files)
		return errorUnless(err == nil && files == 3, "%d files (%v)", files, err)
	})

	handed := func(id string) object { return object{"collected_on": "2026-11-21", "receipt": "PC-" + id} }
	got := []string{}
	for _, id := range []string{"october", "november", "elsewhere", "lives"} {
		answer := o.Post(t, "cashier", "/payments/"+first[id].ID+"/cash", "cash-"+id, handed(id))
		got = append(got, fmt.Sprint(id, " ", answer.Status))
		if answer.Status != http.StatusOK {
			got[len(got)-1] += " " + answer.Text(t, "code")
		}
	}
	want := []string{"october 422 beneficiary_deceased", "november 200", "elsewhere 422 beneficiary_deceased", "lives 200"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	o.refuse(t, first["elsewhere"], "reissue", object{}, "beneficiary_deceased")
	again := o.Post(t, "cashier", "/payments/"+first["lives"].ID+"/cash", "cash-lives", handed("lives"))
	if again.Want(t, http.StatusOK); again.Header.Get("Idempotent-Replay") != "true" {
		t.Fatal("the same request again is not a repetition")
	}
	o.audited(t, g)
}

// What is returned after the closure may be tried again, as often as any other payment. What was available then is gone.
func TestMoneyThatComesBackAfterTheClosureIsStillPaid(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	list := o.released(t, 2)
	first := o.payments(t, list)
	g.tell(t, first["b0"], "sent", "ACCC FT0")
	g.tell(t, first["b1"], "sent", "RJCT AM05")
	o.becomes(t, list, "b0", "credited")
	o.becomes(t, list, "b1", "rejected")
	if diff := cmp.Diff(closure{}, o.closed(t, list)); diff != "" {
		t.Fatal(diff)
	}
	g.tell(t, first["b0"], "RTND AC04")
	second := o.reissue(t, o.becomes(t, list, "b0", "returned"))
	g.tell(t, second, "sent", "RJCT AC04")
	third := o.reissue(t, o.becomes(t, list, "b0", "rejected"))
	g.tell(t, third, "sent", "ACCC FT3")
	o.becomes(t, list, "b0", "credited")
	o.refuse(t, first["b1"], "cash", object{}, "payroll_closed")
	o.wantLedger(t, list, map[string]int64{
		"budget": amount, "available": 0, "reserved": 0, "in_flight": 0, "credited": amount, "returned": 0, "cash": 0,
		"treasury": -amount, "difference": 0,
	})
	o.audited(t, g)
}

// A bank contradicts itself about b0 and b1 while their list is closed, so that their money goes back to the treasury. When b0's
// credit comes back, the next list pays it: the closed one has nothing left, also when b2's money lies there.
func TestWhatIsSettledAfterTheClosureIsPaidByTheNextList(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 3)
	list := o.released(t, 3)
	first := o.payments(t, list)
	for _, id := range []string{"b0", "b1"} {
		g.tell(t, first[id], "sent", "RJCT AC04", "contradictory ACCC FT-"+id)
		o.contests(t, first[id], true)
	}
	g.tell(t, first["b2"], "sent", "ACCC FT2")
	o.becomes(t, list, "b2", "credited")
	if diff := cmp.Diff(closure{}, o.closed(t, list)); diff != "" {
		t.Fatal(diff)
	}
	g.tell(t, first["b2"], "RTND AC04")
	second := o.reissue(t, o.becomes(t, list, "b2", "returned"))
	g.tell(t, second, "sent", "RJCT AC04")
	o.becomes(t, list, "b2", "rejected")
	g.tell(t, first["b0"], "contradictory RTND AC04")
	b0 := o.becomes(t, list, "b0", "carried_forward")
	o.refuse(t, b0, "reissue", object{}, "payroll_closed")
	o.refuse(t, first["b1"], "reissue", object{}, "payroll_closed")
	third := o.reissue(t, o.becomes(t, list, "b2", "rejected"))
	g.tell(t, third, "sent", "ACCC FT4")
	o.becomes(t, list, "b2", "credited")
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-11 carried_forward 810000 account",
		"b0 2026-12 regular 810000 account", "b1 2026-12 regular 810000 account", "b2 2026-12 regular 810000 account")
	o.audited(t, g)
}
