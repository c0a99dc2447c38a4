package disbursement_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
)

// village is a list of ten people: eight by account, two in cash.
func village(t *testing.T) (*office, *gateway, string) {
	t.Helper()
	o := open(t)
	g := newGateway(t, o)
	for n := range 10 {
		bank := vietcombank
		if n >= 8 {
			bank = ""
		}
		id := fmt.Sprintf("b%d", n)
		o.someone(t, id, unit, bank)
		o.enrol(t, "lisa", decision(id, "social_assistance", "c5a", "2026-11-02"))
	}
	o.seen(t, `identity = 'matched' and (account = '' or state = 'open')`)
	return o, g, o.released(t, 10)
}

const amount = 810_000

func TestMoneyGoesEveryWayThatBanksKnowAndTheBooksAgree(t *testing.T) {
	t.Parallel()
	o, g, list := village(t)
	first := o.payments(t, list)
	g.tell(t, first["b0"], "sent", "RCVD", "ACSP", "ACSC FT0", "ACCC FT0")
	g.tell(t, first["b1"], "sent", "RJCT AC04")
	g.tell(t, first["b2"], "ACSP", "sent", "ACCC FT2", "RTND AC07") // a report before we know that it was sent
	g.tell(t, first["b3"], "sent", "ACSP", "late ACTC")
	g.tell(t, first["b4"], "sent", "RJCT AM05")
	g.tell(t, first["b5"], "sent", "RJCT AC01", "contradictory ACCC FT5")
	g.tell(t, first["b6"], "sent", "RJCT MD07")
	g.tell(t, first["b7"], "sent", "ACCC FT7")

	b1 := o.becomes(t, list, "b1", "rejected")
	b1 = o.reissue(t, b1)
	g.tell(t, b1, "sent", "ACCC FT1")
	o.becomes(t, list, "b1", "credited")
	b2 := o.becomes(t, list, "b2", "returned")
	o.Post(t, "province-treasurer", "/payments/"+b2.ID+"/cash", "move", object{}).Want(t, http.StatusOK)
	both := object{"collected_on": "2026-11-21", "receipt": "PC-2"}
	if alone := o.Post(t, "province-treasurer", "/payments/"+b2.ID+"/cash", "alone", both); alone.Text(t, "code") != "same_person" {
		t.Fatalf("one person moves it and enters the receipt: %s", alone.Body)
	}
	o.change(t, b2, "cash", object{"collected_on": "2026-11-21", "receipt": "PC-2"}, "cash_paid")
	o.refuse(t, o.becomes(t, list, "b4", "rejected"), "reissue", object{}, "payment_duplicate")
	o.contested(t, list, "b5")
	o.refuse(t, o.becomes(t, list, "b6", "rejected"), "reissue", object{}, "death_reported")
	o.refuse(t, o.becomes(t, list, "b0", "credited"), "cash", object{}, "payment_not_failed")
	o.change(t, first["b8"], "cash", object{"collected_on": "2026-11-21", "receipt": "PC-8"}, "cash_paid")

	o.becomes(t, list, "b3", "in_flight")
	o.becomes(t, list, "b7", "credited")
	o.Clock.Advance(16 * time.Minute)
	b3 := o.becomes(t, list, "b3", "unknown")
	if b3.Inquiries != 1 {
		t.Fatalf("asked %d times", b3.Inquiries)
	}
	o.refuse(t, b3, "reissue", object{}, "payment_not_failed")
	o.wantReconciled(t, list)
	if refused := o.step(t, "treasurer", list, "closure", object{}); refused.Text(t, "code") != "payments_open" {
		t.Fatalf("closed with an unknown payment: %s", refused.Body)
	}
	g.tell(t, b3, "ACCC FT3")
	o.becomes(t, list, "b3", "credited")
	o.wantClosed(t, list)
	o.audited(t, g)
}

// reissue tries a payment again and returns it with its new attempt.
func (o *office) reissue(t *testing.T, p paid) paid {
	t.Helper()
	again := o.change(t, p, "reissue", object{}, "reissued")
	if again.Attempt != p.Attempt+1 || again.EndToEndID == p.EndToEndID || again.UETR == p.UETR || again.Amount != p.Amount {
		t.Fatalf("reissued as %+v", again)
	}
	return again
}

// change takes a payment to a status, and the same request again leads to the same answer.
func (o *office) change(t *testing.T, p paid, what string, body object, status string) (after paid) {
	t.Helper()
	key := fmt.Sprint(what, p.ID, p.Status, status)
	done := o.Post(t, whoMay(what), "/payments/"+p.ID+"/"+what, key, body)
	done.Want(t, http.StatusOK)
	done.Into(t, &after)
	if after.Status != status {
		t.Fatalf("%s leads to %s", what, after.Status)
	}
	again := o.Post(t, whoMay(what), "/payments/"+p.ID+"/"+what, key, body)
	if again.Header.Get("Idempotent-Replay") != "true" || string(again.Body) != string(done.Body) {
		t.Fatalf("the same request again answers %d %s", again.Status, again.Body)
	}
	return after
}

// whoMay does something with a payment: receipts are entered by another treasurer than the one who releases.
func whoMay(what string) string {
	if what == "cash" {
		return "cashier"
	}
	return "treasurer"
}

func (o *office) refuse(t *testing.T, p paid, what string, body object, code string) {
	t.Helper()
	refused := o.Post(t, whoMay(what), "/payments/"+p.ID+"/"+what, fmt.Sprint("refused", what, p.ID), body)
	if refused.Status != http.StatusUnprocessableEntity || refused.Text(t, "code") != code {
		t.Fatalf("%s answers %d %s, want %s", what, refused.Status, refused.Body, code)
	}
}

func (o *office) contested(t *testing.T, list, beneficiary string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if p := o.payments(t, list)[beneficiary]; !p.Contested {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	o.refuse(t, o.payments(t, list)[beneficiary], "reissue", object{}, "payment_contested")
	o.refuse(t, o.payments(t, list)[beneficiary], "cash", object{}, "payment_contested")
}

// wantReconciled checks the list while one payment is unknown.
func (o *office) wantReconciled(t *testing.T, list string) {
	t.Helper()
	var got struct {
		Instructed, Credited, Rejected, Returned, Unknown, Cash, Carried, Difference int64
		InFlight                                                                     int64 `json:"in_flight"`
		Exceptions                                                                   []struct{ Code, Status, Reason string }
	}
	answer := o.Get(t, "auditor", "/reconciliations/"+list, "")
	answer.Want(t, http.StatusOK)
	answer.Into(t, &got)
	codes := map[string]string{}
	for _, e := range got.Exceptions {
		codes[e.Code] = e.Status + " " + e.Reason
	}
	want := map[string]string{
		"duplicate": "rejected AM05", "contradictory": "rejected AC01", "deceased": "rejected MD07", "unknown": "unknown ",
	}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("exceptions (-want +got):\n%s", diff)
	}
	if got.Instructed != 10*amount || got.Credited != 3*amount || got.Rejected != 3*amount || got.Unknown != amount ||
		got.Cash != 3*amount || got.Returned != 0 || got.InFlight != 0 || got.Difference != 0 {
		t.Errorf("reconciled: %s", answer.Body)
	}
	o.wantLedger(t, list, map[string]int64{
		"budget": 10 * amount, "available": 3 * amount, "reserved": 0, "in_flight": amount, "credited": 3 * amount, "returned": 0, "cash": 3 * amount,
		"treasury": -10 * amount, "difference": 0,
	})
}

func (o *office) wantLedger(t *testing.T, list string, want map[string]int64) {
	t.Helper()
	var page struct{ Items []map[string]any }
	o.Get(t, "auditor", "/ledger/accounts?payroll="+list, "").Into(t, &page)
	got := map[string]int64{}
	for name, value := range page.Items[0] {
		if n, isNumber := value.(float64); isNumber {
			got[name] = int64(n)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

// wantClosed closes the list: the uncollected cash is carried forward, once, and what was rejected; what a bank calls a duplicate is
// not.
func (o *office) wantClosed(t *testing.T, list string) {
	t.Helper()
	for range 2 {
		var closed struct {
			CarriedForward int `json:"carried_forward"`
			Carried        int64
		}
		answer := o.Post(t, "treasurer", "/payrolls/"+list+"/closure", "close", object{})
		answer.Want(t, http.StatusOK)
		if answer.Into(t, &closed); closed.CarriedForward != 2 || closed.Carried != 2*amount {
			t.Fatalf("closed: %s", answer.Body)
		}
	}
	o.becomes(t, list, "b6", "carried_forward")
	o.becomes(t, list, "b9", "carried_forward")
	testkit.Eventually(t, func() error {
		var left int64
		return errorUnless(o.Pool.QueryRow(t.Context(), `select amount from ledger_balances where payroll = $1 and account = 'available'`, list).Scan(&left) == nil && left == 0, "%d is left", left)
	})
	o.wantLedger(t, list, map[string]int64{
		"budget": 6 * amount, "available": 0, "reserved": 0, "in_flight": 0, "credited": 4 * amount, "returned": 0, "cash": 2 * amount,
		"treasury": -6 * amount, "difference": 0,
	})
	var cashless struct {
		ByAccount struct{ Count, Amount int64 } `json:"paid_by_account"`
		InCash    struct{ Count, Amount int64 } `json:"paid_in_cash"`
		Share     string
	}
	o.Get(t, "province-treasurer", "/cashless?unit=01&month=2026-11", "").Into(t, &cashless)
	if cashless.ByAccount.Count != 4 || cashless.InCash.Amount != 2*amount || cashless.Share != "0.6667" {
		t.Errorf("cashless: %+v", cashless)
	}
}

func errorUnless(ok bool, format string, of ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, of...)
}

func TestARecallTakesMoneyBackAndNobodyCarriesItForward(t *testing.T) {
	t.Parallel()
	o, g, list := village(t)
	p := o.payments(t, list)["b0"]
	g.tell(t, p, "sent", "ACCC FT0")
	o.becomes(t, list, "b0", "credited")
	o.change(t, p, "recall", object{"reason": "CUST"}, "credited")
	o.refuse(t, p, "recall", object{"reason": "CUST"}, "recall_requested")
	g.tell(t, p, "RTND CUST")
	o.becomes(t, list, "b0", "recalled")
	var history struct {
		Items []struct{ Type, Status string }
	}
	o.Get(t, "auditor", "/payments/"+p.ID+"/history", "").Into(t, &history)
	var steps []string
	for _, step := range history.Items {
		steps = append(steps, step.Status)
	}
	if diff := cmp.Diff([]string{"released", "sent", "credited", "credited", "recalled"}, steps); diff != "" {
		t.Fatal(diff)
	}
	o.audited(t, g)
}

func TestTheSameReportsAgainChangeNothing(t *testing.T) {
	t.Parallel()
	o, g, list := village(t)
	first := o.payments(t, list)
	for n := range 8 {
		g.tell(t, first[fmt.Sprint("b", n)], "sent", "RCVD", "ACTC", "ACSP", fmt.Sprint("ACCC FT", n), "RCVD", "ACSP", fmt.Sprint("ACCC FT", n), "sent")
	}
	for n := range 8 {
		o.becomes(t, list, fmt.Sprint("b", n), "credited")
	}
	var facts, streams int
	testkit.Eventually(t, func() error {
		err := o.Pool.QueryRow(t.Context(), `select count(*), count(distinct stream) from events where stream like 'payment-%'`).Scan(&facts, &streams)
		return errorUnless(err == nil && facts == 8*5+2 && streams == 10, "%d facts in %d streams (%v)", facts, streams, err)
	})
	o.audited(t, g)
}

func TestAReportThatFitsNothingIsLookedAtByPeople(t *testing.T) {
	t.Parallel()
	o, g, list := village(t)
	p := o.payments(t, list)["b0"]
	other := p
	other.Amount++
	g.tell(t, other, "sent")
	testkit.Eventually(t, func() error {
		waiting := o.Get(t, "admin", "/quarantine", "")
		var page struct{ Items []map[string]any }
		waiting.Into(t, &page)
		return errorUnless(len(page.Items) == 1 && page.Items[0]["error_code"] == "amount_differs", "%s", waiting.Body)
	})
	if p := o.payments(t, list)["b0"]; p.Status != "released" {
		t.Fatalf("it is %s", p.Status)
	}
}

func TestWhoMayNotSeeAPaymentHearsThatThereIsNone(t *testing.T) {
	t.Parallel()
	o, _, list := village(t)
	p := o.payments(t, list)["b0"]
	o.Get(t, "stranger", "/payments/"+p.ID+"/history", "").Want(t, http.StatusNotFound)
	o.Get(t, "stranger", "/reconciliations/"+list, "").Want(t, http.StatusNotFound)
	o.Get(t, "admin", "/payments", "").Want(t, http.StatusForbidden)
	o.Post(t, "lisa", "/payments/"+p.ID+"/cash", "k", object{}).Want(t, http.StatusForbidden)
	for actor, want := range map[string]int{"stranger": 0, "lisa": 10, "province-treasurer": 10, "auditor": 10} {
		var page struct{ Items []json.RawMessage }
		if o.Get(t, actor, "/payments?month=2026-11", "").Into(t, &page); len(page.Items) != want {
			t.Errorf("%s sees %d payments, want %d", actor, len(page.Items), want)
		}
	}
}

// TestEveryLineIsOnePaymentWhateverIsStartedTwiceOrBrokenOff releases a list while several processes are at it, one of
// which is stopped in the middle and started again.
func TestEveryLineIsOnePaymentWhateverIsStartedTwiceOrBrokenOff(t *testing.T) {
	t.Parallel()
	const people = 4_000
	o := open(t)
	g := newGateway(t, o)
	o.province(t, people)
	id := o.draft(t, "province-lisa", "01", "social_pension", "2026-11").Text(t, "id")
	o.approved(t, id, "province-")
	o.funded(t, id, "province-")
	o.step(t, "province-treasurer", id, "release", object{}).Want(t, http.StatusOK)
	second := *o
	second.start(t)
	t.Cleanup(func() { second.stop() })
	testkit.Eventually(t, func() error {
		var n int
		err := o.Pool.QueryRow(t.Context(), `select count(*) from events where stream like 'payment-%'`).Scan(&n)
		return errorUnless(err == nil && n > 0, "%d payments (%v)", n, err)
	})
	o.stop()
	o.start(t)
	var lines, payments int
	testkit.Eventually(t, func() error {
		err := o.Pool.QueryRow(t.Context(), `
select (select count(*) from lines where payroll = $1), (select count(*) from payments p join payment_lists l using (payroll) where payroll = $1 and l.completed)`, id).
			Scan(&lines, &payments)
		return errorUnless(err == nil && lines > people && lines == payments, "%d payments of %d lines (%v)", payments, lines, err)
	})
	var facts int
	if err := o.Pool.QueryRow(context.WithoutCancel(t.Context()), `select count(*) from events where stream like 'payment-%'`).Scan(&facts); err != nil || facts != lines {
		t.Fatalf("%d facts of %d payments: %v", facts, lines, err)
	}
	o.audited(t, g)
}

// TestALineThatAnotherListPaidIsRemovedWithTheReason plants a payment of another list under the id of a line.
func TestALineThatAnotherListPaidIsRemovedWithTheReason(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.someone(t, "b0", unit, vietcombank)
	o.someone(t, "b1", unit, "")
	for _, id := range []string{"b0", "b1"} {
		o.enrol(t, "lisa", decision(id, "social_assistance", "c5a", "2026-11-02"))
	}
	o.seen(t, `identity = 'matched' and (account = '' or state = 'open')`)
	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.approved(t, list, "")
	o.funded(t, list, "")
	var line string
	if err := o.Pool.QueryRow(t.Context(), `select payment from lines where beneficiary = 'b1'`).Scan(&line); err != nil {
		t.Fatal(err)
	}
	log, err := eventstore.Open(t.Context(), o.Pool, eventstore.Options{Catalog: events.NewCatalog(disbursement.Catalog())})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	_, err = log.Append(t.Context(), eventstore.Append{Stream: "payment-" + line, Facts: []events.Event{
		disbursement.CashReleased{Payable: disbursement.Payable{Payment: line, Payroll: "elsewhere", Amount: amount}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusOK)
	testkit.Eventually(t, func() error {
		var removed string
		var payments int
		err := o.Pool.QueryRow(t.Context(), `
select (select removed from lines where payment = $1), (select count(*) from payments join payment_lists using (payroll) where payroll = $2 and completed)`, line, list).
			Scan(&removed, &payments)
		return errorUnless(err == nil && removed == "already_paid" && payments == 1, "removed %q, %d payments (%v)", removed, payments, err)
	})
}
