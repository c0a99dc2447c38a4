package opening_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/bankgateway/internal/opening"
)

const icb = "ICBVVNVX"

func sent() events.Event {
	return bankgateway.OpeningSent{Account: "b-1", Beneficiary: "b", Bank: icb, Holder: "r"}
}

func opened(match string, biometric bool) opening.Hear {
	return opening.Hear{Bank: icb, Status: opening.Opened, Number: "n1", Mark: "m1", HolderMatch: match, Biometric: biometric}
}

func elsewhere() opening.Hear {
	h := opened(opening.Match, false)
	h.Number, h.Mark = "n2", "m2"
	return h
}

func refused() opening.Hear {
	return opening.Hear{Bank: icb, Status: opening.Refused, Reason: "not_a_customer"}
}

func asked() opening.Hear {
	return opening.Hear{Bank: icb, Status: opening.NeedsInformation, Reason: "photo_missing"}
}

func reported(h opening.Hear) events.Event {
	return bankgateway.OpeningReported{
		Account: "b-1", Beneficiary: "b", Bank: icb, Status: h.Status, Reason: h.Reason, Number: h.Number, Mark: h.Mark,
		HolderMatch: h.HolderMatch, Biometric: h.Biometric,
	}
}

func aside(h opening.Hear, why string) events.Event {
	return bankgateway.OpeningReportSetAside{
		Account: "b-1", Bank: icb, Status: h.Status, Reason: h.Reason, Mark: h.Mark, HolderMatch: h.HolderMatch, Why: why,
	}
}

func TestEveryFactHasACase(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[opening.Opening](t, bankgateway.OpeningFacts())
}

func TestWhatIsSaidToTheBank(t *testing.T) {
	t.Parallel()
	send := opening.Send(bankgateway.OpeningSent{Account: "b-1", Beneficiary: "b", Bank: icb, Holder: "r"})
	held := bankgateway.OpeningHeld{Account: "b-1", Bank: icb, Reason: "holder_erased"}
	decidertest.Run(t, []decidertest.Case[opening.Opening]{
		{Name: "an account is asked for", When: send, Then: []events.Event{sent()}},
		{Name: "an account is asked for once", Given: []events.Event{sent()}, When: send},
		{Name: "what cannot be sent is held", When: opening.Hold(held), Then: []events.Event{held}},
		{Name: "what is held is held once", Given: []events.Event{held}, When: opening.Hold(held)},
		{Name: "what was sent is not held", Given: []events.Event{sent()}, When: opening.Hold(held)},
		{
			Name: "what is held is resumed", Given: []events.Event{held}, When: opening.Resume{},
			Then: []events.Event{bankgateway.OpeningResumed{Account: "b-1", Bank: icb}},
		},
		{Name: "what is not held is not resumed", Given: []events.Event{sent()}, When: opening.Resume{}},
	})
}

func TestWhatABankReports(t *testing.T) {
	t.Parallel()
	match, noMatch, active := opened(opening.Match, false), opened(opening.NoMatch, false), opened(opening.Match, true)
	closeMatch := opened(opening.CloseMatch, false)
	unsealed := match
	unsealed.Number = ""
	other := match
	other.Bank = "BIDVVNVX"
	decidertest.Run(t, []decidertest.Case[opening.Opening]{
		{Name: "it opens the account", Given: []events.Event{sent()}, When: match, Then: []events.Event{reported(match)}},
		{Name: "it says so twice", Given: []events.Event{sent(), reported(match)}, When: match},
		{Name: "it asks first", Given: []events.Event{sent()}, When: asked(), Then: []events.Event{reported(asked())}},
		{Name: "it opens after it asked", Given: []events.Event{sent(), reported(asked())}, When: match, Then: []events.Event{reported(match)}},
		{Name: "it asks after it opened", Given: []events.Event{sent(), reported(match)}, When: asked(), Then: []events.Event{aside(asked(), "late")}},
		{Name: "it asks after it refused", Given: []events.Event{sent(), reported(refused())}, When: asked(), Then: []events.Event{aside(asked(), "late")}},
		{Name: "it refuses after it opened", Given: []events.Event{sent(), reported(match)}, When: refused(), Then: []events.Event{aside(refused(), "contradictory")}},
		{Name: "it opens after it refused", Given: []events.Event{sent(), reported(refused())}, When: match, Then: []events.Event{aside(match, "contradictory")}},
		{Name: "it opens another one", Given: []events.Event{sent(), reported(match)}, When: elsewhere(), Then: []events.Event{aside(elsewhere(), "contradictory")}},
		{
			Name: "it says so again", Given: []events.Event{sent(), reported(match), aside(elsewhere(), "contradictory")}, When: elsewhere(),
		},
		{Name: "the holder passes the check", Given: []events.Event{sent(), reported(match)}, When: active, Then: []events.Event{reported(active)}},
		{Name: "the check is not undone", Given: []events.Event{sent(), reported(active)}, When: match, Then: []events.Event{aside(match, "late")}},
		{Name: "the name is mended", Given: []events.Event{sent(), reported(noMatch)}, When: closeMatch, Then: []events.Event{reported(closeMatch)}},
		{Name: "the number is mended with the name", Given: []events.Event{sent(), reported(noMatch)}, When: elsewhere(), Then: []events.Event{reported(elsewhere())}},
		{Name: "the name is not spoilt", Given: []events.Event{sent(), reported(match)}, When: noMatch, Then: []events.Event{aside(noMatch, "contradictory")}},
		{Name: "a name that came close is given as it is", Given: []events.Event{sent(), reported(closeMatch)}, When: match, Then: []events.Event{reported(match)}},
		{Name: "nor described otherwise", Given: []events.Event{sent(), reported(match)}, When: closeMatch, Then: []events.Event{aside(closeMatch, "late")}},
		{Name: "nothing was asked for", When: match, Problem: "request_unknown"},
		{Name: "another bank was asked", Given: []events.Event{sent()}, When: other, Problem: "request_of_other_bank"},
		{Name: "the number was not sealed", Given: []events.Event{sent()}, When: unsealed, Problem: "number_not_sealed"},
	})
}

func TestAnAccountThatStandsIsNotExchanged(t *testing.T) {
	t.Parallel()
	all := []opening.Hear{
		opened(opening.Match, false), opened(opening.Match, true), opened(opening.NoMatch, false), opened(opening.CloseMatch, true),
		elsewhere(), refused(), asked(),
	}
	rapid.Check(t, func(t *rapid.T) {
		state := decider.Fold(opening.Opening{}, sent())
		for _, h := range rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, "reports") {
			facts, err := h.Decide(state, decider.Meta{})
			if err != nil {
				t.Fatal(err)
			}
			next := decider.Fold(state, facts...)
			if state.Settled() && (next.Last.Mark != state.Last.Mark || next.Last.Number != state.Last.Number || !next.Settled()) {
				t.Fatalf("%+v became %+v", state.Last, next.Last)
			}
			if again, err := h.Decide(next, decider.Meta{}); err != nil || len(again) > 0 {
				t.Fatalf("a repetition is %v: %v", again, err)
			}
			if reports := len(facts) > 0 && facts[0].EventName() == (bankgateway.OpeningReported{}).EventName(); reports != h.Counts(state) {
				t.Fatalf("it counts as %t: %v", h.Counts(state), facts)
			}
			state = next
		}
	})
}

func TestAReportThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	good := bank.AccountOpeningReported{RequestID: "b-1", Status: "opened", AccountNumber: "103872200345", HolderName: "NGUYEN VAN AN"}
	for _, c := range []struct {
		name, want string
		change     func(*bank.AccountOpeningReported)
	}{
		{"a good one", "", func(*bank.AccountOpeningReported) {}},
		{"an unknown status", "status_unknown", func(r *bank.AccountOpeningReported) { r.Status = "maybe" }},
		{"a refusal without a reason", "reason_unknown", func(r *bank.AccountOpeningReported) { r.Status = "refused" }},
		{"a sentence for a reason", "reason_unknown", func(r *bank.AccountOpeningReported) { r.Status, r.Reason = "refused", "Mr An is dead" }},
		{"a reason to open", "reason_unknown", func(r *bank.AccountOpeningReported) { r.Reason = "why_not" }},
		{"no number", "account_number_malformed", func(r *bank.AccountOpeningReported) { r.AccountNumber = "" }},
		{"a number with spaces", "account_number_malformed", func(r *bank.AccountOpeningReported) { r.AccountNumber = "1038 7220" }},
		{"no holder", "holder_name_missing", func(r *bank.AccountOpeningReported) { r.HolderName = " " }},
		{"a number without an account", "account_not_opened", func(r *bank.AccountOpeningReported) { r.Status, r.Reason = "refused", "no_photo" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			report := good
			c.change(&report)
			err := opening.Check(report)
			if c.want == "" && err != nil || c.want != "" && problem.CodeOf(err) != c.want {
				t.Fatalf("refused with %v instead of %s", err, c.want)
			}
		})
	}
}

func TestHowTheHoldersNameCompares(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ theirs, want string }{
		{"Nguyễn Văn An", opening.Match},
		{"NGUYỄN VĂN  AN", opening.Match},
		{"NGUYEN VAN AN", opening.CloseMatch},
		{"Nguyễn Vân An", opening.CloseMatch},
		{"N*** V** A*", opening.CloseMatch},
		{"N*** V** A**", opening.CloseMatch},
		{"NGUYEN V*** AN", opening.CloseMatch},
		{"N****N V*N A*", opening.CloseMatch},
		{"NGUYEN *** AN", opening.NoMatch},
		{"*** *** A*", opening.NoMatch},
		{"N*** *** ***", opening.NoMatch},
		{"***N V** A*", opening.NoMatch},
		{"N*** A*", opening.NoMatch},
		{"T*** V** A*", opening.NoMatch},
		{"N*** V** AN ANH", opening.NoMatch},
		{"*** ** **", opening.NoMatch},
		{"NGUYENNGUYEN*NGUYEN V* A*", opening.NoMatch},
		{"Nguyễn Văn Anh", opening.NoMatch},
		{"An Nguyễn Văn", opening.NoMatch},
		{"", opening.NoMatch},
	} {
		if got := opening.CompareHolder("Nguyễn Văn An", c.theirs); got != c.want {
			t.Errorf("%q is a %s, want %s", c.theirs, got, c.want)
		}
	}
}
