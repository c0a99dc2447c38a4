package bank_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/simulators/bank"
)

func TestTheScenarioIsShownChangedEndedAndReset(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{Silent: true})
	url := s.ControlURL() + "/control/scenario"
	shown := func() string { return strings.TrimSpace(string(call(t, http.MethodGet, url, "", http.StatusOK))) }
	full := `{"acknowledge":"steps","reject":{"AC01":5},"manner":{"twice":10},"accounts":{"refused":20},` +
		`"returns":{"per_mille":1,"after":3,"reason":"AC04"},"latency":{"p50_ms":1,"p99_ms":2},"refuse_recalls":true}`
	var got []string
	got = append(got, shown())
	call(t, http.MethodPost, url, full, http.StatusOK)
	got = append(got, shown())
	call(t, http.MethodDelete, url, "", http.StatusNoContent)
	got = append(got, shown())
	call(t, http.MethodPost, s.ControlURL()+"/control/reset", "", http.StatusNoContent)
	got = append(got, shown())
	if diff := cmp.Diff([]string{`{"silent":true}`, full, `{}`, `{"silent":true}`}, got); diff != "" {
		t.Errorf("scenarios (-want +got):\n%s", diff)
	}
	for body, want := range map[string]int{
		`{"slow":true}`: http.StatusBadRequest, `{} {}`: http.StatusBadRequest,
		`{"acknowledge":"maybe"}`:                       http.StatusUnprocessableEntity,
		`{"reject":{"because":5}}`:                      http.StatusUnprocessableEntity,
		`{"reject":{"AC01":600,"AC04":600}}`:            http.StatusUnprocessableEntity,
		`{"manner":{"rude":1}}`:                         http.StatusUnprocessableEntity,
		`{"accounts":{"refused":-1}}`:                   http.StatusUnprocessableEntity,
		`{"returns":{"per_mille":1001}}`:                http.StatusUnprocessableEntity,
		`{"returns":{"reason":"x"}}`:                    http.StatusUnprocessableEntity,
		`{"latency":{"p50_ms":5,"p99_ms":1}}`:           http.StatusUnprocessableEntity,
		`{"for_ms":-1}`:                                 http.StatusUnprocessableEntity,
		`{"latency":{"p50_ms":0,"p99_ms":99999999999}}`: http.StatusUnprocessableEntity,
	} {
		call(t, http.MethodPost, url, body, want)
	}
}

func TestAnyReportCanBeSentAndTheLedgerStays(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{})
	url := s.ControlURL() + "/control/reports"
	call(t, http.MethodPost, url, `{"end_to_end_id":"e2e-1","status":"ACCC","amount":7,"bank_reference":"X"}`, http.StatusNoContent)
	call(t, http.MethodPost, url, `{"status":"ACCC"}`, http.StatusBadRequest)
	if diff := cmp.Diff(map[string][]string{"e2e-1": {"ACCC X 7"}}, g.said(1)); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	if book := ledgerOf(t, s.ControlURL()); len(book) > 0 {
		t.Errorf("the ledger has %v", book)
	}
}

func TestTheLedgerIsShownWithTotalsAndAccounts(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	s := g.start(bank.Scenario{Acknowledge: bank.AcknowledgeNever})
	g.instruct(opening("Nguyễn Văn An"))
	g.said(1)
	p := payment("e2e-1", 540_000)
	p.CreditorAccount = g.number()
	g.instruct(p, payment("e2e-2", 10))
	g.said(3)
	var got map[string]any
	if err := json.Unmarshal(call(t, http.MethodGet, s.ControlURL()+"/ledger", "", http.StatusOK), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"bic": g.bic, "payments": map[string]any{"ACCC": 1.0, "RJCT": 1.0}, "amount": map[string]any{"ACCC": 540_000.0, "RJCT": 10.0},
		"rejected": map[string]any{"AC01": 1.0}, "instructed": 2.0, "repeated": 0.0, "conflicts": 0.0,
		"accounts": map[string]any{"opened": 1.0}, "owed": 0.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	accounts := string(call(t, http.MethodGet, s.ControlURL()+"/accounts.jsonl", "", http.StatusOK))
	shown := `{"request_id":"request-1","answer":"opened","number":"` + p.CreditorAccount + `","state":"active","biometric":true}` + "\n"
	if diff := cmp.Diff(shown, accounts); diff != "" {
		t.Errorf("accounts, which show no name (-want +got):\n%s", diff)
	}
	call(t, http.MethodPost, s.ControlURL()+"/control/accounts/1", `{"state":"closed"}`, http.StatusNotFound)
	call(t, http.MethodPost, s.ControlURL()+"/control/accounts/1", `{"state":"rich"}`, http.StatusBadRequest)
}

func TestTheControlAPIAnswersThisMachineOnly(t *testing.T) {
	t.Parallel()
	s, err := bank.New(bank.Options{BIC: "ICBVVNVX", Brokers: []string{"127.0.0.1:1"}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	for what, change := range map[string]func(*http.Request){
		"another machine":   func(r *http.Request) { r.RemoteAddr = "192.0.2.1:5" },
		"a page in browser": func(r *http.Request) { r.RemoteAddr = "127.0.0.1:5"; r.Header.Set("Origin", "https://example.com") },
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ledger", nil)
		change(r)
		w := httptest.NewRecorder()
		s.Control().ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", what, w.Code)
		}
	}
	other, err := bank.New(bank.Options{BIC: "BIDVVNVX", Brokers: []string{"127.0.0.1:1"}, Dir: t.TempDir(), ControlAddr: "0.0.0.0:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	if err := other.Start(t.Context()); err == nil {
		t.Error("it listens to the world")
	}
}

func TestABankStartsBeforeItsTopicsAreThere(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	s, err := bank.New(bank.Options{BIC: "ICBVVNVX", Brokers: []string{"127.0.0.1:1"}, Dir: t.TempDir(), Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	call(t, http.MethodGet, s.ControlURL()+"/ledger", "", http.StatusOK)
	call(t, http.MethodPost, s.ControlURL()+"/control/reports", `{"end_to_end_id":"1","status":"ACCC"}`, http.StatusServiceUnavailable)
	testkit.Eventually(t, func() error {
		if !strings.HasPrefix(log.String(), "bank ICBVVNVX: ") {
			return fmt.Errorf("it said %q", log.String())
		}
		return nil
	})
	for range 2 {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func TestTheProgramSaysWhichSettingIsMissingOrWrong(t *testing.T) {
	t.Parallel()
	good := map[string]string{"SONGAN_BANK_BIC": "ICBVVNVX", "SONGAN_BANK_BROKERS": "127.0.0.1:1", "SONGAN_BANK_DIR": t.TempDir()}
	for name, value := range map[string]string{
		"SONGAN_BANK_BIC": "", "SONGAN_BANK_BROKERS": "", "SONGAN_BANK_DIR": "", "SONGAN_BANK_SEED": "x", "SONGAN_BANK_SCENARIO": "{",
	} {
		err := bank.Run(t.Context(), func(asked string) string {
			if asked == name {
				return value
			}
			return good[asked]
		}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%q: %v", name, value, err)
		}
	}
}

func TestTheProgramSaysWhereItListensAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("enough"))
	defer cancel()
	var out lockedBuffer
	env := map[string]string{
		"SONGAN_BANK_BIC": "ICBVVNVX", "SONGAN_BANK_BROKERS": "127.0.0.1:1", "SONGAN_BANK_DIR": t.TempDir(), "SONGAN_BANK_CONTROL_ADDR": "127.0.0.1:0",
	}
	if err := bank.Run(ctx, func(name string) string { return env[name] }, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "bank ICBVVNVX: control http://127.0.0.1:") {
		t.Errorf("it said %q", out.String())
	}
}
