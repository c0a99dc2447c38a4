package bank_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	contract "github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/simulators/bank"
)

func TestEveryMannerOfReporting(t *testing.T) {
	t.Parallel()
	all := func(m bank.Manner) map[bank.Manner]int { return map[bank.Manner]int{m: 1000} }
	for name, c := range map[string]struct {
		scenario bank.Scenario
		want     []string
	}{
		"twice":                   {bank.Scenario{Manner: all(bank.Twice)}, []string{"ACTC", "ACTC", "ACCC FT1 540000", "ACCC FT1 540000"}},
		"out of order":            {bank.Scenario{Manner: all(bank.OutOfOrder)}, []string{"ACCC FT1 540000", "ACTC"}},
		"contradictory":           {bank.Scenario{Manner: all(bank.Contradictory)}, []string{"ACTC", "ACCC FT1 540000", "RJCT AC04"}},
		"contradictory rejection": {bank.Scenario{Manner: all(bank.Contradictory), Reject: map[string]int{"MD07": 1000}}, []string{"ACTC", "RJCT MD07", "ACCC FT0 540000"}},
		"wrong amount":            {bank.Scenario{Manner: all(bank.WrongAmount)}, []string{"ACTC", "ACCC FT1 541000"}},
		"acknowledged only":       {bank.Scenario{Manner: all(bank.AcknowledgedOnly)}, []string{"ACTC"}},
		"no acknowledgement":      {bank.Scenario{Acknowledge: bank.AcknowledgeNever}, []string{"ACCC FT1 540000"}},
		"step by step": {
			bank.Scenario{Acknowledge: bank.AcknowledgeSteps},
			[]string{"RCVD", "ACTC", "ACCP", "ACSP", "ACSC FT1 540000", "ACCC FT1 540000"},
		},
		"rejected step by step": {
			bank.Scenario{Acknowledge: bank.AcknowledgeSteps, Reject: map[string]int{"AM04": 1000}},
			[]string{"RCVD", "ACTC", "ACCP", "ACSP", "RJCT AM04"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			c.scenario.AnyAccount = true
			s := g.start(c.scenario)
			g.instruct(payment("e2e-1", 540_000))
			if diff := cmp.Diff(c.want, g.said(len(c.want))["e2e-1"]); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			// Whatever was said, an inquiry is answered with the truth, once.
			truth := "ACCC FT1 540000"
			if booked := ledgerOf(t, s.ControlURL())["e2e-1"]; booked.Status != "ACCC" {
				truth = "RJCT " + booked.Reason
			}
			g.instruct(inquiry("e2e-1"))
			got := g.said(len(c.want) + 1)["e2e-1"]
			if diff := cmp.Diff([]string{truth}, got[len(c.want):]); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAReportThatComesTwiceIsTheSameMessage(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.start(bank.Scenario{AnyAccount: true, Manner: map[bank.Manner]int{bank.Twice: 1000}})
	g.instruct(payment("e2e-1", 1))
	all := g.atLeast(4)
	if all[0].id != all[1].id || all[2].id != all[3].id || all[0].id == all[2].id || all[0].id == "" {
		t.Errorf("ids %q, %q, %q, %q", all[0].id, all[1].id, all[2].id, all[3].id)
	}
}

func TestGarbageIsOfManyKindsAndNeverAReport(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{AnyAccount: true, Manner: map[bank.Manner]int{bank.Garbage: 1000}})
	var all []events.Event
	for i := range 60 {
		all = append(all, payment(fmt.Sprintf("e2e-%d", i), 540_000))
	}
	g.instruct(all...)
	kinds := map[string]int{}
	for _, m := range g.atLeast(60) {
		kinds[bookings.ReplaceAllString(word(m), "FT*")]++
	}
	if len(kinds) != 4 || kinds["ACCC FT* 540000"] > 0 || kinds["unreadable"] < 10 || kinds["about another payment"] < 3 || kinds["DONE"] < 3 || kinds["ACCC 540000"] < 3 {
		t.Errorf("kinds: %v", kinds)
	}
	for id, l := range ledgerOf(t, s.ControlURL()) {
		if l.Status != "ACCC" || l.Amount != 540_000 {
			t.Errorf("the ledger has %s as %s", id, l.Status)
		}
	}
}

func TestASilentBankBooksAndAnswersNothing(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{AnyAccount: true, Silent: true})
	g.instruct(payment("e2e-1", 540_000), payment("e2e-1", 540_000), inquiry("e2e-1"), inquiry("nobody"),
		contract.PaymentRecallRequested{EndToEndID: "nobody"}, opening("A"),
		contract.AccountVerificationRequested{RequestID: "request-2"})
	wait(t, s.ControlURL(), 7)
	if got := g.reports(); len(got) > 0 {
		t.Errorf("a silent bank said %v", words(got))
	}
	if got := ledgerOf(t, s.ControlURL())["e2e-1"]; got.Status != "ACCC" || got.Instructed != 2 {
		t.Errorf("the ledger has %+v", got)
	}
	call(t, http.MethodDelete, s.ControlURL()+"/control/scenario", "", http.StatusNoContent)
	g.instruct(inquiry("e2e-1"))
	if diff := cmp.Diff(map[string][]string{"e2e-1": {"ACCC FT1 540000"}}, g.said(1)); diff != "" {
		t.Errorf("when it speaks again (-want +got):\n%s", diff)
	}
}

func TestAPaymentIsMuteOrItsReportGetsLost(t *testing.T) {
	t.Parallel()
	for manner, want := range map[bank.Manner]int{bank.Mute: 0, bank.Lost: 1} {
		t.Run(string(manner), func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			s := g.start(bank.Scenario{AnyAccount: true, Manner: map[bank.Manner]int{manner: 1000}})
			g.instruct(payment("e2e-1", 540_000), inquiry("e2e-1"))
			wait(t, s.ControlURL(), 2)
			if got := g.said(want); len(got["e2e-1"]) != want {
				t.Errorf("reports: %v", got)
			}
		})
	}
}

func TestABankThatIsDownReadsNothingUntilItIsBack(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	clock := testkit.NewClock(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC))
	o := g.options(t.TempDir(), bank.Scenario{AnyAccount: true})
	o.Now = clock.Now
	s, err := bank.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetScenario(bank.Scenario{Down: true}); err != nil { // before a fetch is under way
		t.Fatal(err)
	}
	g.run(s)
	var state struct {
		Consuming bool
		Received  int
	}
	look := func() error {
		return json.Unmarshal(call(t, http.MethodGet, s.ControlURL()+"/control/state", "", http.StatusOK), &state)
	}
	testkit.Eventually(t, func() error {
		if err := look(); err != nil || !state.Consuming {
			return fmt.Errorf("it is not at its topic yet: %w", err)
		}
		return nil
	})
	g.instruct(payment("first", 1), payment("e2e-1", 540_000))
	up := newGateway(t)
	up.start(bank.Scenario{AnyAccount: true})
	for n := range 5 { // a bank that is not down reads and answers five times meanwhile
		up.instruct(payment(fmt.Sprint("e2e-", n), 540_000))
		up.said(2 * (n + 1))
	}
	if err := look(); err != nil || !state.Consuming || state.Received > 0 {
		t.Errorf("a bank that is down: %+v, %v", state, err)
	}
	call(t, http.MethodPost, s.ControlURL()+"/control/reset", "", http.StatusNoContent)
	if got := g.said(4)["e2e-1"]; len(got) != 2 {
		t.Errorf("reports: %v", got)
	}
	if err := s.SetScenario(bank.Scenario{Down: true, ForMS: 50}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second) // its time is over, and the one of the start holds again
	g.instruct(payment("e2e-2", 540_000))
	if got := g.said(6)["e2e-2"]; len(got) != 2 {
		t.Errorf("reports after the outage: %v", got)
	}
}

func TestSlowReportsComeWhenTheirTimeHasCome(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	clock := testkit.NewClock(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC))
	o := g.options(t.TempDir(), bank.Scenario{AnyAccount: true, Latency: bank.Latency{P50MS: 60_000, P99MS: 60_000}})
	o.Now = clock.Now
	s, stop := g.open(o)
	g.instruct(payment("e2e-1", 540_000), opening("Nguyễn Văn An"))
	wait(t, s.ControlURL(), 2)
	if got := g.reports(); len(got) > 0 {
		t.Errorf("too early: %v", words(got))
	}
	stop() // what is owed is on disk
	clock.Advance(3 * time.Minute)
	s, stop = g.open(o)
	want := map[string][]string{"e2e-1": {"ACTC", "ACCC FT1 540000"}, "request-1": {"opened Nguyễn Văn An"}}
	if diff := cmp.Diff(want, g.said(3)); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	testkit.Eventually(t, func() error { return owes(t, s, 0) })
	stop()
}

func owes(t *testing.T, s *bank.Simulator, want int64) error {
	t.Helper()
	if got := s.Totals().Owed; got != want {
		return fmt.Errorf("%d answers are owed, want %d", got, want)
	}
	return nil
}

func TestMoneyComesBackAfterSoManyPaymentsOrOnCommand(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{
		AnyAccount: true, Acknowledge: bank.AcknowledgeNever, Returns: bank.Returns{PerMille: 1000, After: 2, Reason: "AC07"},
	})
	g.instruct(payment("e2e-1", 540_000))
	g.said(1)
	g.instruct(payment("e2e-2", 1))
	g.said(2)
	if err := owes(t, s, 2); err != nil {
		t.Error(err)
	}
	g.instruct(payment("e2e-3", 1))
	if diff := cmp.Diff([]string{"ACCC FT1 540000", "RTND AC07 FT1R 540000"}, exactly(g, 4, "e2e-1")); diff != "" {
		t.Errorf("after two more payments (-want +got):\n%s", diff)
	}
	call(t, http.MethodPost, s.ControlURL()+"/control/returns", "", http.StatusOK)
	if got := exactly(g, 6, "e2e-3"); len(got) != 2 || got[1] != "RTND AC07 FT3R 1" {
		t.Errorf("when all returns are called: %v", got)
	}
	if err := s.SetScenario(bank.Scenario{AnyAccount: true, Acknowledge: bank.AcknowledgeNever}); err != nil {
		t.Fatal(err)
	}
	g.instruct(payment("e2e-4", 540_000))
	g.said(7)
	one := s.ControlURL() + "/control/payments/e2e-4/return"
	call(t, http.MethodPost, one, `{"reason":"AC04"}`, http.StatusNoContent)
	call(t, http.MethodPost, one, `{"reason":"AC04"}`, http.StatusConflict)
	call(t, http.MethodPost, one, `{"reason":"because"}`, http.StatusBadRequest)
	if diff := cmp.Diff([]string{"ACCC FT4 540000", "RTND AC04 FT4R 540000"}, exactly(g, 8, "e2e-4")); diff != "" {
		t.Errorf("on command (-want +got):\n%s", diff)
	}
	testkit.Eventually(t, func() error { return owes(t, s, 0) })
	totals := s.Totals()
	want := map[string]int64{"ACCC": 0, "RTND": 1_080_002}
	if diff := cmp.Diff(want, totals.Amount); diff != "" {
		t.Errorf("amounts (-want +got):\n%s", diff)
	}
}

// exactly is what was said about one payment, numbers of bookings included.
func exactly(g *gateway, n int, id string) []string {
	g.t.Helper()
	return words(g.atLeast(n))[id]
}

func TestAScenarioRepeatsItselfWhateverTheOrder(t *testing.T) {
	t.Parallel()
	scenario := bank.Scenario{
		AnyAccount: true, Acknowledge: bank.AcknowledgeNever,
		Reject: map[string]int{"AC01": 50, "AC04": 50, "BE01": 50, "MD07": 50, "AM04": 50},
	}
	const n = 1000
	run := func(order func(i int) int) map[string]line {
		g := newGateway(t)
		s := g.start(scenario)
		var all []events.Event
		for i := range n {
			all = append(all, payment(fmt.Sprintf("e2e-%d", order(i)), 540_000))
		}
		g.instruct(all...)
		g.atLeast(n)
		book := ledgerOf(t, s.ControlURL())
		for id, l := range book {
			l.Reference = "" // follows the order
			book[id] = l
		}
		return book
	}
	forward := run(func(i int) int { return i })
	if diff := cmp.Diff(forward, run(func(i int) int { return n - 1 - i })); diff != "" {
		t.Errorf("forward and backward (-want +got):\n%s", diff)
	}
	reasons := map[string]int{}
	for _, l := range forward {
		reasons[l.Reason]++
	}
	for reason := range scenario.Reject {
		if reasons[reason] < 25 || reasons[reason] > 80 {
			t.Errorf("%s: %d of %d, want about 50", reason, reasons[reason], n)
		}
	}
}
