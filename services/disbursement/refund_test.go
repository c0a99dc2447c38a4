package disbursement_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	facts "github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// where is what the closing statement says of money that came back.
type where struct{ Instructed, Credited, Returned, Recalled, Refunded, Carried, Difference int64 }

func (o *office) wantWhere(t *testing.T, list string, want where) {
	t.Helper()
	var got where
	o.Get(t, "auditor", "/reconciliations/"+list, "").Into(t, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reconciliation (-want +got):\n%s", diff)
	}
}

// Three payments are taken back before any bank has them: of a right that is suspended, of one that is stopped after the list was
// closed, and of an account that is blocked. What nobody is owed goes back to the treasury; the rest waits.
func TestWhatNobodyIsOwedAnyMoreGoesBackToTheTreasury(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 4)
	november := o.released(t, 4)
	first := o.payments(t, november)
	end := object{"from_month": "2026-11", "reason": "kiểm tra lại"}
	o.Post(t, "lisa", "/enrolments/"+rights["b0"]+"/suspension", "suspend", end).Want(t, http.StatusOK)
	for _, id := range []string{"b1", "b2"} {
		o.people.tell(t, id, accounts.AccountBlocked{Account: id + "-1", Beneficiary: id, Reason: "authority", By: "mai"})
		g.withdraws(t, o, first[id], "account_changed")
	}
	g.withdraws(t, o, first["b0"], "suspended")
	g.tell(t, first["b3"], "sent", "ACCC FT3")
	for id, status := range map[string]string{"b0": "recalled", "b1": "recalled", "b2": "recalled", "b3": "credited"} {
		o.becomes(t, november, id, status)
	}
	o.refuse(t, first["b1"], "refund", object{}, "still_owed")
	o.refuse(t, first["b3"], "refund", object{}, "payment_not_back")
	if diff := cmp.Diff(closure{}, o.closed(t, november)); diff != "" {
		t.Fatal(diff)
	}
	o.becomes(t, november, "b0", "refunded")
	o.wantWhere(t, november, where{Instructed: 4 * amount, Credited: amount, Returned: 3 * amount, Recalled: 2 * amount, Refunded: amount})
	o.Post(t, "lisa", "/enrolments/"+rights["b1"]+"/stop", "stop", end).Want(t, http.StatusOK)
	o.change(t, o.payments(t, november)["b1"], "refund", object{}, "refunded")
	o.wantWhere(t, november, where{Instructed: 4 * amount, Credited: amount, Returned: 3 * amount, Recalled: amount, Refunded: 2 * amount})
	o.wantLedger(t, november, map[string]int64{
		"budget": 2 * amount, "available": 0, "reserved": 0, "in_flight": 0, "credited": amount, "returned": amount, "cash": 0,
		"treasury": -2 * amount, "difference": 0,
	})
	// The suspension was unfounded: November is owed again, and is paid as arrears. What waits with its list is not.
	o.Post(t, "lisa", "/enrolments/"+rights["b0"]+"/resumption", "resume", object{"from_month": "2026-11"}).Want(t, http.StatusOK)
	o.change(t, o.payments(t, november)["b2"], "cash", object{}, "cash_pending")
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-11 arrears 810000 account", "b0 2026-12 regular 810000 account",
		"b2 2026-12 regular 810000 cash account_blocked", "b3 2026-12 regular 810000 account")
	o.approved(t, december, "")
	o.funded(t, december, "")
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	o.becomes(t, december, "b3", "released")
	o.audited(t, g)
}

// paidElsewhere puts a list of another programme into the log, which has paid b0's November in cash.
func (o *office) paidElsewhere(t *testing.T, id string, of money.Amount) {
	t.Helper()
	const beneficiary = "b0"
	log := o.log(t)
	defer log.Close()
	const list = "elsewhere"
	line := payroll.Line{
		Payment: id, Beneficiary: beneficiary, Mark: "m" + beneficiary, Enrolments: []string{"e-" + id}, Unit: unit, Month: "2026-11",
		Kind: payroll.Regular, Amount: of, Granted: of, Method: payroll.InCash, CashReason: "no_account",
	}
	var tally payroll.Tally
	if err := tally.Add(line); err != nil {
		t.Fatal(err)
	}
	for stream, told := range map[string][]events.Event{
		payroll.LinesStream(list, 1, 0): {payroll.LinesComputed{
			Payroll: list, Draft: 1, Programme: "social_pension", Lines: []payroll.Line{line}, Through: line.Mark, Final: true,
		}},
		payroll.Stream(list): {
			facts.PayrollDrafted{Payroll: list, Draft: 1, Unit: unit, Programme: "social_pension", Month: line.Month, AsOf: "2026-11-01", By: "maker"},
			facts.PayrollComputed{Payroll: list, Draft: 1, Lines: tally.Lines, Total: int64(tally.Total), Hash: tally.Hash()},
		},
		payment.Stream(id): {
			facts.CashReleased{Reason: "no_account", Payable: facts.Payable{
				Payment: id, Payroll: list, Unit: unit, Programme: "social_pension", Beneficiary: beneficiary, Mark: line.Mark,
				Month: line.Month, Kind: payroll.Regular, Amount: int64(of),
			}},
			facts.CashPaid{Payment: id, CollectedOn: "2026-11-20", Receipt: "PC-" + id, By: "thu"},
		},
	} {
		meta := events.Meta{OccurredAt: noon, Actor: "service:disbursement"}
		if _, err := log.Append(t.Context(), eventstore.Append{Stream: stream, Meta: meta, Facts: told}); err != nil {
			t.Fatal(err)
		}
	}
}

// back lets a treasurer recall a payment as a duplicate, and its bank send it back.
func (o *office) back(t *testing.T, g *gateway, p paid) (recalled paid) {
	t.Helper()
	o.change(t, p, "recall", object{"reason": "DUPL"}, "credited")
	g.tell(t, p, "RTND CUST")
	return o.stands(t, p, "recalled")
}

// What comes back because it was a duplicate goes to the treasury too, and is not paid once more: the person has the month, by the payment
// of the other programme. That takes this payment, and a second treasurer.
func TestADuplicateThatWasRefundedIsNotPaidAgain(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 3)
	november := o.released(t, 3)
	first := o.payments(t, november)
	for id, report := range map[string]string{"b0": "ACCC FT0", "b1": "ACCC FT1", "b2": "ACCC FT2"} {
		g.tell(t, first[id], "sent", report)
		o.becomes(t, november, id, "credited")
	}
	o.paidElsewhere(t, "twin", amount)
	b0 := o.back(t, g, first["b0"])
	if diff := cmp.Diff(closure{}, o.closed(t, november)); diff != "" {
		t.Fatal(diff)
	}
	o.refuse(t, b0, "refund", object{}, "same_person")
	o.Post(t, "cashier", "/payments/"+b0.ID+"/refund", "another", object{}).Want(t, http.StatusOK)
	o.stands(t, b0, "refunded")
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-11 arrears 810000 account held paid_by_other_programme", "b0 2026-12 regular 810000 account",
		"b1 2026-12 regular 810000 account", "b2 2026-12 regular 810000 account")
}

// The assistance for November went back as a duplicate of the pension. Whoever has the pension has no assistance: it holds no pension up
// any more, and nobody was paid too much.
func TestADuplicateThatWasRefundedIsNoMoneyOfAnyProgramme(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	o.someone(t, "b0", unit, vietcombank)
	o.people.know(profile{Beneficiary: "b0", Unit: unit, Mark: "mb0", BirthDate: "1940-03-10"})
	assistance := o.enrol(t, "lisa", decision("b0", "social_assistance", "c5c", "2026-11-02"))
	o.seen(t, `state = 'open'`)
	november := o.released(t, 1)
	b0 := o.payments(t, november)["b0"]
	g.tell(t, b0, "sent", "ACCC FT0")
	o.paidElsewhere(t, "twin", money.Amount(b0.Amount))
	o.becomes(t, november, "b0", "credited")
	b0 = o.back(t, g, b0)
	o.Post(t, "cashier", "/payments/"+b0.ID+"/refund", "another", object{}).Want(t, http.StatusOK)
	o.stopped(t, assistance)
	o.enrol(t, "lisa", decision("b0", "social_pension", "social_pension", "2026-11-20"))
	pensions := o.draft(t, "lisa", "00004", "social_pension", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", pensions, "b0 2026-11 arrears 110000 account", "b0 2026-12 regular 650000 account")
	o.wantSignals(t, o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id"))
}

// Two treasurers call something a duplicate of which there is no other payment, or a smaller one.
func TestNobodyTakesAMonthAwayByCallingItADuplicate(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	november := o.released(t, 2)
	first := o.payments(t, november)
	for _, id := range []string{"b0", "b1"} {
		g.tell(t, first[id], "sent", "ACCC FT-"+id)
		o.becomes(t, november, id, "credited")
	}
	b0 := o.back(t, g, first["b0"])
	o.refuse(t, b0, "refund", object{}, "still_owed")
	if refused := o.Post(t, "cashier", "/payments/"+b0.ID+"/refund", "another", object{}); refused.Text(t, "code") != "still_owed" {
		t.Fatalf("a second treasurer: %d %s", refused.Status, refused.Body)
	}
	again := o.reissue(t, b0)
	g.tell(t, again, "sent", "ACCC FT2")
	o.stands(t, again, "credited")
	o.audited(t, g)
	b0 = o.back(t, g, again)
	o.paidElsewhere(t, "less", amount-1)
	if refused := o.Post(t, "cashier", "/payments/"+b0.ID+"/refund", "less", object{}); refused.Text(t, "code") != "still_owed" {
		t.Fatalf("a part of it: %d %s", refused.Status, refused.Body)
	}
}

// A bank says that it credited November, which December's list has paid again. That is a duplicate by the bank's word alone, so that
// November is owed once more when the bank has taken it back.
func TestWhatWasRefundedOnABanksWordIsOwedWhenTheBankTakesItBack(t *testing.T) {
	t.Parallel()
	o, g, november, december := takenOver(t)
	g.tell(t, december, "sent", "ACCC FT5")
	december = o.stands(t, december, "credited")
	g.tell(t, november, "contradictory ACCC FT0")
	o.contests(t, november, true)
	december = o.back(t, g, december)
	o.refuse(t, december, "refund", object{}, "same_person")
	o.Post(t, "cashier", "/payments/"+december.ID+"/refund", "another", object{}).Want(t, http.StatusOK)
	o.stands(t, december, "refunded")
	o.audited(t, g)
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2027-01 regular 810000 account", "b1 2027-01 regular 810000 account")
	o.step(t, "lisa", january, "rejection", object{"reason": "lập lại"}).Want(t, http.StatusOK)
	g.tell(t, november, "contradictory RTND AC04")
	o.contests(t, november, false)
	o.draft(t, "lisa", "00004", "social_assistance", "2027-01")
	o.wantLines(t, "lisa", january,
		"b0 2026-11 arrears 810000 account", "b0 2027-01 regular 810000 account", "b1 2027-01 regular 810000 account")
	o.audited(t, g)
}
