package bank_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	contract "github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/simulators/bank"
)

func TestAnAccountIsOpenedAndPaid(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{})
	g.instruct(opening("Nguyễn Văn An"), opening("Nguyễn Văn An"))
	if diff := cmp.Diff([]string{"opened Nguyễn Văn An", "opened Nguyễn Văn An"}, g.said(2)["request-1"]); diff != "" {
		t.Errorf("a repetition is answered as before (-want +got):\n%s", diff)
	}
	p := payment("e2e-1", 540_000)
	p.CreditorAccount = g.number()
	g.instruct(p)
	if diff := cmp.Diff([]string{"ACTC", "ACCC FT1 540000"}, g.said(4)["e2e-1"]); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	want := line{EndToEndID: "e2e-1", Amount: 540_000, Status: "ACCC", Reference: "FT1", Instructed: 1}
	if diff := cmp.Diff(map[string]line{"e2e-1": want}, ledgerOf(t, s.ControlURL())); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestARepetitionPaysNothingAndIsAnsweredWithWhatThereIs(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{AnyAccount: true})
	first, later, other := payment("e2e-1", 540_000), payment("e2e-1", 540_000), payment("e2e-1", 9_540_000)
	later.InstructedAt = later.InstructedAt.AddDate(0, 1, 0)
	g.instruct(first, first, other, later)
	want := []string{"ACTC", "ACCC FT1 540000", "ACCC FT1 540000", "RJCT DUPL", "ACCC FT1 540000"}
	if diff := cmp.Diff(want, g.said(len(want))["e2e-1"]); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	booked := line{EndToEndID: "e2e-1", Amount: 540_000, Status: "ACCC", Reference: "FT1", Instructed: 4, Conflicts: 1}
	if diff := cmp.Diff(map[string]line{"e2e-1": booked}, ledgerOf(t, s.ControlURL())); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestMoneyGoesToNobodyElse(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{})
	g.instruct(opening("Nguyễn Văn An"))
	g.said(1)
	number := g.number()
	to := func(id, account, name string) contract.PaymentInstructed {
		p := payment(id, 100_000)
		p.CreditorAccount, p.CreditorName = account, name
		return p
	}
	empty, long := to("none", "", "A"), to(strings.Repeat("9", 36), number, "Nguyễn Văn An")
	nothing := to("nothing", number, "Nguyễn Văn An")
	nothing.Amount = 0
	g.instruct(to("holder", number, "NGUYEN VAN AN"), to("stranger", number, "Trần Thị Bình"),
		to("no such account", "102030405060", "Nguyễn Văn An"), empty, long, nothing)
	want := map[string][]string{
		"request-1": {"opened Nguyễn Văn An"}, "holder": {"ACTC", "ACCC FT* 100000"}, "stranger": {"ACTC", "RJCT BE01"},
		"no such account": {"ACTC", "RJCT AC01"}, "none": {"ACTC", "RJCT NARR"}, "nothing": {"ACTC", "RJCT NARR"},
		long.EndToEndID: {"ACTC", "RJCT NARR"},
	}
	if diff := cmp.Diff(want, g.said(13)); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	for state, reason := range map[string]string{"closed": "AC04", "blocked": "AC06", "deceased": "MD07", "suspended": "AC06"} {
		before := len(g.reports())
		call(t, http.MethodPost, s.ControlURL()+"/control/accounts/"+number, `{"state":"`+state+`"}`, http.StatusNoContent)
		g.instruct(to(state, number, "Nguyễn Văn An"))
		if diff := cmp.Diff([]string{"ACTC", "RJCT " + reason}, g.said(before + 2)[state]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", state, diff)
		}
	}
}

func TestRequestsForAccountsMeetTheirFate(t *testing.T) {
	t.Parallel()
	for fate, want := range map[string]string{
		bank.NeedsInformation: "needs_information document_unreadable", bank.Refused: "refused restricted",
		bank.BiometricPending: "opened Nguyễn Văn An", bank.OtherName: "opened Trần Thị Khác",
		bank.PlainName: "opened NGUYEN VAN AN", bank.MaskedName: "opened N***** V** A*",
	} {
		t.Run(fate, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			g.start(bank.Scenario{Accounts: map[string]int{fate: 1000}})
			g.instruct(opening("Nguyễn Văn An"))
			said := g.said(1)
			if diff := cmp.Diff([]string{want}, said["request-1"]); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			if fate == bank.NeedsInformation {
				g.instruct(opening("Nguyễn Văn Ân"))
				if got := g.said(2)["request-1"][1]; got != "opened Nguyễn Văn Ân" {
					t.Errorf("with what was missing: %s", got)
				}
			}
		})
	}
}

func TestAnAccountIsVerified(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{})
	g.instruct(opening("Nguyễn Văn An"))
	g.said(1)
	number := g.number()
	call(t, http.MethodPost, s.ControlURL()+"/control/accounts/"+number, `{"state":"dormant"}`, http.StatusNoContent)
	ask := func(id, number, name string) contract.AccountVerificationRequested {
		return contract.AccountVerificationRequested{RequestID: id, AccountNumber: number, HolderName: name}
	}
	g.instruct(ask("same", number, "nguyễn văn an"), ask("close", number, "Nguyen Van An"), ask("other", number, "Lê Thị Bé"),
		ask("unknown", "1", "Lê Thị Bé"))
	want := map[string][]string{
		"request-1": {"opened Nguyễn Văn An"}, "same": {"RCVC dormant"}, "close": {"RVMC dormant"},
		"other": {"RVNM dormant"}, "unknown": {"RVNA closed"},
	}
	if diff := cmp.Diff(want, g.said(5)); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

func TestInquiriesAndRecallsAreAnsweredFromTheLedger(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{AnyAccount: true})
	recall := func(id string) contract.PaymentRecallRequested {
		return contract.PaymentRecallRequested{EndToEndID: id, Reason: "CUST"}
	}
	g.instruct(payment("e2e-1", 540_000), inquiry("e2e-1"), inquiry("nobody"), recall("e2e-1"), recall("e2e-1"), recall("nobody"),
		inquiry("e2e-1"))
	want := map[string][]string{
		"e2e-1": {
			"ACTC", "ACCC FT1 540000", "ACCC FT1 540000",
			"ACCC FT1 540000", "RTND CUST FT1R 540000", "ACCC FT1 540000", "RTND CUST FT1R 540000", "ACCC FT1 540000", "RTND CUST FT1R 540000",
		},
		"nobody": {"RJCT NARR", "RJCT NARR"},
	}
	if diff := cmp.Diff(want, g.said(11)); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	g.instruct(payment("nobody", 540_000), payment("nobody", 540_000)) // whoever asked may have been paid in another way by now
	if diff := cmp.Diff([]string{"RJCT NARR", "RJCT NARR", "ACTC", "RJCT NARR", "RJCT NARR"}, g.said(14)["nobody"]); diff != "" {
		t.Errorf("instructed after it was not known (-want +got):\n%s", diff)
	}
	if err := s.SetScenario(bank.Scenario{AnyAccount: true, RefuseRecalls: true}); err != nil {
		t.Fatal(err)
	}
	g.instruct(payment("e2e-2", 540_000), recall("e2e-2"))
	if diff := cmp.Diff([]string{"ACTC", "ACCC FT* 540000", "ACCC FT* 540000"}, g.said(17)["e2e-2"]); diff != "" {
		t.Errorf("a refused recall (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeReadIsSkippedAndCounted(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{AnyAccount: true})
	bad := letter(payment("bad", 1))
	bad.Value = nil
	odd := letter(payment("odd", 1))
	odd.Headers = nil
	g.write(0, []kafka.Message{bad, odd, letter(contract.StatusInquired{}), letter(payment("good", 1))})
	if diff := cmp.Diff([]string{"ACTC", "ACCC FT1 1"}, g.said(2)["good"]); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	var state struct {
		Received, Skipped, Reported int
		Consuming                   bool
	}
	testkit.Eventually(t, func() error {
		err := json.Unmarshal(call(t, http.MethodGet, s.ControlURL()+"/control/state", "", http.StatusOK), &state)
		if err != nil || state.Received != 4 || state.Skipped != 3 || state.Reported != 2 || !state.Consuming {
			return errors.Join(fmt.Errorf("state %+v", state), err)
		}
		return nil
	})
}

func TestMistakesInTheOptionsAreOneSentence(t *testing.T) {
	t.Parallel()
	good := bank.Options{BIC: "ICBVVNVX", Brokers: []string{"127.0.0.1:1"}, Dir: t.TempDir()}
	for what, change := range map[string]func(*bank.Options){
		"BIC": func(o *bank.Options) { o.BIC = "icbv" }, "brokers": func(o *bank.Options) { o.Brokers = nil },
		"folder": func(o *bank.Options) { o.Dir = "" }, "scenario": func(o *bank.Options) { o.Scenario.Acknowledge = "maybe" },
		"password": func(o *bank.Options) { o.User, o.Password = "u", "\x00" },
	} {
		o := good
		change(&o)
		if s, err := bank.New(o); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %v", what, s, err)
		}
	}
}
