package eventstore_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
)

// turn is the lock by which writers take turns.
const turn = `select pg_advisory_xact_lock('events'::regclass::oid::bigint)`

// hold keeps the writers of all stores waiting until it is released.
func hold(t testing.TB, pool *pgxpool.Pool) (release func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), turn); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// occupy keeps the writer of s busy until it is released, so that whoever comes now has to queue.
func occupy(t testing.TB, pool *pgxpool.Pool, s *eventstore.Store) (release func()) {
	t.Helper()
	let := hold(t, pool)
	answer := make(chan error, 1)
	go func() {
		_, err := s.Append(t.Context(), of("busy", 0, put{1}))
		answer <- err
	}()
	waitFor(t, pool)
	return func() {
		let()
		if err := <-answer; err != nil {
			t.Error(err)
		}
	}
}

// waitFor waits until a batch waits for its turn.
func waitFor(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if count(t, pool, `select count(*) from pg_locks where locktype = 'advisory' and not granted and objid = 'events'::regclass::oid`) == 0 {
			return errors.New("no batch waits")
		}
		return nil
	})
}
