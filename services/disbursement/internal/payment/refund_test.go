package payment_test

import (
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

func refunded(from, reason string) events.Event {
	return disbursement.PaymentRefunded{Payment: id, From: from, Reason: reason, By: "tam"}
}

func TestRefunding(t *testing.T) {
	t.Parallel()
	stopped := facts(released(), requested("died", "service"), withdrawn("died"))
	back := facts(released(), sent(), credited(), returned("AC07"))
	ended := payment.Refund{Reason: payment.RightEnded, By: "tam"}
	owed := payment.Refund{By: "tam"}
	again := payment.Reissue{Target: target(1), By: "tam"}
	decidertest.Run(t, []decidertest.Case[payment.Payment]{
		{Name: "what was stopped and is owed to nobody", Given: stopped, When: ended, Then: facts(refunded("recalled", "right_ended"))},
		{Name: "what came back and is owed to nobody", Given: back, When: ended, Then: facts(refunded("returned", "right_ended"))},
		{Name: "once", Given: append(stopped[:3:3], refunded("recalled", "right_ended")), When: ended},
		{Name: "what is owed stays", Given: stopped, When: owed, Problem: "still_owed"},
		{
			Name: "what the bank sent back as a duplicate was paid already", Given: facts(released(), sent(), credited(), returned("DU01")), When: owed,
			Then: facts(refunded("returned", "already_paid")),
		},
		{Name: "nobody refunds what the person has", Given: facts(released(), sent(), credited()), When: ended, Problem: "payment_not_back"},
		{Name: "nor what the next month pays", Given: facts(released(), sent(), rejected("AC04"), disbursement.PaymentCarriedForward{Payment: id}), When: ended, Problem: "payment_not_back"},
		{
			Name: "nor what the bank may have paid after all", When: ended, Problem: "payment_contested",
			Given: append(back[:4:4], disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "ACCC", BankReference: "R2", Why: payment.Contradictory}),
		},
		{Name: "nor what does not exist", When: ended, Problem: "payment_unknown"},
		{Name: "what went back is not tried again", Given: append(stopped[:3:3], refunded("recalled", "right_ended")), When: again, Problem: "payment_not_failed"},
		{Name: "nor carried forward", Given: append(back[:4:4], refunded("returned", "right_ended")), When: payment.CarryForward{}, Problem: "payment_not_unpaid"},
		{Name: "nor paid in cash", Given: append(back[:4:4], refunded("returned", "right_ended")), When: payment.Cash{By: "tam"}, Problem: "payment_not_failed"},
	})
	p := decider.Fold(payment.Payment{}, append(stopped[:3:3], refunded("recalled", "right_ended"))...)
	if p.Status != payment.Refunded || ledger.Where(p) != ledger.Treasury {
		t.Fatalf("it is %s, and its money in %s", p.Status, ledger.Where(p))
	}
}
