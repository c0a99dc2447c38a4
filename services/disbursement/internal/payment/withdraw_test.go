package payment_test

import (
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

func requested(reason, by string) events.Event {
	return disbursement.WithdrawalRequested{
		Payment: id, Attempt: 1, EndToEndID: payment.EndToEndID(id, 1), Bank: target(1).Bank, Reason: reason, By: by,
	}
}

func withdrawn(reason string) events.Event {
	return disbursement.PaymentWithdrawn{Payment: id, Attempt: 1, Reason: reason}
}

func TestWithdrawing(t *testing.T) {
	t.Parallel()
	stop := payment.Withdraw{Reason: "died", By: "service"}
	proposed := disbursement.WithdrawalProposed{Payment: id, Attempt: 1, By: "tam"}
	mark := payment.MarkWithdrawn{EndToEndID: payment.EndToEndID(id, 1), Attempt: 1, Reason: "died"}
	again := payment.Reissue{Target: disbursement.Target{Bank: "ICBVVNVX", Account: "lan-1", Number: "number-1", Holder: "holder-1"}, By: "treasurer"}
	decidertest.Run(t, []decidertest.Case[payment.Payment]{
		{Name: "a stop asks for what no bank has", Given: facts(released()), When: stop, Then: facts(requested("died", "service"))},
		{Name: "a stop asks once", Given: facts(released(), requested("died", "service")), When: stop},
		{Name: "a stop leaves what a bank has", Given: facts(released(), sent()), When: stop},
		{Name: "a stop keeps cash at once", Given: facts(disbursement.CashReleased{Payable: payable()}), When: stop, Then: facts(disbursement.PaymentWithdrawn{Payment: id, Reason: "died"})},
		{Name: "cash that was handed over stays", Given: facts(disbursement.CashReleased{Payable: payable()}, disbursement.CashPaid{Payment: id}), When: stop},
		{Name: "somebody proposes", Given: facts(released()), When: payment.ProposeWithdrawal{By: "tam"}, Then: facts(proposed)},
		{Name: "nobody proposes what a bank has", Given: facts(released(), sent()), When: payment.ProposeWithdrawal{By: "tam"}, Problem: "payment_not_waiting"},
		{Name: "it is proposed once", Given: facts(released(), proposed), When: payment.ProposeWithdrawal{By: "mai"}, Problem: "withdrawal_proposed"},
		{Name: "another person agrees", Given: facts(released(), proposed), When: payment.ApproveWithdrawal{By: "chi"}, Then: facts(requested(payment.Unsendable, "chi"))},
		{Name: "the same person does not", Given: facts(released(), proposed), When: payment.ApproveWithdrawal{By: "tam"}, Problem: "same_person"},
		{Name: "nobody agrees to nothing", Given: facts(released()), When: payment.ApproveWithdrawal{By: "chi"}, Problem: "withdrawal_not_proposed"},
		{Name: "it was sent meanwhile", Given: facts(released(), proposed, sent()), When: payment.ApproveWithdrawal{By: "chi"}, Problem: "payment_not_waiting"},
		{Name: "the gateway kept it", Given: facts(released(), requested("died", "service")), When: mark, Then: facts(withdrawn("died"))},
		{Name: "the gateway says it twice", Given: facts(released(), requested("died", "service"), withdrawn("died")), When: mark},
		{Name: "the bank has spoken of it", Given: facts(released(), requested("died", "service"), sent()), When: mark, Problem: "payment_was_sent"},
		{Name: "what was withdrawn may be tried again", Given: facts(released(), requested("died", "service"), withdrawn("died")), When: again, Then: facts(reissued())},
		{Name: "what was stopped is carried nowhere", Given: facts(released(), requested("died", "service"), withdrawn("died")), When: payment.CarryForward{}, Problem: "payment_not_unpaid"},
		{
			Name: "what could not be sent is carried forward", Given: facts(released(), proposed, requested(payment.Unsendable, "chi"), withdrawn(payment.Unsendable)),
			When: payment.CarryForward{}, Then: facts(disbursement.PaymentCarriedForward{Payment: id, From: payment.Rejected}),
		},
	})
	p := decider.Fold(payment.Payment{}, released(), requested("died", "service"), withdrawn("died"))
	if p.Status != payment.Recalled || ledger.Where(p) != ledger.Returned {
		t.Fatalf("it is %s, and its money in %s", p.Status, ledger.Where(p))
	}
}

func TestATimeOutRejectsNothingUntilTheBankWasAsked(t *testing.T) {
	t.Parallel()
	says := func(reason string, answers int) payment.Report {
		return payment.Report{EndToEndID: payment.EndToEndID(id, 1), Attempt: 1, Report: bankgateway.Report{Status: "RJCT", Reason: reason, Answers: answers}}
	}
	doubt := disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "RJCT", Reason: "TM01", Why: payment.Uncertain}
	decidertest.Run(t, []decidertest.Case[payment.Payment]{
		{Name: "the money may be out", Given: facts(released(), sent()), When: says("TM01", 0), Then: facts(doubt)},
		{Name: "it says so before we know that it was sent", Given: facts(released()), When: says("TM01", 0), Then: facts(sent(), doubt)},
		{Name: "silence after it makes the payment unknown", Given: facts(released(), sent(), doubt), When: payment.Inquire{Facts: 3}, Then: facts(unknown(1))},
		{Name: "asked, the bank stands by it", Given: facts(released(), sent(), doubt, unknown(1)), When: says("TM01", 1), Then: facts(rejected("TM01"))},
		{Name: "said again by itself, it is no answer", Given: facts(released(), sent(), doubt, unknown(1)), When: says("TM01", 0), Then: facts(doubt)},
		{Name: "another reason is an answer", Given: facts(released(), sent(), doubt, unknown(1)), When: says("NARR", 0), Then: facts(rejected("NARR"))},
		{
			Name: "it was credited after all", Given: facts(released(), sent(), doubt), Then: facts(credited()),
			When: payment.Report{EndToEndID: payment.EndToEndID(id, 1), Attempt: 1, Report: bankgateway.Report{Status: "ACCC", BankReference: "R1"}},
		},
		{Name: "an officer asks at once", Given: facts(released(), sent(), doubt), When: payment.Ask{}, Then: facts(unknown(1))},
		{Name: "nobody asks about what is settled", Given: facts(released(), sent(), credited()), When: payment.Ask{}, Problem: "payment_not_open"},
	})
}
