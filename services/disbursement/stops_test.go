package disbursement_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/testkit"
)

// held takes an advisory lock of the service, until the test gives it back.
func (o *office) held(t *testing.T, key string) (giveBack func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), o.config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `select pg_advisory_lock(hashtextextended(`+key+`, 0))`); err != nil {
		t.Fatal(err)
	}
	giveBack = sync.OnceFunc(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	t.Cleanup(giveBack)
	return giveBack
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

// Everything that ends a right or an account comes between the release and the payments. Nobody of them is paid.
func TestWhatStopsAfterTheReleaseAndBeforeThePaymentIsNotPaid(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 6)
	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").text(t, "id")
	o.approved(t, list, "")
	o.funded(t, list, "")
	goOn := o.held(t, `'songan/release/' || current_schema() || '/`+list+`'`)
	o.step(t, "treasurer", list, "release", object{}).want(t, http.StatusOK)
	stop := object{"from_month": "2026-11", "reason": "kiểm tra lại"}
	o.post(t, "lisa", "/enrolments/"+rights["b0"]+"/stop", "stop", stop).want(t, http.StatusOK)
	o.post(t, "lisa", "/enrolments/"+rights["b1"]+"/suspension", "suspend", stop).want(t, http.StatusOK)
	o.people.tell(t, "b2", accounts.BeneficiaryDied{Beneficiary: "b2", DiedOn: "2026-10-31", Source: "family"})
	o.people.tell(t, "b3", accounts.AccountBlocked{Account: "b3-1", Beneficiary: "b3", Reason: "authority", By: "mai"})
	o.people.tell(t, "b4", accounts.AccountSuspended{Account: "b4-1", Beneficiary: "b4", Reason: "owner", By: "mai"})
	o.seen(t, `beneficiary in ('b0', 'b1', 'b5') or died_on <> '' or state in ('blocked', 'suspended')`)
	goOn()
	o.wantLines(t, "lisa", list,
		"b0 2026-11 regular 810000 account removed:stopped", "b1 2026-11 regular 810000 account removed:suspended",
		"b2 2026-11 regular 810000 account removed:died", "b3 2026-11 regular 810000 account removed:account_changed",
		"b4 2026-11 regular 810000 account removed:account_changed", "b5 2026-11 regular 810000 account")
	testkit.Eventually(t, 20*time.Second, func() error {
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

// Rights are stopped at random while their list is being paid. Whichever comes first in the log counts.
func TestNoInterleavingOfStopsAndPaymentsPaysWhatWasStoppedBefore(t *testing.T) {
	t.Parallel()
	const people = 40
	o, g, rights := everybody(t, people)
	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").text(t, "id")
	o.approved(t, list, "")
	o.funded(t, list, "")
	goOn := o.held(t, `current_schema() || '/stops'`)
	var pressing sync.WaitGroup
	pressing.Go(func() { o.step(t, "treasurer", list, "release", object{}).want(t, http.StatusOK) })
	for i := range people / 2 {
		pressing.Go(func() {
			id := fmt.Sprint("b", i)
			o.post(t, "lisa", "/enrolments/"+rights[id]+"/stop", "stop-"+id, object{"from_month": "2026-11", "reason": "x"}).want(t, http.StatusOK)
		})
	}
	testkit.Eventually(t, 10*time.Second, func() error {
		var waiting int
		err := o.pool.QueryRow(t.Context(), `select count(*) from pg_locks where locktype = 'advisory' and not granted`).Scan(&waiting)
		return errorUnless(err == nil && waiting > 0, "nobody waits at the gate (%v)", err)
	})
	goOn()
	pressing.Wait()
	testkit.Eventually(t, 20*time.Second, func() error {
		var got struct{ Release struct{ Payments, Removed int } }
		o.get(t, "treasurer", "/payrolls/"+list, "").into(t, &got)
		return errorUnless(got.Release.Payments+got.Release.Removed == people, "%+v", got)
	})
	o.audited(t, g)
}
