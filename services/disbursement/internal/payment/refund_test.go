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

func refunded(from string) events.Event {
	return disbursement.PaymentRefunded{Payment: id, From: from, Reason: payment.RightEnded, By: "tam"}
}

func TestRefunding(t *testing.T) {
	t.Parallel()
	stopped := facts(released(), requested("died", "service"), withdrawn("died"))
	back := facts(released(), sent(), credited(), returned("AC07"))
	ended := payment.Refund{Reason: payment.RightEnded, By: "tam"}
	owed := payment.Refund{By: "tam"}
	recall := disbursement.RecallRequested{Payment: id, Attempt: 1, Reason: "DUPL", By: "tam"}
	twin := func(by string) payment.Refund {
		return payment.Refund{Reason: disbursement.AlreadyPaid, DuplicateOf: "Q", By: by}
	}
	anew := payment.Reissue{Target: target(1), By: "tam"}
	again := func(reason string) []events.Event {
		return append(back[:4:4], reissued(), disbursement.PaymentRejected{Payment: id, Attempt: 2, Reason: reason})
	}
	decidertest.Run(t, []decidertest.Case[payment.Payment]{
		{Name: "what was stopped and is owed to nobody", Given: stopped, When: ended, Then: facts(refunded("recalled"))},
		{Name: "what came back and is owed to nobody", Given: back, When: ended, Then: facts(refunded("returned"))},
		{Name: "once", Given: append(stopped[:3:3], refunded("recalled")), When: ended},
		{Name: "what is owed stays", Given: stopped, When: owed, Problem: "still_owed"},
		{
			Name:  "nor does it go because the bank calls it a duplicate, as long as nobody knows of what",
			Given: facts(released(), sent(), credited(), returned("DU01")), When: owed, Problem: "still_owed",
		},
		{
			Name: "a duplicate of another payment", Given: facts(released(), sent(), credited(), recall, returned("CUST")), When: twin("thu"),
			Then: facts(disbursement.PaymentRefunded{Payment: id, From: "recalled", Reason: "already_paid", DuplicateOf: "Q", By: "thu"}),
		},
		{
			Name: "nobody says alone that it is one", Given: facts(released(), sent(), credited(), recall, returned("CUST")), When: twin("tam"),
			Problem: "same_person",
		},
		{
			Name: "whoever recalled it may still find that its right has ended", Given: facts(released(), sent(), credited(), recall, returned("CUST")), When: ended,
			Then: facts(refunded("recalled")),
		},
		{
			Name: "what was tried again with money that came back, and rejected", Given: again("AC04"), When: ended, Then: facts(refunded("rejected")),
		},
		{Name: "unless it is owed", Given: again("AC04"), When: owed, Problem: "still_owed"},
		{Name: "or its bank may have paid it", Given: again("AM05"), When: ended, Problem: "payment_duplicate"},
		{
			Name: "as another payment shows", Given: again("AM05"), When: twin("tam"),
			Then: facts(disbursement.PaymentRefunded{Payment: id, From: "rejected", Reason: "already_paid", DuplicateOf: "Q", By: "tam"}),
		},
		{Name: "what was rejected at once is carried", Given: facts(released(), sent(), rejected("AC04")), When: ended, Problem: "payment_not_back"},
		{Name: "nobody refunds what the person has", Given: facts(released(), sent(), credited()), When: ended, Problem: "payment_not_back"},
		{Name: "nor what the next month pays", Given: facts(released(), sent(), rejected("AC04"), disbursement.PaymentCarriedForward{Payment: id}), When: ended, Problem: "payment_not_back"},
		{
			Name: "nor what the bank may have paid after all", When: ended, Problem: "payment_contested",
			Given: append(back[:4:4], disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "ACCC", BankReference: "R2", Why: payment.Contradictory}),
		},
		{Name: "nor what does not exist", When: ended, Problem: "payment_unknown"},
		{Name: "what went back is not tried again", Given: append(stopped[:3:3], refunded("recalled")), When: anew, Problem: "payment_not_failed"},
		{Name: "nor carried forward", Given: append(back[:4:4], refunded("returned")), When: payment.CarryForward{}, Problem: "payment_not_unpaid"},
		{Name: "nor paid in cash", Given: append(back[:4:4], refunded("returned")), When: payment.Cash{By: "tam"}, Problem: "payment_not_failed"},
	})
	p := decider.Fold(payment.Payment{}, append(stopped[:3:3], refunded("recalled"))...)
	if p.Status != payment.Refunded || ledger.Where(p) != ledger.Treasury {
		t.Fatalf("it is %s, and its money in %s", p.Status, ledger.Where(p))
	}
}
