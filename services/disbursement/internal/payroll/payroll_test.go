package payroll_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/events/eventstest"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

type facts = []events.Event

func TestEveryFactHasACase(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[payroll.Payroll](t, disbursement.PayrollFacts())
}

func TestPrivateFactsStayReadable(t *testing.T) {
	t.Parallel()
	eventstest.Goldens(t, "testdata", payroll.PrivateFacts())
}

// The facts of a list's life.
func drafted() disbursement.PayrollDrafted {
	return disbursement.PayrollDrafted{
		Payroll: "L1", Draft: 1, Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"}, Programme: "social_pension",
		Month: "2026-11", AsOf: "2026-10-21", By: "lan",
	}
}

func computed() disbursement.PayrollComputed {
	return disbursement.PayrollComputed{Payroll: "L1", Draft: 1, Lines: 2, ByAccount: 1, InCash: 1, Total: 1000, Hash: "h", Rules: "r"}
}

func until(last string) facts {
	all := facts{
		drafted(), computed(),
		disbursement.PayrollSubmitted{Payroll: "L1", Hash: "h", By: "lan"},
		disbursement.PayrollChecked{Payroll: "L1", Hash: "h", By: "an"},
		disbursement.PayrollApproved{Payroll: "L1", Hash: "h", Total: 1000, By: "chi"},
		disbursement.PayrollFunded{Payroll: "L1", Amount: 1000, Reference: "KB1", By: "tam"},
		disbursement.PayrollReleased{Payroll: "L1", Hash: "h", By: "tam"},
		disbursement.ReleaseCompleted{Payroll: "L1", Payments: 2, Total: 1000},
		disbursement.PayrollClosed{Payroll: "L1", By: "tam"},
	}
	for i, e := range all {
		if e.EventName() == "disbursement."+last+".v1" {
			return all[: i+1 : i+1]
		}
	}
	return nil
}

func TestMakingAndApproving(t *testing.T) {
	t.Parallel()
	again := drafted()
	again.Draft = 2
	rejected := append(until("payroll_submitted"), disbursement.PayrollRejected{Payroll: "L1", Draft: 1, Note: "V1", By: "an"})
	draft := payroll.Draft{Payroll: "L1", Unit: again.Unit, Programme: again.Programme, Month: again.Month, AsOf: again.AsOf, By: "lan"}
	byAnother := draft
	byAnother.By = "an"
	empty := computed()
	empty.Lines = 0
	decidertest.Run(t, []decidertest.Case[payroll.Payroll]{
		{Name: "a list is drafted", When: draft, Then: facts{drafted()}},
		{Name: "a list that is under way is not drafted again", Given: until("payroll_drafted"), When: draft, Problem: "payroll_exists"},
		{Name: "a rejected list is drafted again", Given: rejected, When: draft, Then: facts{again}},
		{Name: "a result is recorded once", Given: until("payroll_computed"), When: payroll.Compute(computed())},
		{Name: "the result of a rejected draft is dropped", Given: rejected, When: payroll.Compute(computed())},
		{Name: "a list is not handed over before it is computed", Given: until("payroll_drafted"), When: payroll.Submit{By: "lan"}, Problem: "payroll_not_computed"},
		{Name: "an empty list is not handed over", Given: facts{drafted(), empty}, When: payroll.Submit{By: "lan"}, Problem: "payroll_empty"},
		{Name: "other lines than those seen are not handed over", Given: until("payroll_computed"), When: payroll.Submit{Hash: "x", By: "lan"}, Problem: "hash_differs"},
		{
			Name: "a list is handed over by another maker", Given: until("payroll_computed"), When: payroll.Submit{Hash: "h", By: "mai"},
			Then: facts{disbursement.PayrollSubmitted{Payroll: "L1", Hash: "h", By: "mai"}},
		},
		{Name: "the maker does not check", Given: until("payroll_submitted"), When: payroll.Check{By: "lan"}, Problem: "same_person"},
		{Name: "nobody without a name checks", Given: until("payroll_submitted"), When: payroll.Check{}, Problem: "same_person"},
		{Name: "the checker does not approve", Given: until("payroll_checked"), When: payroll.Approve{By: "an"}, Problem: "same_person"},
		{Name: "the maker does not approve", Given: until("payroll_checked"), When: payroll.Approve{By: "lan"}, Problem: "same_person"},
		{Name: "nothing is approved unchecked", Given: until("payroll_submitted"), When: payroll.Approve{By: "chi"}, Problem: "payroll_state"},
		{Name: "who checked a draft does not make the next one", Given: append(until("payroll_checked"), disbursement.PayrollRejected{Payroll: "L1", Draft: 1}), When: byAnother, Problem: "same_person"},
		{
			Name: "an approved list without money can still be rejected", Given: until("payroll_approved"), When: payroll.Reject{Note: "V1", By: "chi"},
			Then: facts{disbursement.PayrollRejected{Payroll: "L1", Draft: 1, Note: "V1", By: "chi"}},
		},
		{Name: "a funded list cannot be rejected", Given: until("payroll_funded"), When: payroll.Reject{By: "chi"}, Problem: "payroll_state"},
		{Name: "an unknown list is not checked", When: payroll.Check{By: "an"}, Problem: "payroll_unknown"},
	})
}

func TestFundingAndReleasing(t *testing.T) {
	t.Parallel()
	part := append(until("payroll_approved"), disbursement.PayrollFunded{Payroll: "L1", Amount: 600, Reference: "KB1", By: "tam"})
	removed := disbursement.LineRemoved{Payroll: "L1", Line: "P1", Reason: "died", Amount: 400}
	remove := payroll.Removal{Line: "P1", Reason: "died", Amount: 400}
	paid := payroll.Removal{Line: "P2", Reason: disbursement.AlreadyPaid, Amount: 600}
	alreadyPaid := disbursement.LineRemoved{Payroll: "L1", Line: "P2", Reason: "already_paid", Amount: 600}
	release := disbursement.PayrollReleased{Payroll: "L1", Hash: "h", By: "tam"}
	decidertest.Run(t, []decidertest.Case[payroll.Payroll]{
		{Name: "the approver does not fund", Given: until("payroll_approved"), When: payroll.Fund{Amount: 1, Reference: "KB1", By: "chi"}, Problem: "same_person"},
		{Name: "nothing is funded before it is approved", Given: until("payroll_checked"), When: payroll.Fund{Amount: 1, Reference: "KB1", By: "tam"}, Problem: "payroll_state"},
		{Name: "no more is provided than was approved", Given: part, When: payroll.Fund{Amount: 401, Reference: "KB2", By: "tam"}, Problem: "invalid_body"},
		{Name: "an order counts once", Given: part, When: payroll.Fund{Amount: 1, Reference: "KB1", By: "tam"}, Problem: "invalid_body"},
		{Name: "an amount beyond all amounts is refused", Given: part, When: payroll.Fund{Amount: money.Max, Reference: "KB2", By: "tam"}, Problem: "invalid_body"},
		{Name: "nothing is released that is not funded", Given: part, When: payroll.Release{Hash: "h", By: "tam"}, Problem: "insufficient_funds"},
		{Name: "what is removed need not be funded", Given: part, When: payroll.Release{Hash: "h", Removals: []payroll.Removal{remove, remove}, By: "tam"}, Then: facts{removed, release}},
		{Name: "other lines are not released", Given: until("payroll_funded"), When: payroll.Release{Hash: "x", By: "tam"}, Problem: "hash_differs"},
		{Name: "the approver does not release", Given: until("payroll_funded"), When: payroll.Release{Hash: "h", By: "chi"}, Problem: "same_person"},
		{Name: "a list is released", Given: until("payroll_funded"), When: payroll.Release{Hash: "h", By: "tam"}, Then: facts{release}},
		{Name: "where there are two treasurers, who funds does not release", Given: until("payroll_funded"), When: payroll.Release{Hash: "h", By: "tam", TwoTreasurers: true}, Problem: "same_person"},
		{
			Name: "but the other one does", Given: until("payroll_funded"), When: payroll.Release{Hash: "h", By: "thu", TwoTreasurers: true},
			Then: facts{disbursement.PayrollReleased{Payroll: "L1", Hash: "h", By: "thu"}},
		},
		{Name: "nor does who entered a part of the money", Given: append(part[:len(part):len(part)], disbursement.PayrollFunded{Payroll: "L1", Amount: 400, Reference: "KB2", By: "thu"}), When: payroll.Release{Hash: "h", By: "tam", TwoTreasurers: true}, Problem: "same_person"},
		{Name: "a list is released once", Given: until("payroll_released"), When: payroll.Release{Hash: "h", By: "tam"}, Problem: "payroll_released"},
		{Name: "a line is removed once", Given: append(until("payroll_approved"), removed), When: payroll.Remove{Lines: []payroll.Removal{remove}}},
		{Name: "nothing is removed from a draft", Given: until("payroll_submitted"), When: payroll.Remove{Lines: []payroll.Removal{remove}}},
		{Name: "nothing is removed once all is paid", Given: until("release_completed"), When: payroll.Remove{Lines: []payroll.Removal{remove}}},
		{Name: "nothing is removed from outside while a list is being released", Given: until("payroll_released"), When: payroll.Remove{Lines: []payroll.Removal{remove, paid}}},
		{Name: "the releaser withholds what was stopped or paid already, once", Given: append(until("payroll_released"), removed), When: payroll.Withhold{Lines: []payroll.Removal{remove, paid}}, Then: facts{alreadyPaid}},
		{Name: "nothing is withheld before the release", Given: until("payroll_approved"), When: payroll.Withhold{Lines: []payroll.Removal{remove}}},
		{Name: "nothing is withheld once all is paid", Given: until("release_completed"), When: payroll.Withhold{Lines: []payroll.Removal{remove}}},
		{Name: "a release that does not add up is not complete", Given: until("payroll_released"), When: payroll.Complete{Payments: 2, Total: 999}, Problem: "release_differs"},
		{Name: "a release that lost a line is not complete", Given: until("payroll_released"), When: payroll.Complete{Payments: 1, Total: 1000}, Problem: "release_differs"},
		{
			Name: "payments and removed lines are what was approved", Given: append(until("payroll_released"), removed), When: payroll.Complete{Payments: 1, Total: 600},
			Then: facts{disbursement.ReleaseCompleted{Payroll: "L1", Payments: 1, Total: 600, Removed: 1, RemovedTotal: 400}},
		},
		{Name: "a release is completed once", Given: until("release_completed"), When: payroll.Complete{Payments: 2, Total: 1000}},
		{Name: "a list is not closed while it is being released", Given: until("payroll_released"), When: payroll.Close{By: "tam"}, Problem: "release_not_complete"},
		{
			Name: "a list is closed", Given: until("release_completed"), When: payroll.Close{CarriedForward: 1, Carried: 400, By: "tam"},
			Then: facts{disbursement.PayrollClosed{Payroll: "L1", CarriedForward: 1, Carried: 400, By: "tam"}},
		},
		{Name: "a closed list stays closed", Given: until("payroll_closed"), When: payroll.Close{CarriedForward: 2, By: "tam"}},
		{Name: "a list is not closed before it is released", Given: until("payroll_funded"), When: payroll.Close{By: "tam"}, Problem: "payroll_state"},
	})
}

func TestFundsThatSufficeAfterARemovalMakeTheListFunded(t *testing.T) {
	t.Parallel()
	p := decider.Fold(payroll.Payroll{}, append(until("payroll_approved"),
		disbursement.PayrollFunded{Payroll: "L1", Amount: 600, Reference: "KB1", By: "tam"})...)
	if p.Status != payroll.Approved || p.Payable() != 1000 {
		t.Fatalf("partly funded: %s, %d", p.Status, p.Payable())
	}
	p = p.Evolve(disbursement.LineRemoved{Payroll: "L1", Line: "P1", Amount: 400})
	if p.Status != payroll.Funded || p.Payable() != 600 {
		t.Fatalf("after the removal: %s, %d", p.Status, p.Payable())
	}
}

func TestTheHashIsOverEveryFieldAndTheOrder(t *testing.T) {
	t.Parallel()
	line := payroll.Line{
		Payment: "P1", Beneficiary: "B1", Mark: "M1", Enrolments: []string{"E1"}, Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"},
		Month: "2026-11", Kind: payroll.CarriedForward, Origin: "P0", Amount: 500, Method: payroll.ByAccount, CashReason: "-", Account: "A1",
		Bank: "BFTVVNVX", Number: "V1", Holder: "V2", Signals: []string{"identity"}, Held: false,
	}
	seen := map[string]string{hashOf(t, line): "the line"}
	for name, change := range map[string]func(*payroll.Line){
		"payment": func(l *payroll.Line) { l.Payment += "x" }, "beneficiary": func(l *payroll.Line) { l.Beneficiary += "x" },
		"mark": func(l *payroll.Line) { l.Mark += "x" }, "enrolments": func(l *payroll.Line) { l.Enrolments = []string{"E1", "E2"} },
		"unit": func(l *payroll.Line) { l.Unit.Code = "00008" }, "unit from": func(l *payroll.Line) { l.Unit.ValidFrom = "2026-07-01" },
		"month": func(l *payroll.Line) { l.Month = "2026-12" }, "kind": func(l *payroll.Line) { l.Kind = payroll.Arrears },
		"origin": func(l *payroll.Line) { l.Origin = "" }, "instead of": func(l *payroll.Line) { l.InsteadOf = []string{"P0"} },
		"amount":  func(l *payroll.Line) { l.Amount++ },
		"granted": func(l *payroll.Line) { l.Granted++ }, "covered": func(l *payroll.Line) { l.Covered++ },
		"method": func(l *payroll.Line) { l.Method = payroll.InCash }, "reason": func(l *payroll.Line) { l.CashReason = "" },
		"account": func(l *payroll.Line) { l.Account = "A2" }, "bank": func(l *payroll.Line) { l.Bank = "BIDVVNVX" },
		"number": func(l *payroll.Line) { l.Number = "V3" }, "holder": func(l *payroll.Line) { l.Holder = "V3" },
		"signals": func(l *payroll.Line) { l.Signals = nil }, "held": func(l *payroll.Line) { l.Held = true },
		"a field's end": func(l *payroll.Line) { l.Payment, l.Beneficiary = "P1B", "1" },
	} {
		other := line
		change(&other)
		hash := hashOf(t, other)
		if before, known := seen[hash]; known {
			t.Errorf("%s hashes as %s", name, before)
		}
		seen[hash] = name
	}
	other := line
	other.Payment = "P2"
	if hashOf(t, line, other) == hashOf(t, other, line) {
		t.Error("the order does not count")
	}
	const frozen = "5ade1be3a7d939d0eeb42357e90e83ea32b898b6425f2f8babdc713972ccdc71"
	if got := hashOf(t, line); got != frozen {
		t.Errorf("the form of a line changed: %s", got)
	}
}

func hashOf(t *testing.T, lines ...payroll.Line) string {
	t.Helper()
	var tally payroll.Tally
	if err := tally.Add(lines...); err != nil {
		t.Fatal(err)
	}
	return tally.Hash()
}

func TestATallyCountsWhatIsPaid(t *testing.T) {
	t.Parallel()
	var tally payroll.Tally
	err := tally.Add(
		payroll.Line{Payment: "1", Amount: 10, Method: payroll.ByAccount}, payroll.Line{Payment: "2", Amount: 5, Method: payroll.InCash},
		payroll.Line{Payment: "3", Amount: 99, Method: payroll.ByAccount, Held: true})
	if err != nil {
		t.Fatal(err)
	}
	got := [4]int{tally.Lines, tally.ByAccount, tally.InCash, tally.Held}
	if diff := cmp.Diff([4]int{2, 1, 1, 1}, got); diff != "" || tally.Total != 15 {
		t.Fatal(diff, tally.Total)
	}
	if err := tally.Add(payroll.Line{Amount: money.Max}); err == nil {
		t.Fatal("an overflow went through")
	}
}
