package disbursement_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/internal/voucher"
)

// Two people are owed cash, on one list. A paper proves one thing, and who releases does not also say that it was collected.
func TestAPaperCountsOnceAndReceiptsNeedAnotherPerson(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	for _, id := range []string{"b0", "b1"} {
		o.someone(t, id, unit, "")
		o.enrol(t, "lisa", decision(id, "social_assistance", "c5a", "2026-11-02"))
	}
	o.enrol(t, "lisa", decision("b0", "social_pension", "social_pension", "2026-11-02"))
	o.seen(t, `identity = 'matched'`)
	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, list, "")
	o.approved(t, december, "")
	fund := func(id, reference string, want int) servicetest.Answer {
		t.Helper()
		answered := o.step(t, "treasurer", id, "funding", object{"amount": 2 * amount, "reference": reference})
		answered.Want(t, want)
		return answered
	}
	if got := fund(list, "KB-001090123456", http.StatusUnprocessableEntity).Faults(t); !cmp.Equal(got, []string{"/reference looks_like_a_person"}) {
		t.Errorf("a person's number: %v", got)
	}
	order := object{"amount": 2 * amount, "reference": "KB-1"}
	o.Post(t, "treasurer", "/payrolls/"+list+"/funding", "one-key", order).Want(t, http.StatusOK)
	if got := o.Post(t, "treasurer", "/payrolls/"+december+"/funding", "one-key", order).Faults(t); !cmp.Equal(got, []string{"/reference reference_used"}) {
		t.Errorf("an order for two lists under one key: %v", got)
	}
	if got := fund(december, "KB-1", http.StatusUnprocessableEntity).Faults(t); !cmp.Equal(got, []string{"/reference reference_used"}) {
		t.Errorf("an order for two lists: %v", got)
	}
	fund(december, "KB-2", http.StatusOK)
	o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusOK)
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	o.becomes(t, list, "b1", "cash_pending")
	o.becomes(t, december, "b0", "cash_pending")
	first, second := o.payments(t, list), o.payments(t, december)
	pay := func(actor string, p paid, receipt, on string) servicetest.Answer {
		t.Helper()
		return o.Post(t, actor, "/payments/"+p.ID+"/cash", actor+p.ID+receipt+on, object{"collected_on": on, "receipt": receipt})
	}
	if refused := pay("treasurer", first["b0"], "PC-1", "2026-11-21"); refused.Text(t, "code") != "same_person" {
		t.Errorf("who released it: %s", refused.Body)
	}
	for _, on := range []string{"1900-01-01", "2026-11-20"} {
		if got := pay("cashier", first["b0"], "PC-1", on).Faults(t); !cmp.Equal(got, []string{"/collected_on collected_before_release"}) {
			t.Errorf("collected on %s: %v", on, got)
		}
	}
	pay("cashier", first["b0"], "PC-1", "2026-11-21").Want(t, http.StatusOK)
	pay("cashier", second["b0"], "PC-1", "2026-11-21").Want(t, http.StatusOK) // two months of one person on one receipt
	if got := pay("cashier", first["b1"], "PC-1", "2026-11-21").Faults(t); !cmp.Equal(got, []string{"/receipt reference_used"}) {
		t.Errorf("a receipt for two people: %v", got)
	}
	pay("cashier", first["b1"], "PC-2", "2026-11-21").Want(t, http.StatusOK)
	o.audited(t, g)
}

// Several orders come for one list at the same moment, and it needs one. The others are free for the next list.
func TestAnOrderThatLostARaceIsFreeForAnotherList(t *testing.T) {
	t.Parallel()
	o, _, _ := everybody(t, 1)
	november := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.approved(t, november, "")
	const racers = 8
	var racing sync.WaitGroup
	var won atomic.Int32
	race := func(n int) {
		racing.Go(func() {
			if o.step(t, "treasurer", november, "funding", object{"amount": amount, "reference": fmt.Sprint("KB-", n)}).Status == http.StatusOK {
				won.Store(int32(n + 1))
			}
		})
	}
	const writing = `'events'::regclass::oid::bigint`
	goOn := o.held(t, writing)
	race(0)
	o.waitsFor(t, writing)
	for n := 1; n < racers; n++ {
		race(n)
	}
	testkit.Eventually(t, func() error { // by then each has seen a list without money
		n := o.queued()
		return errorUnless(n >= racers-1, "%v of %d orders wait behind the first", n, racers-1)
	})
	goOn()
	racing.Wait()
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, december, "")
	for n := range racers {
		free := o.step(t, "treasurer", december, "funding", object{"amount": 1, "reference": fmt.Sprint("KB-", n)}).Status == http.StatusOK
		if counted := int32(n+1) == won.Load(); free == counted {
			t.Errorf("order %d: counted for November %t, for December %t", n, counted, free)
		}
	}
	var taken int
	err := o.Pool.QueryRow(t.Context(), `select count(*) from events where type = 'disbursement.voucher_undone.v1'`).Scan(&taken)
	if err != nil || taken == 0 {
		t.Fatalf("%d orders were given back (%v)", taken, err)
	}
}

func TestWhereThereAreTwoTreasurersOneFundsAndTheOtherReleases(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 1)
	o.stop()
	o.apart = true
	o.start(t)
	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.approved(t, list, "")
	o.funded(t, list, "")
	if refused := o.step(t, "treasurer", list, "release", object{}); refused.Status != http.StatusUnprocessableEntity || refused.Text(t, "code") != "same_person" {
		t.Fatalf("who entered the money: %d %s", refused.Status, refused.Body)
	}
	o.step(t, "cashier", list, "release", object{}).Want(t, http.StatusOK)
	o.becomes(t, list, "b0", "released")
	o.audited(t, g)
}

// unstorable lets the database refuse facts of a kind, until it is mended.
func (o *office) unstorable(t *testing.T, types string) (mend func()) {
	t.Helper()
	for _, statement := range []string{
		`create or replace function refuse() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = '22000'; end $$`,
		`create trigger refuse before insert on events for each row when (new.type in (` + types + `)) execute function refuse()`,
	} {
		if _, err := o.Pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		t.Helper()
		if _, err := o.Pool.Exec(t.Context(), `drop trigger refuse on events`); err != nil {
			t.Fatal(err)
		}
	}
}

// A list takes an order of the treasury, and then its money is not recorded. The order is free for another list at once; or, if even
// giving it back fails, once nothing can be under way any more. What was counted stays counted.
func TestAPaperThatProvedNothingIsFreeAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	for _, id := range []string{"b0", "b1"} {
		o.someone(t, id, unit, "")
		o.enrol(t, "lisa", decision(id, "social_assistance", "c5a", "2026-11-02"))
	}
	o.seen(t, `identity = 'matched'`)
	november := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, november, "")
	o.approved(t, december, "")
	fund := func(list, reference string) int {
		t.Helper()
		return o.step(t, "treasurer", list, "funding", object{"amount": amount, "reference": reference}).Status
	}
	mend := o.unstorable(t, `'disbursement.payroll_funded.v1'`)
	first := fund(november, "KB-1")
	mend()
	mend = o.unstorable(t, `'disbursement.payroll_funded.v1', 'disbursement.voucher_undone.v1'`)
	second := fund(november, "KB-2")
	mend()
	got := []int{first, fund(december, "KB-1"), second, fund(december, "KB-2")}
	o.Clock.Advance(voucher.Patience)
	got = append(got, fund(december, "KB-2"), fund(november, "KB-1"), fund(november, "KB-2"))
	want := []int{
		http.StatusInternalServerError, http.StatusOK, http.StatusInternalServerError, http.StatusUnprocessableEntity,
		http.StatusOK, http.StatusUnprocessableEntity, http.StatusUnprocessableEntity,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	o.funded(t, november, "")
	o.step(t, "treasurer", november, "release", object{}).Want(t, http.StatusOK)
	o.becomes(t, november, "b1", "cash_pending")
	p := o.payments(t, november)
	pay := func(who string) int {
		t.Helper()
		receipt := object{"collected_on": "2026-11-21", "receipt": "PC-1"}
		return o.Post(t, "cashier", "/payments/"+p[who].ID+"/cash", fmt.Sprint(who, o.Clock.Now().UnixNano()), receipt).Status
	}
	mend = o.unstorable(t, `'disbursement.cash_paid.v1', 'disbursement.voucher_undone.v1'`)
	got = []int{pay("b0")}
	mend()
	got = append(got, pay("b1"))
	o.Clock.Advance(voucher.Patience)
	got = append(got, pay("b1"))
	o.Clock.Advance(voucher.Patience)
	got = append(got, pay("b0"))
	want = []int{http.StatusInternalServerError, http.StatusUnprocessableEntity, http.StatusOK, http.StatusUnprocessableEntity}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	o.audited(t, g)
}
