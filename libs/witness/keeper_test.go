package witness_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/witness"
)

// Somebody holds the lock by which keepers take turns: the keeper says so, and how old its checkpoints are.
func TestAKeeperDoesNotWaitForOthersForEver(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.coin(t, 3)
	hour := time.Now()
	k := witness.NewKeeper(b.pool, witness.Options{
		Origin: origin, Signer: b.signer, Now: func() time.Time { return hour }, Patience: 100 * time.Millisecond,
	})
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `select pg_advisory_xact_lock('witness_leaves'::regclass::oid::int, hashtext('facts'))`); err != nil {
		t.Fatal(err)
	}
	hour = hour.Add(time.Hour)
	if _, err := k.Sign(t.Context()); !errors.Is(err, context.DeadlineExceeded) || k.Age() != time.Hour {
		t.Fatalf("%v, %s", err, k.Age())
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		_, err := k.Sign(t.Context())
		return err
	})
	if k.Age() != 0 {
		t.Errorf("everything is signed, since %s", k.Age())
	}
}

// A superuser sets the sequence of the register ahead. The keeper does not fill the disk with vacancies, and what the runbook
// says puts the numbers right.
func TestAKeeperDoesNotFollowNumbersThatLeap(t *testing.T) {
	t.Parallel()
	b := registered(t)
	b.read(t, 2)
	b.settle(t, 3)
	b.read(t, 4)
	b.do(t, `select setval('vault_readings_id_seq', 1000000000000)`)
	b.read(t, 1)
	leapt := func() error {
		if _, err := b.keeper.Sign(t.Context()); !errors.Is(err, witness.ErrLeapt) {
			return fmt.Errorf("got %w", err)
		}
		return nil
	}
	testkit.Eventually(t, leapt)
	b.do(t, `select setval('vault_readings_id_seq', 8)`)
	b.do(t, `update vault_readings set id = default where id > 8`)
	b.keeper = b.registrar()
	b.settle(t, 9)
	b.unharmed(t, 7, 9)
}

// A reading has its number before its transaction has an id, by which others would see that it is being written.
func TestAReadingThatIsHeldUpBeforeItIsWrittenIsNoTampering(t *testing.T) {
	t.Parallel()
	b := registered(t)
	b.read(t, 1)
	b.settle(t, 2)
	gate := rand.Int64()
	b.do(t, fmt.Sprintf(`create function held_up() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(%d); return new; end $$`, gate))
	b.do(t, `create trigger held_up before insert on vault_readings for each row when (new.actor = 'officer:slow') execute function held_up()`)
	closed, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := closed.Exec(t.Context(), `select pg_advisory_xact_lock($1)`, gate); err != nil {
		t.Fatal(err)
	}
	slow, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		_, err := slow.Exec(t.Context(), `insert into vault_readings (at, kind, actor, purpose, case_ref, refs) values (now(), 'read', 'officer:slow', 'x', '1', '{}')`)
		written <- err
	}()
	testkit.Eventually(t, func() (err error) {
		var last int64
		if err = b.pool.QueryRow(t.Context(), `select last_value from vault_readings_id_seq`).Scan(&last); err == nil && last < 3 {
			err = errors.New("it has no number yet")
		}
		return err
	})
	nothingSealed := func() {
		for range 3 {
			if c := b.sign(t); c.Size != 2 {
				t.Fatalf("signed up to %d while an earlier reading is held up", c.Size)
			}
		}
	}
	nothingSealed()
	if err := closed.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	nothingSealed()
	if err := slow.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.settle(t, 3)
	b.unharmed(t, 2, 3)
}
