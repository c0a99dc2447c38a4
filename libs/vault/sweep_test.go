package vault_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vault"
)

func TestASweepErasesWhatHasExpired(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const rows = 1203
	exec(t, h.pool, `
insert into vault (ref, purpose, key, ciphertext, expires_at)
select ('019a0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'stay_guest', '2026-11', '', $1::timestamptz - n * interval '1 s'
  from generate_series(1, $2) n`, evening(), rows)
	kept := h.seal(t, binh(), vault.Index{}, evening().Add(time.Hour))
	forever := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	if got := read(t, h.Vault, "019a0000-0000-7000-8000-000000000001"); len(got) != 0 {
		t.Error("an expired row was read before it was swept")
	}

	var sweepers sync.WaitGroup
	total := make(chan int, 3)
	for range 3 {
		v := h.another(t)
		sweepers.Go(func() {
			done, err := v.Sweep(t.Context(), evening())
			if err != nil || done.More {
				t.Error(done, err)
			}
			total <- done.Rows
		})
	}
	sweepers.Wait()

	if sum := <-total + <-total + <-total; sum != rows {
		t.Errorf("%d rows swept", sum)
	}
	if lines := strings.Count(readFile(t, h.ledger()), "\n"); lines != rows {
		t.Errorf("%d lines in the ledger", lines)
	}
	if diff := cmp.Diff(map[vault.Ref]person{kept.Ref: binh(), forever.Ref: tuyet()}, read(t, h.Vault, kept.Ref, forever.Ref)); diff != "" {
		t.Error(diff)
	}
	erased, err := h.Erased(t.Context(), "019a0000-0000-7000-8000-000000000777")
	if err != nil || erased["019a0000-0000-7000-8000-000000000777"].Reason != "expired" {
		t.Errorf("%v, %v", erased, err)
	}
	if done := h.replay(t); done.Refs != rows || done.Rows != 0 {
		t.Errorf("replayed %+v", done)
	}
}

func TestASweepKeepsTheNextMonthReadyAndNamesSpentOnes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.seal(t, tuyet(), vault.Index{}, evening().Add(time.Hour))
	h.clock.Advance(60 * 24 * time.Hour) // 20 January
	h.seal(t, binh(), vault.Index{}, time.Time{})

	done, err := h.Sweep(t.Context(), h.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(vault.Swept{Rows: 1, Spent: []string{"2026-11", "2026-12"}}, done); diff != "" {
		t.Error(diff)
	}
	if got := h.dump(t, "(select id from vault_keys order by id)"); got != "(2026-11)\n(2026-12)\n(2027-01)\n(2027-02)" {
		t.Errorf("months %s", got)
	}
	for _, month := range done.Spent {
		if err := h.DestroyMonth(t.Context(), asked(), month); err != nil {
			t.Error(err)
		}
	}
	if done, err = h.Sweep(t.Context(), h.clock.Now()); err != nil || len(done.Spent) != 0 {
		t.Errorf("%+v, %v", done, err)
	}
}
