package songan_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
)

// liar is the bank that most people have their accounts at, and lying how it reports on payday: about most payments the opposite as well,
// another amount, nothing that is a report, or nothing at all. What it books is right all the same. Which payment it lies about how
// follows from the payment's number, another one in every run. The rarest lie, of a rejection that was then credited, is told of 12 in
// 100: of the hundred people who bank there, out of liedTo, somebody hears it in all but three of a million runs.
const (
	liar   = "VBAAVNVX"
	liedTo = 2 * paid
)

// lying is the liar's scenario.
func lying() *payday.Scenario {
	return &payday.Scenario{
		"reject": map[string]int{"AC04": 400},
		"manner": map[string]int{"silent": 200, "contradictory": 300, "wrong_amount": 250, "garbage": 150},
	}
}

// One of four banks lies to the gateway and disbursement as they are. What it says of no amount or of no form is quarantined, what it
// takes back is contested, what it keeps to itself is unknown; all else stands as in its book. The statements add up, the other three
// banks are none the worse for it, and the audit finds nothing wrong with us.
func TestABankThatLiesHurtsNobodyElse(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	m.env = append(m.env, "SONGAN_DISBURSEMENT_SILENCE=2s")
	m.start(t)
	body, err := json.Marshal(lying())
	if err != nil {
		t.Fatal(err)
	}
	o := m.payday(t, "lies", liedTo)
	o.Scenario, o.Out = unreliable(), io.Discard
	ctx, stop := context.WithCancel(t.Context())
	paying := make(chan struct{})
	o.Began = func(s payday.Stage) {
		switch s {
		case payday.Releasing:
			m.bank(t, liar, http.MethodPost, "/control/scenario", body)
		case payday.Paying:
			close(paying)
		}
	}
	var playing sync.WaitGroup
	playing.Go(func() { _ = payday.Run(ctx, o) }) // it waits for payments that never end, until it is stopped
	defer playing.Wait()
	defer stop()
	select {
	case <-paying:
	case <-time.After(paydayLimit):
		t.Fatal("nothing was released")
	}
	testkit.Eventually(t, func() error { return m.liesAreSeenThrough(t) })
	m.statementsAddUp(t)
	m.nothingInQuarantine(t, "disbursement")
	m.audit(t)
	stop()
	playing.Wait()
	m.stop(t)
}

// standing are our payments at banks: where each stands, whether the bank contradicted itself, and what was instructed.
const standing = `
select end_to_end_id || '|' || bank || '|' || status || '|' || (contested <> '{}') || '|' || amount from payments where end_to_end_id <> ''`

// liesAreSeenThrough compares every payment with the book of its bank. A bank that contradicts itself says first what is true, and that
// stands; of what is unknown, no more is certain than that the bank has booked one end of it, over our amount.
func (m *machine) liesAreSeenThrough(t *testing.T) error {
	t.Helper()
	booked, met := m.books(t), map[string]int{}
	for _, row := range query[string](t, m, "disbursement", standing) {
		part := strings.Split(row, "|")
		id, bank, status, contested := part[0], part[1], part[2], part[3] == "true"
		truth := map[string]string{"ACCC": "credited", "RJCT": "rejected", "RTND": "returned"}[booked[id].Status]
		amount := fmt.Sprint(booked[id].Amount)
		switch {
		case truth == "" || booked[id].Bank != bank || amount != part[4]:
			return fmt.Errorf("%s at %s is %s over %s, and booked at %q as %q over %s", id, bank, status, part[4], booked[id].Bank, truth, amount)
		case bank == liar && contested && status == truth:
			met["contested "+status]++
		case bank == liar && status == "unknown" && !contested:
			met["unknown"]++
		case status == truth && !contested:
			met[status]++
		default:
			return fmt.Errorf("%s at %s is %s, contested %t, and booked as %q", id, bank, status, contested, truth)
		}
	}
	for _, code := range query[string](t, m, "bankgateway", `select distinct error_code from quarantine`) {
		if code != "amount_differs" {
			code = "garbage"
		}
		met[code]++
	}
	for _, what := range []string{"contested credited", "contested rejected", "unknown", "credited", "rejected", "amount_differs", "garbage"} {
		if met[what] == 0 {
			return fmt.Errorf("nothing was %s: %v", what, met)
		}
	}
	t.Log(met)
	return nil
}

// statementsAddUp asks for the reconciliation of every list.
func (m *machine) statementsAddUp(t *testing.T) {
	t.Helper()
	lists := query[string](t, m, "disbursement", `select distinct payroll from payments`)
	for _, list := range lists {
		status, answer, err := m.call(t.Context(), http.MethodGet, "/disbursement/v1/reconciliations/"+list, "auditor", "", nil)
		var said struct {
			Instructed, Credited, Rejected, Returned, Unknown, Cash, Carried, Difference int64
			InFlight                                                                     int64 `json:"in_flight"`
		}
		if err != nil || status != http.StatusOK || json.Unmarshal(answer, &said) != nil {
			t.Fatalf("reconciliation: %d %s %v", status, answer, err)
		}
		sum := said.Credited + said.Rejected + said.Returned + said.InFlight + said.Unknown + said.Cash + said.Carried
		if sum != said.Instructed || said.Difference != 0 || said.Instructed == 0 {
			t.Errorf("the statement does not add up: %s", answer)
		}
	}
	if len(lists) == 0 {
		t.Error("there is no list")
	}
}
