package disbursement_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service/servicetest"
)

// Two people are owed cash, on one list. A paper proves one thing, and who releases does not also say that it was collected.
func TestAPaperCountsOnceAndReceiptsNeedAnotherPerson(t *testing.T) {
	t.Parallel()
	o := open(t)
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
	for n := range racers {
		racing.Go(func() {
			if o.step(t, "treasurer", november, "funding", object{"amount": amount, "reference": fmt.Sprint("KB-", n)}).Status == http.StatusOK {
				won.Store(int32(n + 1))
			}
		})
	}
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
	o, _, _ := everybody(t, 1)
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
}
