package vault_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
)

// barrier is the advisory lock that holds all racers back until they are let go at once.
const barrier = 20261121

func TestManyProcessesMakeOneKeyForAMonth(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	starter, err := h.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer starter.Release()
	const racers, children, months = 6, 3, 5
	for m := range months {
		h.clock.Advance(62 * 24 * time.Hour)
		if _, err := starter.Exec(t.Context(), `select pg_advisory_lock($1)`, barrier); err != nil {
			t.Fatal(err)
		}
		refs := make(chan vault.Ref, racers+children)
		var race sync.WaitGroup
		line := []string{h.pool.Config().ConnString(), h.keys, h.clock.Now().Format(time.RFC3339)}
		for range racers {
			race.Go(func() {
				ref, err := openAndSeal(t.Context(), line)
				if err != nil {
					t.Error(err)
				}
				refs <- ref
			})
		}
		if m == 0 {
			for range children {
				child := testkit.Child(t, "seal", line...)
				race.Go(func() { refs <- vault.Ref(child.Line(time.Minute)) })
			}
		}
		h.letGo(t, starter)
		race.Wait()
		close(refs)
		h.mustOpenAll(t, refs)
	}
	if twice := count(t, h.pool, `select count(*) - count(distinct id) from vault_keys`); twice != 0 {
		t.Errorf("%d months have two keys", twice)
	}
}

// letGo releases the barrier when everybody waits at it.
func (h *house) letGo(t *testing.T, starter *pgxpool.Conn) {
	t.Helper()
	testkit.Eventually(t, func() error {
		waiting := count(t, h.pool, `select count(*) from pg_locks where locktype = 'advisory' and objid = $1 and not granted`, barrier)
		if waiting < 6 {
			return fmt.Errorf("%d wait", waiting)
		}
		return nil
	})
	if _, err := starter.Exec(t.Context(), `select pg_advisory_unlock($1)`, barrier); err != nil {
		t.Fatal(err)
	}
}

func (h *house) mustOpenAll(t *testing.T, refs <-chan vault.Ref) {
	t.Helper()
	var all []vault.Ref
	for ref := range refs {
		all = append(all, ref)
	}
	if got := read(t, h.another(t), all...); len(got) != len(all) || len(all) < 6 {
		t.Errorf("%d of %d rows open", len(got), len(all))
	}
}

// sealInChild is the race's part of a process of its own.
func sealInChild(ctx context.Context, args []string) error {
	ref, err := openAndSeal(ctx, args)
	if err != nil {
		return err
	}
	_, err = fmt.Println(ref)
	return err
}

// openAndSeal waits at the barrier, opens the vault in a month that has no key yet, and seals and stores one row.
func openAndSeal(ctx context.Context, args []string) (vault.Ref, error) {
	pool, err := pg.Open(ctx, args[0], pg.Options{MaxConns: 2})
	if err != nil {
		return "", err
	}
	defer pool.Close()
	keys, err := vault.LoadKeys(args[1])
	if err != nil {
		return "", err
	}
	now, err := time.Parse(time.RFC3339, args[2])
	if err != nil {
		return "", err
	}
	const wait = `select pg_advisory_lock_shared($1), pg_advisory_unlock_shared($1)`
	if _, err := pool.Exec(ctx, wait, barrier); err != nil {
		return "", err
	}
	v, err := vault.Open(ctx, pool, keys, vault.Options{Now: func() time.Time { return now }})
	if err != nil {
		return "", err
	}
	row, err := v.Seal("stay_guest", tuyet(), vault.Index{}, time.Time{})
	if err != nil {
		return "", err
	}
	const store = `insert into vault (ref, purpose, key, ciphertext) values ($1, $2, $3, $4)`
	_, err = pool.Exec(ctx, store, string(row.Ref), row.Purpose, row.Key, row.Ciphertext)
	return row.Ref, err
}
