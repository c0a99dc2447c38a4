package disbursement_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events/accounts"
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

// What comes back because it was a duplicate goes to the treasury too, and is not owed once more: the person has the month.
func TestADuplicateThatWasRefundedIsNotOwedAgain(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 3)
	november := o.released(t, 3)
	first := o.payments(t, november)
	for id, report := range map[string]string{"b0": "ACCC FT0", "b1": "ACCC FT1", "b2": "ACCC FT2"} {
		g.tell(t, first[id], "sent", report)
		o.becomes(t, november, id, "credited")
	}
	o.change(t, first["b0"], "recall", object{"reason": "DUPL"}, "credited")
	g.tell(t, first["b0"], "RTND CUST")
	o.becomes(t, november, "b0", "recalled")
	if diff := cmp.Diff(closure{}, o.closed(t, november)); diff != "" {
		t.Fatal(diff)
	}
	o.change(t, o.payments(t, november)["b0"], "refund", object{}, "refunded")
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-12 regular 810000 account", "b1 2026-12 regular 810000 account",
		"b2 2026-12 regular 810000 account")
	o.audited(t, g)
}
