package payment_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

const id = "abcdefghijklmnopqrstuvwx23"

func payable() disbursement.Payable {
	return disbursement.Payable{
		Payment: id, Payroll: "november", Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"}, Programme: "social_assistance",
		Beneficiary: "lan", Mark: "mark-lan", Month: "2026-11", Kind: "regular", Amount: 540_000,
	}
}

func target(attempt int) disbursement.Target {
	return disbursement.Target{
		EndToEndID: payment.EndToEndID(id, attempt), Attempt: attempt, Bank: "ICBVVNVX", Account: "lan-1", Number: "number-1", Holder: "holder-1",
	}
}

func released() events.Event {
	return disbursement.PaymentReleased{Payable: payable(), Target: target(1)}
}

func sent() events.Event { return disbursement.PaymentSent{Payment: id, Attempt: 1} }

func inFlight(status string) events.Event {
	return disbursement.PaymentInFlight{Payment: id, Attempt: 1, Status: status}
}

func credited() events.Event {
	return disbursement.PaymentCredited{Payment: id, Attempt: 1, BankReference: "R1"}
}

func rejected(reason string) events.Event {
	return disbursement.PaymentRejected{Payment: id, Attempt: 1, Reason: reason}
}

func returned(reason string) events.Event {
	return disbursement.PaymentReturned{Payment: id, Attempt: 1, Reason: reason, BankReference: "back"}
}

func noted(status, why string) events.Event {
	return disbursement.ReportNoted{Payment: id, Attempt: 1, Status: status, Why: why}
}

// report is what the bank says about the first attempt: "RJCT AC04", "ACCC REF1".
func report(text string) payment.Report {
	status, detail, _ := strings.Cut(text, " ")
	r := bankgateway.Report{Status: status}
	switch status {
	case "ACCC":
		r.BankReference = detail
	case "RTND":
		r.Reason, r.BankReference = detail, "back"
	default:
		r.Reason = detail
	}
	return payment.Report{EndToEndID: payment.EndToEndID(id, 1), Attempt: 1, Report: r}
}

func facts(list ...events.Event) []events.Event { return list }

func TestEveryFactOfAPaymentIsFolded(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[payment.Payment](t, disbursement.PaymentFacts())
}

func TestReports(t *testing.T) {
	t.Parallel()
	decidertest.Run(t, []decidertest.Case[payment.Payment]{
		{
			Name: "the bank has it", Given: facts(released(), sent()), When: report("RCVD"),
			Then: facts(disbursement.PaymentAcknowledged{Payment: id, Attempt: 1}),
		},
		{Name: "the bank has it, twice told", Given: facts(released(), sent(), disbursement.PaymentAcknowledged{Payment: id, Attempt: 1}), When: report("ACTC")},
		{
			Name: "a report before we know that it was sent proves that it was", Given: facts(released()), When: report("ACSP"),
			Then: facts(sent(), inFlight("ACSP")),
		},
		{Name: "debited is not credited", Given: facts(released(), sent()), When: report("ACSC"), Then: facts(inFlight("ACSC"))},
		{Name: "held back at the bank is still in flight", Given: facts(released(), sent(), inFlight("ACSP")), When: report("BLCK"), Then: facts(inFlight("BLCK"))},
		{Name: "credited", Given: facts(released(), sent(), inFlight("ACSC")), When: report("ACCC R1"), Then: facts(credited())},
		{Name: "a credit has a reference", Given: facts(released(), sent()), When: report("ACCC"), Problem: "bank_reference_missing"},
		{Name: "rejected", Given: facts(released(), sent()), When: report("RJCT AC04"), Then: facts(rejected("AC04"))},
		{Name: "returned days later", Given: facts(released(), sent(), credited()), When: report("RTND AC04"), Then: facts(returned("AC04"))},
		{Name: "returned after it was debited, without a credit", Given: facts(released(), sent(), inFlight("ACSC")), When: report("RTND AC04"), Then: facts(returned("AC04"))},
		{
			Name: "returned although never debited", Given: facts(released(), sent()), When: report("RTND AC04"),
			Then: facts(disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "RTND", Reason: "AC04", BankReference: "back", Why: payment.Contradictory}),
		},
		{Name: "a backward report is recorded and not applied", Given: facts(released(), sent(), inFlight("ACSP")), When: report("ACTC"), Then: facts(noted("ACTC", payment.Backward))},
		{Name: "a backward report is recorded once", Given: facts(released(), sent(), inFlight("ACSP"), noted("ACTC", payment.Backward)), When: report("ACTC")},
		{Name: "a late report is recorded and not applied", Given: facts(released(), sent(), credited()), When: report("ACSP"), Then: facts(noted("ACSP", payment.Late))},
		{Name: "the same credit again is nothing", Given: facts(released(), sent(), credited()), When: report("ACCC R1")},
		{
			Name: "another credit is a contradiction", Given: facts(released(), sent(), credited()), When: report("ACCC R2"),
			Then: facts(disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "ACCC", BankReference: "R2", Why: payment.Contradictory}),
		},
		{
			Name: "credited after it was rejected is a contradiction", Given: facts(released(), sent(), rejected("AC04")), When: report("ACCC R1"),
			Then: facts(disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "ACCC", BankReference: "R1", Why: payment.Contradictory}),
		},
		{
			Name: "rejected after it was credited is a contradiction", Given: facts(released(), sent(), credited()), When: report("RJCT AC04"),
			Then: facts(disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "RJCT", Reason: "AC04", Why: payment.Contradictory}),
		},
		{Name: "the same rejection again is nothing", Given: facts(released(), sent(), rejected("AC04")), When: report("RJCT AC04")},
		{Name: "the answer to an inquiry counts, also when it says the same", Given: facts(released(), sent(), inFlight("ACSP"), unknown(1)), When: report("ACSP"), Then: facts(inFlight("ACSP"))},
		{Name: "an unknown payment may turn out credited", Given: facts(released(), sent(), unknown(3)), When: report("ACCC R1"), Then: facts(credited())},
		{Name: "a status that nobody knows", Given: facts(released(), sent()), When: report("XXXX"), Problem: "status_unknown"},
		{Name: "a payment that nobody released", When: report("ACTC"), Problem: "payment_unknown"},
		{
			Name: "an attempt of another payment", Given: facts(released()), Problem: "attempt_unknown",
			When: payment.Report{EndToEndID: "SA-OTHER-1", Attempt: 1, Report: bankgateway.Report{Status: "ACCC", BankReference: "R1"}},
		},
		{
			Name: "an attempt that was never made", Given: facts(released()), Problem: "attempt_unknown",
			When: payment.Report{EndToEndID: payment.EndToEndID(id, 2), Attempt: 2, Report: bankgateway.Report{Status: "ACSP"}},
		},
		{
			Name: "a late credit of an attempt before", Given: facts(released(), sent(), rejected("AC04"), reissued()), When: report("ACCC R1"),
			Then: facts(disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "ACCC", BankReference: "R1", Why: payment.Contradictory}),
		},
		{
			Name: "what the gateway set aside is recorded", Given: facts(released(), sent(), credited()),
			When: payment.NoteReport{Report: report("ACSP"), Why: payment.Late}, Then: facts(noted("ACSP", payment.Late)),
		},
		{
			Name: "what the gateway set aside is recorded once", Given: facts(released(), sent(), credited(), noted("ACSP", payment.Late)),
			When: payment.NoteReport{Report: report("ACSP"), Why: payment.Late},
		},
	})
}

func unknown(inquiry int) events.Event {
	return disbursement.PaymentUnknown{Payment: id, Attempt: 1, EndToEndID: payment.EndToEndID(id, 1), Bank: "ICBVVNVX", Inquiry: inquiry}
}

func reissued() events.Event {
	return disbursement.PaymentReissued{Payable: payable(), Target: target(2), By: "treasurer"}
}

func TestSending(t *testing.T) {
	t.Parallel()
	mark := payment.MarkSent{EndToEndID: payment.EndToEndID(id, 1), Attempt: 1, Amount: 540_000}
	other := mark
	other.Amount++
	decidertest.Run(t, []decidertest.Case[payment.Payment]{
		{Name: "the bank's topic has it", Given: facts(released()), When: mark, Then: facts(sent())},
		{Name: "sent twice is sent once", Given: facts(released(), sent(), credited()), When: mark},
		{Name: "another amount is looked at first", Given: facts(released()), When: other, Problem: "amount_differs"},
		{Name: "cash is never sent", Given: facts(disbursement.CashReleased{Payable: payable()}), When: mark, Problem: "attempt_unknown"},
	})
}

func TestTryingAgain(t *testing.T) {
	t.Parallel()
	again := payment.Reissue{Target: disbursement.Target{Bank: "ICBVVNVX", Account: "lan-1", Number: "number-1", Holder: "holder-1"}, By: "treasurer"}
	failed := func(reason string) []events.Event { return facts(released(), sent(), rejected(reason)) }
	decidertest.Run(t, []decidertest.Case[payment.Payment]{
		{Name: "after a rejection", Given: failed("AC04"), When: again, Then: facts(reissued())},
		{Name: "after a return", Given: facts(released(), sent(), credited(), returned("AC04")), When: again, Then: facts(reissued())},
		{Name: "never after a duplicate", Given: failed("AM05"), When: again, Problem: "payment_duplicate"},
		{Name: "never after a duplicate by its other name", Given: failed("DU03"), When: again, Problem: "payment_duplicate"},
		{Name: "after a death that nobody died", Given: failed("MD07"), When: again, Then: facts(reissued())},
		{Name: "not after a time-out that nobody inquired about", Given: failed("TM01"), When: again, Problem: "inquire_first"},
		{Name: "after a time-out that the bank answered about", Given: facts(released(), sent(), unknown(1), rejected("TM01")), When: again, Then: facts(reissued())},
		{Name: "not while it is unknown", Given: facts(released(), sent(), unknown(1)), When: again, Problem: "payment_not_failed"},
		{Name: "not while it is in flight", Given: facts(released(), sent(), inFlight("ACSP")), When: again, Problem: "payment_not_failed"},
		{Name: "not what was credited", Given: facts(released(), sent(), credited()), When: again, Problem: "payment_not_failed"},
		{Name: "not when the bank contradicts itself", Given: facts(released(), sent(), rejected("AC04"), noted("ACCC", payment.Contradictory)), When: again, Problem: "payment_contested"},
		{
			Name: "after the contradiction was settled by a return", When: again, Then: facts(reissued()),
			Given: facts(released(), sent(), rejected("AC04"), noted("ACCC", payment.Contradictory), noted("RTND", payment.Late)),
		},
		{
			Name: "after the return of a credit that was heard of after it", When: again, Then: facts(reissued()),
			Given: facts(released(), sent(), rejected("AC04"), noted("RTND", payment.Contradictory), noted("ACCC", payment.Contradictory)),
		},
		{
			Name: "after a second rejection for another reason", When: again, Then: facts(reissued()),
			Given: facts(released(), sent(), rejected("AC04"), noted("RJCT", payment.Contradictory)),
		},
		{
			Name: "not while one of two credits is still out", When: again, Problem: "payment_contested",
			Given: facts(released(), sent(), credited(), noted("ACCC", payment.Contradictory), returned("AC04")),
		},
		{
			Name: "after both credits came back", When: again, Then: facts(reissued()),
			Given: facts(released(), sent(), credited(), noted("ACCC", payment.Contradictory), returned("AC04"), noted("RTND", payment.Contradictory)),
		},
		{
			Name: "after one return when the bank said paid and rejected", When: again, Then: facts(reissued()),
			Given: facts(released(), sent(), credited(), noted("RJCT", payment.Contradictory), returned("AC04")),
		},
		{Name: "not without an account", Given: failed("AC04"), When: payment.Reissue{By: "treasurer"}, Problem: "no_account"},
		{Name: "not what nobody released", When: again, Problem: "payment_unknown"},
	})
}

func TestCash(t *testing.T) {
	t.Parallel()
	cash := disbursement.CashReleased{Payable: payable(), Reason: "no_account"}
	pay := payment.Cash{CollectedOn: "2026-11-21", Receipt: "PC-12", By: "cashier"}
	alone := payment.Cash{CollectedOn: "2026-11-21", Receipt: "PC-12", By: "treasurer"}
	paid := disbursement.CashPaid{Payment: id, CollectedOn: "2026-11-21", Receipt: "PC-12", By: "cashier"}
	moved := disbursement.MovedToCash{Payment: id, By: "treasurer"}
	decidertest.Run(t, []decidertest.Case[payment.Payment]{
		{Name: "is handed over", Given: facts(cash), When: pay, Then: facts(paid)},
		{Name: "is handed over once", Given: facts(cash, paid), When: pay, Problem: "payment_not_failed"},
		{Name: "takes the place of a rejected payment", Given: facts(released(), sent(), rejected("AC04")), When: payment.Cash{By: "treasurer"}, Then: facts(moved)},
		{Name: "does not take its place and is handed over at once", Given: facts(released(), sent(), rejected("AC04")), When: pay, Problem: "not_moved_to_cash"},
		{Name: "that took its place is handed over", Given: facts(released(), sent(), rejected("AC04"), moved), When: pay, Then: facts(paid)},
		{Name: "is not handed over by whoever moved it", Given: facts(released(), sent(), rejected("AC04"), moved), When: alone, Problem: "same_person"},
		{Name: "does not take the place of a duplicate", Given: facts(released(), sent(), rejected("DUPL")), When: pay, Problem: "payment_duplicate"},
		{Name: "does not take the place of what is in flight", Given: facts(released(), sent()), When: pay, Problem: "payment_not_failed"},
		{
			Name: "is not handed over when the bank credited after all", When: pay, Problem: "payment_contested",
			Given: facts(released(), sent(), rejected("AC04"), moved, noted("ACCC", payment.Contradictory)),
		},
		{
			Name: "is handed over when that credit came back", When: pay, Then: facts(paid),
			Given: facts(released(), sent(), rejected("AC04"), moved, noted("ACCC", payment.Contradictory), noted("RTND", payment.Late)),
		},
		{Name: "is not handed over tomorrow", Given: facts(cash), When: payment.Cash{CollectedOn: "2026-11-22", Receipt: "PC-12"}, Problem: "invalid_body"},
		{Name: "needs a receipt", Given: facts(cash), When: payment.Cash{CollectedOn: "2026-11-21"}, Problem: "invalid_body"},
		{Name: "needs a day", Given: facts(cash), When: payment.Cash{Receipt: "PC-12"}, Problem: "invalid_body"},
		{Name: "is not moved to cash again", Given: facts(cash), When: payment.Cash{}, Problem: "cash_not_collected"},
	})
}

func TestRecallInquiryAndCarrying(t *testing.T) {
	t.Parallel()
	recall := payment.Recall{Reason: "CUST", By: "treasurer"}
	requested := disbursement.RecallRequested{
		Payment: id, Attempt: 1, EndToEndID: payment.EndToEndID(id, 1), Bank: "ICBVVNVX", Reason: "CUST", By: "treasurer",
	}
	withdrawn2 := disbursement.PaymentWithdrawn{Payment: id, Attempt: 2, Reason: "already_paid"}
	carried := func(from string) events.Event {
		return disbursement.PaymentCarriedForward{Payment: id, From: from}
	}
	decidertest.Run(t, []decidertest.Case[payment.Payment]{
		{Name: "the bank is asked for the money", Given: facts(released(), sent(), credited()), When: recall, Then: facts(requested)},
		{Name: "the bank is asked once", Given: facts(released(), sent(), credited(), requested), When: recall, Problem: "recall_requested"},
		{Name: "what no bank has is not recalled", Given: facts(released()), When: recall, Problem: "payment_not_at_bank"},
		{Name: "a contradiction can be recalled", Given: facts(released(), sent(), rejected("AC04"), noted("ACCC", payment.Contradictory)), When: recall, Then: facts(requested)},
		{
			Name: "so can the one about an attempt before, when the next was not sent", When: recall, Then: facts(requested),
			Given: facts(released(), sent(), rejected("AC04"), reissued(), noted("ACCC", payment.Contradictory), withdrawn2),
		},
		{
			Name: "once", When: recall, Problem: "recall_requested",
			Given: facts(released(), sent(), rejected("AC04"), reissued(), noted("ACCC", payment.Contradictory), withdrawn2, requested),
		},
		{Name: "silence makes it unknown", Given: facts(released(), sent()), When: payment.Inquire{Facts: 2}, Then: facts(unknown(1))},
		{Name: "silence after silence is the next inquiry", Given: facts(released(), sent(), unknown(1)), When: payment.Inquire{Facts: 3}, Then: facts(unknown(2))},
		{Name: "news since then are no silence", Given: facts(released(), sent(), inFlight("ACSP")), When: payment.Inquire{Facts: 2}},
		{Name: "what is credited is not inquired about", Given: facts(released(), sent(), credited()), When: payment.Inquire{Facts: 3}},
		{Name: "some time it is for people", Given: facts(released(), sent(), unknown(payment.MostInquiries)), When: payment.Inquire{Facts: 3}},
		{Name: "the rejected is carried forward", Given: facts(released(), sent(), rejected("AC04")), When: payment.CarryForward{}, Then: facts(carried(payment.Rejected))},
		{Name: "the returned is carried forward", Given: facts(released(), sent(), credited(), returned("AC04")), When: payment.CarryForward{}, Then: facts(carried(payment.Returned))},
		{Name: "the uncollected is carried forward", Given: facts(disbursement.CashReleased{Payable: payable()}), When: payment.CarryForward{}, Then: facts(carried(payment.CashPending))},
		{Name: "once", Given: facts(released(), sent(), rejected("AC04"), carried(payment.Rejected)), When: payment.CarryForward{}},
		{Name: "what was paid is not carried forward", Given: facts(released(), sent(), credited()), When: payment.CarryForward{}, Problem: "payment_not_unpaid"},
		{Name: "a duplicate is not carried forward", Given: facts(released(), sent(), rejected("AM05")), When: payment.CarryForward{}, Problem: "payment_not_unpaid"},
		{Name: "a time-out that nobody inquired about is not carried forward", Given: facts(released(), sent(), rejected("TM01")), When: payment.CarryForward{}, Problem: "payment_not_unpaid"},
		{
			Name: "a time-out that the bank answered about is carried forward", When: payment.CarryForward{}, Then: facts(carried(payment.Rejected)),
			Given: facts(released(), sent(), unknown(1), rejected("TM01")),
		},
		{
			Name: "what is rejected for a death is carried forward, because its list gives the money back", Given: facts(released(), sent(), rejected("MD07")),
			When: payment.CarryForward{}, Then: facts(carried(payment.Rejected)),
		},
		{
			Name: "what came back for a death lies with its list", Given: facts(released(), sent(), credited(), returned("MD07")),
			When: payment.CarryForward{}, Problem: "payment_not_unpaid",
		},
		{
			Name: "cash of somebody whom the bank calls deceased is not carried into an account", When: payment.CarryForward{}, Problem: "payment_not_unpaid",
			Given: facts(released(), sent(), rejected("MD07"), disbursement.MovedToCash{Payment: id, By: "treasurer"}),
		},
		{Name: "what was recalled is not carried forward", Given: facts(released(), sent(), credited(), requested, returned("CUST")), When: payment.CarryForward{}, Problem: "payment_not_unpaid"},
	})
}

func TestAClosedListCarriesWhatItGivesToNobody(t *testing.T) {
	t.Parallel()
	late := payment.CarryForward{Late: true}
	again := append(facts(released(), sent(), credited(), returned("AC04")), reissued(), disbursement.PaymentRejected{Payment: id, Attempt: 2, Reason: "AC04"})
	noted := func(attempt int, status, booking string) events.Event {
		return disbursement.ReportNoted{Payment: id, Attempt: attempt, Status: status, BankReference: booking, Why: payment.Contradictory}
	}
	carried := facts(disbursement.PaymentCarriedForward{Payment: id, From: payment.Rejected})
	decidertest.Run(t, []decidertest.Case[payment.Payment]{
		{Name: "what was rejected", Given: facts(released(), sent(), rejected("AC04")), When: late, Then: carried},
		{Name: "not what came back, which lies with the list", Given: facts(released(), sent(), credited(), returned("AC04")), When: late, Problem: "payment_not_unpaid"},
		{Name: "nor what was tried again with that", Given: again, When: late, Problem: "payment_not_unpaid"},
		{Name: "which an open list carries", Given: again, When: payment.CarryForward{}, Then: carried},
		{Name: "nor what the bank contradicts itself about", Given: append(again[:6:6], noted(2, "ACCC", "R2")), When: late, Problem: "payment_not_unpaid"},
		{
			Name: "nor when that is settled", Given: append(again[:6:6], noted(2, "ACCC", "R2"), noted(2, "RTND", "R3")), When: late,
			Problem: "payment_not_unpaid",
		},
		{
			Name: "but what a list gave back while it was contested", When: late, Then: carried,
			Given: facts(released(), sent(), rejected("AC04"), noted(1, "ACCC", "R2"), noted(1, "RTND", "R3")),
		},
		{Name: "not a duplicate", Given: facts(released(), sent(), rejected("AM05")), When: late, Problem: "payment_not_unpaid"},
	})
}

func TestWhatComesBackAfterARecallIsRecalled(t *testing.T) {
	t.Parallel()
	requested := disbursement.RecallRequested{Payment: id, Attempt: 1, Reason: "CUST"}
	got := decider.Fold(payment.Payment{}, released(), sent(), credited(), requested, returned("CUST"))
	if got.Status != payment.Recalled || got.Current.Outcome != payment.Returned {
		t.Fatalf("it is %s with outcome %s", got.Status, got.Current.Outcome)
	}
}

func TestAnAttemptKeepsWhatItWas(t *testing.T) {
	t.Parallel()
	before := decider.Fold(payment.Payment{}, released(), sent(), rejected("AC04"))
	after := decider.Fold(before, reissued(), noted("ACCC", payment.Contradictory))
	if before.Contested() || !after.Contested() || after.Current.Contested || len(before.Earlier) != 0 {
		t.Fatalf("the attempts are mixed up: %+v", after)
	}
	if diff := cmp.Diff(target(1), after.Earlier[0].Target); diff != "" {
		t.Fatal(diff)
	}
}

func TestNamesForBanksAreTheSameForEverAndFitTheirRules(t *testing.T) {
	t.Parallel()
	allowed := regexp.MustCompile(`^[A-Z0-9-]{1,35}$`)
	uuid4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for attempt := 1; attempt <= 99; attempt++ {
		to := target(attempt)
		if !allowed.MatchString(to.EndToEndID) || !uuid4.MatchString(to.UETR()) {
			t.Fatalf("attempt %d is %s, %s", attempt, to.EndToEndID, to.UETR())
		}
	}
	if got := target(1); got.EndToEndID != "SA-ABCDEFGHIJKLMNOPQRSTUVWX23-1" || got.UETR() != "94bc5f72-7a03-4939-b861-cc5e7cbc8dfe" {
		t.Fatalf("they changed: %s, %s", got.EndToEndID, got.UETR())
	}
}
