package bank

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/songan-vn/songan/services/simulators/bank/internal/desk"
	"github.com/songan-vn/songan/services/simulators/bank/internal/ledger"
	"github.com/songan-vn/songan/services/simulators/internal/control"
)

const (
	bodyLimit = 64 << 10
	// pageSize is how many payments are copied out of the ledger at once, so that nobody waits long for it.
	pageSize = 1000
)

func (s *Simulator) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ledger", s.showTotals)
	mux.HandleFunc("GET /ledger.jsonl", s.showLedger)
	mux.HandleFunc("GET /accounts.jsonl", s.showAccounts)
	mux.HandleFunc("GET /control/state", s.showState)
	mux.HandleFunc("GET /control/scenario", s.showScenario)
	mux.HandleFunc("POST /control/scenario", s.changeScenario)
	mux.HandleFunc("DELETE /control/scenario", s.clearScenario)
	mux.HandleFunc("POST /control/reset", s.reset)
	mux.HandleFunc("POST /control/payments/{id}/return", s.returnOne)
	mux.HandleFunc("POST /control/returns", s.returnAll)
	mux.HandleFunc("POST /control/accounts/{number}", s.changeAccount)
	mux.HandleFunc("POST /control/reports", s.reportAnything)
	return control.Only(mux)
}

// Totals returns what GET /ledger shows.
func (s *Simulator) Totals() (t ledger.Totals) {
	s.desk.Ledger.View(func(v ledger.View) { t = v.Totals() })
	return t
}

func (s *Simulator) showTotals(w http.ResponseWriter, _ *http.Request) {
	control.Write(w, http.StatusOK, struct {
		BIC string `json:"bic"`
		ledger.Totals
	}{s.desk.BIC, s.Totals()})
}

// line is one payment in GET /ledger.jsonl.
type line struct {
	EndToEndID      string     `json:"end_to_end_id"`
	Amount          int64      `json:"amount"`
	Status          string     `json:"status"`
	Reason          string     `json:"reason,omitempty"`
	Reference       string     `json:"reference,omitempty"`
	ReturnReference string     `json:"return_reference,omitempty"`
	BookedAt        time.Time  `json:"booked_at"`
	ReturnedAt      *time.Time `json:"returned_at,omitempty"`
	// Account is the number that was to be credited, so that a judge sees money that went astray.
	Account    string `json:"account"`
	Instructed int    `json:"instructed"`
	Conflicts  int    `json:"conflicts,omitempty"`
}

func lineOf(p ledger.Payment) line {
	l := line{
		EndToEndID: p.ID, Amount: p.Amount, Status: p.Status, Reason: p.Reason, Reference: p.Reference,
		ReturnReference: p.ReturnReference, BookedAt: p.BookedAt, Account: p.Account,
		Instructed: p.Instructed, Conflicts: p.Conflicts,
	}
	if !p.ReturnedAt.IsZero() {
		l.ReturnedAt = &p.ReturnedAt
	}
	return l
}

func (s *Simulator) showLedger(w http.ResponseWriter, _ *http.Request) {
	stream(w, func(after int) (lines []line) {
		s.desk.Ledger.View(func(v ledger.View) {
			for _, p := range v.Payments(after, pageSize) {
				lines = append(lines, lineOf(p))
			}
		})
		return lines
	})
}

// account is one request in GET /accounts.jsonl; no names.
type account struct {
	RequestID string `json:"request_id"`
	Answer    string `json:"answer"`
	Reason    string `json:"reason,omitempty"`
	Number    string `json:"number,omitempty"`
	State     string `json:"state,omitempty"`
	Biometric bool   `json:"biometric"`
}

func (s *Simulator) showAccounts(w http.ResponseWriter, _ *http.Request) {
	stream(w, func(after int) (lines []account) {
		s.desk.Ledger.View(func(v ledger.View) {
			for _, a := range v.Accounts(after, pageSize) {
				lines = append(lines, account{a.RequestID, a.Answer, a.Reason, a.Number, a.State, a.Biometric})
			}
		})
		return lines
	})
}

// stream writes page after page, one JSON line each, until there are no more.
func stream[T any](w http.ResponseWriter, page func(after int) []T) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for after := 0; ; {
		lines := page(after)
		for _, l := range lines {
			if err := encoder.Encode(l); err != nil {
				return // the caller is gone
			}
		}
		if after += len(lines); len(lines) < pageSize {
			return
		}
	}
}

// showState says whether the bank works, and what went wrong last.
func (s *Simulator) showState(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	last, dead := s.last, s.dead != nil
	s.mu.Unlock()
	control.Write(w, http.StatusOK, map[string]any{
		"bic": s.desk.BIC, "consuming": s.consuming.Load(), "dead": dead, "last_error": last,
		"received": s.received.Load(), "skipped": s.skipped.Load(), "reported": s.reported.Load(),
	})
}

func (s *Simulator) showScenario(w http.ResponseWriter, _ *http.Request) {
	current, _, _ := s.desk.Stage.Get()
	control.Write(w, http.StatusOK, current)
}

// SetScenario replaces how the bank behaves: what POST /control/scenario does, for callers in the same process.
func (s *Simulator) SetScenario(to Scenario) error {
	if err := to.Check(); err != nil {
		return err
	}
	s.desk.Stage.Set(to)
	return nil
}

func (s *Simulator) changeScenario(w http.ResponseWriter, r *http.Request) {
	var to Scenario
	if err := control.Read(w, r, bodyLimit, &to); err != nil {
		control.Refuse(w, http.StatusBadRequest, "body_malformed", err.Error())
		return
	}
	if err := s.SetScenario(to); err != nil {
		control.Refuse(w, http.StatusUnprocessableEntity, "scenario_invalid", err.Error())
		return
	}
	control.Write(w, http.StatusOK, to)
}

func (s *Simulator) clearScenario(w http.ResponseWriter, _ *http.Request) {
	s.desk.Stage.Set(Scenario{})
	w.WriteHeader(http.StatusNoContent)
}

// reset goes back to the scenario of the start. The ledger stays: a bank does not forget.
func (s *Simulator) reset(w http.ResponseWriter, _ *http.Request) {
	s.desk.Stage.Reset()
	w.WriteHeader(http.StatusNoContent)
}

// Return gives the money of a credited payment back and reports it, as banks do days later. It returns false if there is
// nothing to give back.
func (s *Simulator) Return(id, reason string) (bool, error) {
	debt, done, err := s.desk.Return(id, reason)
	if err == nil && done {
		s.later.owe([]ledger.Debt{debt})
	}
	return done, err
}

func (s *Simulator) returnOne(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := control.Read(w, r, bodyLimit, &body); err != nil || body.Reason != "" && !desk.IsReason(body.Reason) {
		control.Refuse(w, http.StatusBadRequest, "body_malformed", `send {"reason":"AC04"}`)
		return
	}
	done, err := s.Return(r.PathValue("id"), body.Reason)
	switch {
	case err != nil:
		control.Refuse(w, http.StatusInternalServerError, "ledger_failed", err.Error())
	case !done:
		control.Refuse(w, http.StatusConflict, "nothing_to_return", "no credited payment has this id")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// returnAll lets the returns of the scenario happen now, without waiting for further payments.
func (s *Simulator) returnAll(w http.ResponseWriter, _ *http.Request) {
	control.Write(w, http.StatusOK, map[string]int{"returning": s.later.returnAll()})
}

func (s *Simulator) changeAccount(w http.ResponseWriter, r *http.Request) {
	var body struct {
		State string `json:"state"`
	}
	if err := control.Read(w, r, bodyLimit, &body); err != nil || !slices.Contains(desk.States(), body.State) {
		control.Refuse(w, http.StatusBadRequest, "body_malformed", fmt.Sprintf("send a state, one of %v", desk.States()))
		return
	}
	known := false
	err := s.desk.Ledger.Update(func(tx *ledger.Tx) { known = tx.SetState(r.PathValue("number"), body.State) })
	switch {
	case err != nil:
		control.Refuse(w, http.StatusInternalServerError, "ledger_failed", err.Error())
	case !known:
		control.Refuse(w, http.StatusNotFound, "account_unknown", "this bank has no such account")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// reportAnything sends a status report as it is given, true or not. The ledger does not change.
func (s *Simulator) reportAnything(w http.ResponseWriter, r *http.Request) {
	var body Report
	if err := control.Read(w, r, bodyLimit, &body); err != nil || body.EndToEndID == "" {
		control.Refuse(w, http.StatusBadRequest, "body_malformed", "send the body of a PaymentStatusReported")
		return
	}
	report, err := s.wire.sorted(r.Context(), s.desk.BIC, s.desk.Now(), s.desk.Anything(body))
	if err == nil {
		err = s.wire.trySend(r.Context(), report)
	}
	if err != nil {
		control.Refuse(w, http.StatusServiceUnavailable, "kafka_away", err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
