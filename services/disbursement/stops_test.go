package disbursement_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

// gateOfStops is the lock through which stops and payments go.
const gateOfStops = `hashtextextended(current_schema() || '/stops', 0)`

// held takes an advisory lock of the service, until the test gives it back. The key is SQL.
func (o *office) held(t *testing.T, key string) (giveBack func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), o.Config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `select pg_advisory_lock(`+key+`)`); err != nil {
		t.Fatal(err)
	}
	giveBack = sync.OnceFunc(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	t.Cleanup(giveBack)
	return giveBack
}

// waitsFor waits until somebody waits for a lock that is held.
func (o *office) waitsFor(t *testing.T, key string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var waiting int
		err := o.Pool.QueryRow(t.Context(), `
select count(*) from pg_locks join pg_database d on d.oid = database
 where datname = current_database() and locktype = 'advisory' and not granted
   and (classid::bigint << 32) | objid::bigint = `+key).Scan(&waiting)
		return errorUnless(err == nil && waiting > 0, "nobody waits for %s (%v)", key, err)
	})
}

// everybody are the people of a small list, by account, each with the right that was granted to them.
func everybody(t *testing.T, n int) (o *office, g *gateway, rights map[string]string) {
	t.Helper()
	o, rights = open(t), map[string]string{}
	g = newGateway(t, o)
	for i := range n {
		id := fmt.Sprint("b", i)
		o.someone(t, id, unit, vietcombank)
		rights[id] = o.enrol(t, "lisa", decision(id, "social_assistance", "c5a", "2026-11-02"))
	}
	o.seen(t, `identity = 'matched' and state = 'open'`)
	return o, g, rights
}

// payable is the list of this month, as far as the treasurer may press its release.
func (o *office) payable(t *testing.T) (list string) {
	t.Helper()
	list = o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.approved(t, list, "")
	o.funded(t, list, "")
	return list
}

// Everything that ends a right or an account comes between the release and the payments. Nobody of them is paid.
func TestWhatStopsAfterTheReleaseAndBeforeThePaymentIsNotPaid(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 6)
	list := o.payable(t)
	goOn := o.held(t, `hashtextextended('songan/release/' || current_schema() || '/`+list+`', 0)`)
	o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusOK)
	stop := object{"from_month": "2026-11", "reason": "kiểm tra lại"}
	o.Post(t, "lisa", "/enrolments/"+rights["b0"]+"/stop", "stop", stop).Want(t, http.StatusOK)
	o.Post(t, "lisa", "/enrolments/"+rights["b1"]+"/suspension", "suspend", stop).Want(t, http.StatusOK)
	o.people.tell(t, "b2", accounts.BeneficiaryDied{Beneficiary: "b2", DiedOn: "2026-10-31", Source: "family"})
	o.people.tell(t, "b3", accounts.AccountBlocked{Account: "b3-1", Beneficiary: "b3", Reason: "authority", By: "mai"})
	o.people.tell(t, "b4", accounts.AccountSuspended{Account: "b4-1", Beneficiary: "b4", Reason: "owner", By: "mai"})
	o.seen(t, `beneficiary in ('b0', 'b1', 'b5') or died_on <> '' or state in ('blocked', 'suspended')`)
	goOn()
	o.wantLines(t, "lisa", list,
		"b0 2026-11 regular 810000 account removed:stopped", "b1 2026-11 regular 810000 account removed:suspended",
		"b2 2026-11 regular 810000 account removed:died", "b3 2026-11 regular 810000 account removed:account_changed",
		"b4 2026-11 regular 810000 account removed:account_changed", "b5 2026-11 regular 810000 account")
	testkit.Eventually(t, func() error {
		p := o.payments(t, list)
		return errorUnless(len(p) == 1 && p["b5"].Status == "released", "%+v", p)
	})
	g.tell(t, o.payments(t, list)["b5"], "sent", "ACCC FT5")
	o.becomes(t, list, "b5", "credited")
	o.wantLedger(t, list, map[string]int64{
		"budget": 6 * amount, "available": 5 * amount, "reserved": 0, "in_flight": 0, "credited": amount, "returned": 0, "cash": 0,
		"treasury": -6 * amount, "difference": 0,
	})
	if diff := cmp.Diff(closure{}, o.closed(t, list)); diff != "" {
		t.Fatal(diff)
	}
	o.audited(t, g)
}

// The releaser has begun with what was known when the release was pressed, and waits at the gate. No right ends meanwhile, but an
// account is blocked.
func TestAnAccountThatIsBlockedWhileTheReleaserWaitsIsNotPaidInto(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	list := o.payable(t)
	goOn := o.held(t, gateOfStops)
	o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusOK)
	o.waitsFor(t, gateOfStops)
	o.people.tell(t, "b0", accounts.AccountBlocked{Account: "b0-1", Beneficiary: "b0", Reason: "authority", By: "mai"})
	o.seen(t, `beneficiary = 'b1' or state = 'blocked'`)
	goOn()
	o.wantLines(t, "lisa", list,
		"b0 2026-11 regular 810000 account removed:account_changed", "b1 2026-11 regular 810000 account")
	testkit.Eventually(t, func() error {
		p := o.payments(t, list)
		return errorUnless(len(p) == 1 && p["b1"].Status == "released", "%+v", p)
	})
	o.audited(t, g)
}

// Rights are stopped at random while their list is being paid. Whichever comes first in the log counts.
func TestNoInterleavingOfStopsAndPaymentsPaysWhatWasStoppedBefore(t *testing.T) {
	t.Parallel()
	const people = 40
	o, g, rights := everybody(t, people)
	list := o.payable(t)
	goOn := o.held(t, gateOfStops)
	var pressing sync.WaitGroup
	pressing.Go(func() { o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusOK) })
	for i := range people / 2 {
		pressing.Go(func() {
			id := fmt.Sprint("b", i)
			o.Post(t, "lisa", "/enrolments/"+rights[id]+"/stop", "stop-"+id, object{"from_month": "2026-11", "reason": "x"}).Want(t, http.StatusOK)
		})
	}
	o.waitsFor(t, gateOfStops)
	goOn()
	pressing.Wait()
	testkit.Eventually(t, func() error {
		var got struct {
			Release struct{ Payments, Removed int }
		}
		o.Get(t, "treasurer", "/payrolls/"+list, "").Into(t, &got)
		return errorUnless(got.Release.Payments+got.Release.Removed == people, "%+v", got)
	})
	o.audited(t, g)
}

// A release broke off after it had removed a line. By the time it goes on, one more right has ended.
func TestWhatStopsWhileAReleaseIsBrokenOffIsNotPaidEither(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 3)
	list := o.payable(t)
	goOn := o.held(t, `hashtextextended('songan/release/' || current_schema() || '/`+list+`', 0)`)
	o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusOK)
	rows, err := o.Pool.Query(t.Context(), `select beneficiary, payment from lines where payroll = $1 order by place`, list)
	if err != nil {
		t.Fatal(err)
	}
	type line struct{ Beneficiary, Payment string }
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByPos[line])
	if err != nil || len(lines) != 3 {
		t.Fatal(lines, err)
	}
	stays, removed, stopped := lines[0], lines[1], lines[2]
	log := o.log(t)
	defer log.Close()
	history, err := log.Load(t.Context(), "payroll-"+list)
	if err != nil {
		t.Fatal(err)
	}
	_, err = log.Append(t.Context(), eventstore.Append{
		Stream: "payroll-" + list, Expected: len(history),
		Meta:  events.Meta{OccurredAt: noon, Actor: "service:disbursement", Cause: history[len(history)-1].ID() + "/stops/" + stays.Payment},
		Facts: []events.Event{disbursement.LineRemoved{Payroll: list, Line: removed.Payment, Reason: "stopped", Amount: amount}},
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := object{"from_month": "2026-11", "reason": "kiểm tra lại"}
	o.Post(t, "lisa", "/enrolments/"+rights[stopped.Beneficiary]+"/stop", "stop", stop).Want(t, http.StatusOK)
	goOn()
	o.becomes(t, list, stays.Beneficiary, "released")
	want := []string{
		stays.Beneficiary + " 2026-11 regular 810000 account",
		removed.Beneficiary + " 2026-11 regular 810000 account removed:stopped", stopped.Beneficiary + " 2026-11 regular 810000 account removed:stopped",
	}
	slices.Sort(want)
	o.wantLines(t, "lisa", list, want...)
	if p := o.payments(t, list); len(p) != 1 {
		t.Fatalf("payments: %+v", p)
	}
	o.audited(t, g)
}

// Cash is handed over while the read model of rights is behind. That holds up nobody who ends a right.
func TestAStopDoesNotWaitForAPaymentThatWaits(t *testing.T) {
	t.Parallel()
	o := open(t)
	rights := map[string]string{}
	for _, id := range []string{"b0", "b1"} {
		o.someone(t, id, unit, "")
		rights[id] = o.enrol(t, "lisa", decision(id, "social_assistance", "c5a", "2026-11-02"))
	}
	o.seen(t, `identity = 'matched'`)
	list := o.released(t, 2)
	p := o.payments(t, list)["b0"]
	tx, err := o.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `lock table enrolments_v1 in exclusive mode`); err != nil { // it can be read, and not written
		t.Fatal(err)
	}
	stop := func(id string) servicetest.Answer {
		t.Helper()
		return o.Post(t, "lisa", "/enrolments/"+rights[id]+"/stop", "stop-"+id, object{"from_month": "2026-11", "reason": "kiểm tra lại"})
	}
	stop("b1").Want(t, http.StatusOK) // which the read model does not show
	paid := make(chan servicetest.Answer, 1)
	go func() {
		paid <- o.Post(t, "cashier", "/payments/"+p.ID+"/cash", "cash", object{"collected_on": "2026-11-21", "receipt": "PC-1"})
	}()
	testkit.Eventually(t, func() error {
		var waiting int
		err := o.Pool.QueryRow(t.Context(), `select count(*) from pg_locks where relation = 'enrolments_v1'::regclass and not granted`).Scan(&waiting)
		return errorUnless(err == nil && waiting > 0, "the read model is not behind (%v)", err)
	})
	for n := range 10 { // by the end of which the payment is where it waits
		o.Post(t, "lisa", "/enrolments/"+rights["b1"]+"/stop", fmt.Sprint("again-", n), object{"from_month": "2026-11", "reason": "kiểm tra lại"})
	}
	stop("b0").Want(t, http.StatusOK)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if refused := <-paid; refused.Text(t, "code") != "right_ended" {
		t.Fatalf("answered %d %s", refused.Status, refused.Body)
	}
}

// withdraws waits until the gateway is asked to keep an instruction, and lets it say that it did.
func (g *gateway) withdraws(t *testing.T, o *office, p paid, reason string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var asked int
		err := o.Pool.QueryRow(t.Context(),
			`select count(*) from events where stream = $1 and type = 'disbursement.withdrawal_requested.v1' and data->>'reason' = $2`, "payment-"+p.ID, reason).Scan(&asked)
		return errorUnless(err == nil && asked == 1, "asked %d times (%v)", asked, err)
	})
	g.append(t, p, bankgateway.InstructionWithdrawn{Instruction: p.instruction(), Reason: reason})
}

// Their money waits for a bank that is paused, or lies at the commune, when they die or are stopped. What the bank has is left
// to it.
func TestWhatNobodyHasYetIsWithdrawnWhenItsRightEnds(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 5)
	o.someone(t, "cash", unit, "")
	rights["cash"] = o.enrol(t, "lisa", decision("cash", "social_assistance", "c5a", "2026-11-02"))
	o.seen(t, `identity = 'matched' and (account = '' or state = 'open')`)
	list := o.released(t, 6)
	first := o.payments(t, list)
	g.tell(t, first["b3"], "sent")
	o.becomes(t, list, "b3", "sent")
	stop := object{"from_month": "2026-11", "reason": "kiểm tra lại"}
	for _, id := range []string{"b0", "b3", "cash"} {
		o.Post(t, "lisa", "/enrolments/"+rights[id]+"/stop", "stop-"+id, stop).Want(t, http.StatusOK)
	}
	o.people.tellAt(t, o.Clock.Now(), "b1", accounts.BeneficiaryDied{Beneficiary: "b1", DiedOn: "2026-10-31", Source: "family"})
	o.people.tell(t, "b2", accounts.AccountBlocked{Account: "b2-1", Beneficiary: "b2", Reason: "authority", By: "mai"})
	g.withdraws(t, o, first["b0"], "stopped")
	g.withdraws(t, o, first["b1"], "died")
	g.withdraws(t, o, first["b2"], "account_changed")
	for _, id := range []string{"b0", "b1", "b2", "cash"} {
		o.becomes(t, list, id, "recalled")
	}
	o.refuse(t, first["b0"], "reissue", object{}, "right_ended")
	o.refuse(t, first["cash"], "cash", object{"collected_on": "2026-11-21", "receipt": "PC-1"}, "right_ended")
	o.refuse(t, first["b2"], "reissue", object{}, "no_account")
	g.tell(t, first["b3"], "ACCC FT3")
	g.tell(t, first["b4"], "sent", "ACCC FT4")
	o.becomes(t, list, "b3", "credited")
	o.becomes(t, list, "b4", "credited")
	if diff := cmp.Diff(closure{}, o.closed(t, list)); diff != "" {
		t.Fatal(diff)
	}
	for _, id := range []string{"b0", "b1", "cash"} { // nobody is owed the money of a right that ended
		o.becomes(t, list, id, "refunded")
	}
	o.wantLedger(t, list, map[string]int64{
		"budget": 3 * amount, "available": 0, "reserved": 0, "in_flight": 0, "credited": 2 * amount, "returned": amount, "cash": 0,
		"treasury": -3 * amount, "difference": 0,
	})
	o.refuse(t, first["b1"], "reissue", object{}, "beneficiary_deceased")
	// The right of b2 did not end: the money is still there, no other list pays it, and nobody was overpaid.
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b2 2026-12 regular 810000 cash account_blocked", "b4 2026-12 regular 810000 account")
	var signals struct {
		Items []struct{ Code, Beneficiary string }
	}
	o.Get(t, "lisa", "/payrolls/"+december+"/signals", "").Into(t, &signals)
	for _, s := range signals.Items {
		if s.Code == "overpaid" && s.Beneficiary != "b3" { // the bank had b3's money when the right ended
			t.Fatalf("%+v", signals.Items)
		}
	}
	o.Post(t, "treasurer", "/payments/"+first["b2"].ID+"/cash", "move-b2", object{}).Want(t, http.StatusOK)
	o.change(t, o.becomes(t, list, "b2", "cash_pending"), "cash", object{"collected_on": "2026-11-21", "receipt": "PC-2"}, "cash_paid")
	o.audited(t, g)
}

// Their data was erased, so that no bank can be told. Two persons take the money back, and it goes to the next month.
func TestWhatCannotBeSentIsTakenBackByTwoPersons(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 1)
	list := o.released(t, 1)
	p := o.payments(t, list)["b0"]
	propose, approve := "/payments/"+p.ID+"/withdrawal", "/payments/"+p.ID+"/withdrawal/approval"
	o.Post(t, "approver", propose, "role", object{}).Want(t, http.StatusForbidden)
	o.Post(t, "treasurer", approve, "role", object{}).Want(t, http.StatusForbidden)
	if refused := o.Post(t, "approver", approve, "early", object{}); refused.Text(t, "code") != "withdrawal_not_proposed" {
		t.Fatalf("%s", refused.Body)
	}
	o.Post(t, "treasurer", propose, "propose", object{}).Want(t, http.StatusOK)
	o.Post(t, "approver", approve, "approve", object{}).Want(t, http.StatusOK)
	g.withdraws(t, o, p, "unsendable")
	o.becomes(t, list, "b0", "rejected")
	if diff := cmp.Diff(closure{CarriedForward: 1, Carried: amount}, o.closed(t, list)); diff != "" {
		t.Fatal(diff)
	}
	o.audited(t, g)
}

func TestATimeOutAtTheBankIsInquiredAboutByItself(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	list := o.released(t, 2)
	first := o.payments(t, list)
	for _, id := range []string{"b0", "b1"} {
		g.tell(t, first[id], "sent", "RJCT TM01")
		o.becomes(t, list, id, "sent")
	}
	o.refuse(t, first["b0"], "reissue", object{}, "payment_not_failed")
	o.change(t, first["b1"], "inquiry", object{}, "unknown")
	o.Clock.Advance(16 * time.Minute)
	if b0 := o.becomes(t, list, "b0", "unknown"); b0.Inquiries != 1 {
		t.Fatalf("asked %d times", b0.Inquiries)
	}
	g.append(t, first["b0"], bankgateway.PaymentReported{
		Instruction: first["b0"].instruction(), Report: bankgateway.Report{Status: "RJCT", Reason: "TM01", Answers: 1},
	})
	g.tell(t, first["b1"], "ACCC FT1")
	o.becomes(t, list, "b1", "credited")
	again := o.reissue(t, o.becomes(t, list, "b0", "rejected"))
	g.tell(t, again, "sent", "ACCC FT0")
	o.becomes(t, list, "b0", "credited")
	o.audited(t, g)
}

// A bank names one booking for two credits. Both are looked at by people before anything else happens to them.
func TestOneBookingForTwoCreditsIsContested(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 3)
	list := o.released(t, 3)
	first := o.payments(t, list)
	for id, reference := range map[string]string{"b0": "FT1", "b1": "FT1", "b2": "FT2"} {
		g.tell(t, first[id], "sent", "ACCC "+reference)
		o.becomes(t, list, id, "credited")
	}
	o.contests(t, first["b0"], true)
	o.contests(t, first["b1"], true)
	o.contests(t, first["b2"], false)
	var got struct {
		Exceptions []struct{ Payment, Code string }
	}
	o.Get(t, "auditor", "/reconciliations/"+list, "").Into(t, &got)
	if len(got.Exceptions) != 2 || got.Exceptions[0].Code != "contradictory" {
		t.Fatalf("exceptions: %+v", got.Exceptions)
	}
	g.tell(t, first["b1"], "RTND AC04") // the bank found out which it was
	o.becomes(t, list, "b1", "returned")
	o.contests(t, first["b1"], false)
	var facts int
	if err := o.Pool.QueryRow(t.Context(), `select count(*) from events where type = 'disbursement.credit_contested.v1'`).Scan(&facts); err != nil || facts != 2 {
		t.Fatalf("%d contests (%v)", facts, err)
	}
}
