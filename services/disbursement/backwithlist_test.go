package disbursement_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// failedTwice has the bank return a payment of a closed list, which is tried again and rejected.
func (o *office) failedTwice(t *testing.T, g *gateway, p paid, reason string) paid {
	t.Helper()
	g.tell(t, p, "RTND AC04")
	again := o.reissue(t, o.becomes(t, p.Payroll, p.Beneficiary, "returned"))
	g.tell(t, again, "sent", "RJCT "+reason)
	return o.becomes(t, p.Payroll, p.Beneficiary, "rejected")
}

// b0 and b1 got November, until their bank sent it back after the closure and rejected a second attempt. b0's decision is corrected: the
// treasury has the money back, and the new decision pays the month. b1's right stands, and a third attempt is paid with what lies there.
func TestWhatWasTriedAgainInAClosedListGoesBackWhenItsRightIsStopped(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 3)
	november := o.released(t, 3)
	for id, p := range o.payments(t, november) {
		g.tell(t, p, "sent", "ACCC FT-"+id)
		o.becomes(t, november, id, "credited")
	}
	first := o.payments(t, november)
	if diff := cmp.Diff(closure{}, o.closed(t, november)); diff != "" {
		t.Fatal(diff)
	}
	b0, b1 := o.failedTwice(t, g, first["b0"], "AC04"), o.failedTwice(t, g, first["b1"], "AC04")
	lies := func(returned, credited int64) {
		t.Helper()
		o.wantLedger(t, november, map[string]int64{
			"budget": returned + credited, "available": 0, "reserved": 0, "in_flight": 0, "credited": credited, "returned": returned, "cash": 0,
			"treasury": -returned - credited, "difference": 0,
		})
	}
	lies(2*amount, amount)
	o.refuse(t, b0, "refund", object{}, "still_owed")
	o.stopped(t, rights["b0"])
	o.enrol(t, "lisa", decision("b0", "social_assistance", "c6_severe", "2026-11-02"))
	o.refuse(t, b0, "reissue", object{}, "right_ended")
	o.change(t, b0, "refund", object{}, "refunded")
	lies(amount, amount)
	third := o.reissue(t, b1)
	g.tell(t, third, "sent", "ACCC FT3")
	o.becomes(t, november, "b1", "credited")
	lies(0, 2*amount)
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-11 arrears 1080000 account", "b0 2026-12 regular 1080000 account",
		"b1 2026-12 regular 810000 account", "b2 2026-12 regular 810000 account")
	o.wantSignals(t, december)
	o.pays(t, g, december, 4)
	o.audited(t, g)
}

// The bank says of the second attempt that it had paid that already. Then the end of the right is no reason to pay the month by another:
// the treasury gets the money for a payment that is there.
func TestWhatABankRefusesToPayASecondTimeIsNotOwedToAnotherRight(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 1)
	november := o.released(t, 1)
	first := o.payments(t, november)["b0"]
	g.tell(t, first, "sent", "ACCC FT0")
	o.becomes(t, november, "b0", "credited")
	o.closed(t, november)
	b0 := o.failedTwice(t, g, first, "AM05")
	o.stopped(t, rights["b0"])
	o.enrol(t, "lisa", decision("b0", "social_assistance", "c6_severe", "2026-11-02"))
	o.refuse(t, b0, "refund", object{}, "payment_duplicate")
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-11 arrears 270000 account", "b0 2026-12 regular 1080000 account")
	o.paidElsewhere(t, "twin", amount)
	o.Post(t, "treasurer", "/payments/"+b0.ID+"/refund", "found", object{}).Want(t, http.StatusOK)
	o.becomes(t, november, "b0", "refunded")
	o.wantLedger(t, november, map[string]int64{
		"budget": 0, "available": 0, "reserved": 0, "in_flight": 0, "credited": 0, "returned": 0, "cash": 0, "treasury": 0, "difference": 0,
	})
}
