package claims_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/bankgateway/internal/reactions/claims"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

func TestTheFirstClaimCountsForEver(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	for range 2 {
		if err := claims.Migrate(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	if ours, err := claims.Withdraw(t.Context(), pool, "kept"); err != nil || !ours {
		t.Fatalf("kept: %t, %v", ours, err)
	}
	for range 2 {
		lost, err := claims.Send(t.Context(), pool, []string{"kept", "sent"})
		if diff := cmp.Diff([]string{"kept"}, lost); err != nil || diff != "" {
			t.Fatal(diff, err)
		}
	}
	if ours, err := claims.Withdraw(t.Context(), pool, "sent"); err != nil || ours {
		t.Fatalf("sent: %t, %v", ours, err)
	}
	if ours, err := claims.Withdraw(t.Context(), pool, "kept"); err != nil || !ours {
		t.Fatalf("kept again: %t, %v", ours, err)
	}
}

// As after a crash in the middle of a batch, and with somebody else at it in another order.
func TestWhatSomeoneElseClaimedIsClaimedWithTheRest(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := claims.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	const instructions = 2_000
	ids := make([]string, instructions)
	for i := range ids {
		ids[i] = fmt.Sprint("e2e-", i)
	}
	backwards := slices.Clone(ids)
	slices.Reverse(backwards)
	var racing sync.WaitGroup
	for _, batch := range [][]string{ids[:1_500], backwards[:1_500], ids[500:], backwards} {
		racing.Go(func() {
			if lost, err := claims.Send(t.Context(), pool, batch); err != nil || len(lost) > 0 {
				t.Error(lost, err)
			}
		})
	}
	racing.Wait()
	var sent int
	err := pool.QueryRow(t.Context(), `select count(*) from instruction_claims where not withdrawn`).Scan(&sent)
	if err != nil || sent != instructions {
		t.Errorf("%d of %d are claimed: %v", sent, instructions, err)
	}
}

func TestAnInstructionIsSentOrWithdrawnWhoeverIsFaster(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := claims.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	const instructions = 100
	ids := make([]string, instructions)
	kept := make([]bool, instructions)
	for i := range ids {
		ids[i] = fmt.Sprint("e2e-", i)
	}
	var racing sync.WaitGroup
	var lost []string
	racing.Go(func() {
		for i := range ids {
			ours, err := claims.Withdraw(t.Context(), pool, ids[i])
			if kept[i] = ours; err != nil {
				t.Error(err)
			}
		}
	})
	racing.Go(func() {
		for from := 0; from < instructions; from += 20 {
			withdrawn, err := claims.Send(t.Context(), pool, ids[from:from+20])
			if lost = append(lost, withdrawn...); err != nil {
				t.Error(err)
			}
		}
	})
	racing.Wait()
	notSent := map[string]bool{}
	for _, id := range lost {
		notSent[id] = true
	}
	for i, id := range ids {
		if kept[i] != notSent[id] {
			t.Errorf("%s: withdrawn %t, not sent %t", id, kept[i], notSent[id])
		}
	}
}
