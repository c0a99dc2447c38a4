package reaction_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/testkit"
)

var errBankClosed = errors.New("the bank is closed")

// outages are the errors that say: not the fact's fault.
func outages() map[string]error {
	return map[string]error{
		"an open breaker":                   &breaker.OpenError{Name: "register", RetryAfter: time.Second},
		"a dependency that answers 503":     &breaker.StatusError{Code: 503},
		"a refused connection":              &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"a broken connection":               io.ErrUnexpectedEOF,
		"a database that shuts down":        &pgconn.PgError{Code: "57P01"},
		"a full database":                   &pgconn.PgError{Code: "53300"},
		"a full queue":                      problem.New(problem.Unavailable, "overloaded", "", ""),
		"a limit of calls":                  problem.New(problem.TooMany, "too_many", "", ""),
		"a lost race":                       problem.New(problem.Conflict, "conflict", "", ""),
		"a stream that others write to":     eventstore.ErrConflict,
		"an answer that was lost":           eventstore.ErrUnknown,
		"a partition without leader":        kafka.LeaderNotAvailable,
		"the end of patience":               context.DeadlineExceeded,
		"a shutdown":                        context.Canceled,
		"what the service itself calls one": errBankClosed,
	}
}

func TestAnOutageOfADependencyPutsNothingIntoQuarantine(t *testing.T) {
	t.Parallel()
	for name, cause := range outages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, j := newDesk(t), newJournal()
			deps := d.deps()
			deps.Down = func(err error) bool { return errors.Is(err, errBankClosed) }
			deps.Attempts = 1
			var refused atomic.Int32
			j.failing(func(noted) error {
				refused.Add(1)
				return fmt.Errorf("ask the register: %w", cause)
			})
			start(t, reactor(t, deps, reaction.On(j.note)))
			d.publish(t, "desk-a", noted{Desk: "a", Step: 1})
			d.publish(t, "desk-a", noted{Desk: "a", Step: 2})
			const tries = 5 // many more than the attempts that a fact has
			testkit.Eventually(t, func() error {
				if n := refused.Load(); n < tries {
					return fmt.Errorf("the fact came %d times", n)
				}
				return nil
			})
			j.failing(func(noted) error { return nil })
			j.did(t, "a", 1, 2)
			d.empty(t)
		})
	}
}

func TestADatabaseThatCutsEveryConnectionPutsNothingIntoQuarantine(t *testing.T) {
	t.Parallel()
	pool, cut := fragile(t)
	d := newDeskOn(t, pool)
	if _, err := d.pool.Exec(t.Context(), `create table done (id text primary key)`); err != nil {
		t.Fatal(err)
	}
	store := func(ctx context.Context, r events.Recorded, _ noted) error {
		_, err := d.pool.Exec(ctx, `insert into done values ($1) on conflict do nothing`, r.ID())
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		return nil
	}
	deps := d.deps()
	deps.Attempts = 1
	start(t, reactor(t, deps, reaction.On(store)))
	const facts = 300
	for i := range facts {
		d.publish(t, fmt.Sprintf("desk-%d", i%20), noted{Step: i})
		if i%30 == 0 {
			cut()
		}
	}
	testkit.Eventually(t, func() error {
		var n int
		if err := d.pool.QueryRow(t.Context(), `select count(*) from done`).Scan(&n); err != nil || n != facts {
			return fmt.Errorf("%d of %d facts are done (%w)", n, facts, err)
		}
		return nil
	})
	testkit.Eventually(t, func() error {
		var n int
		err := d.pool.QueryRow(t.Context(), `select count(*) from quarantine`).Scan(&n)
		if err == nil && n != 0 {
			t.Fatalf("%d facts were quarantined", n)
		}
		return err
	})
}

// fragile answers with a pool, and with a function that has the server cut all its connections.
func fragile(t *testing.T) (pool *pgxpool.Pool, cut func()) {
	t.Helper()
	config, err := pgxpool.ParseConfig(testkit.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	name := "fragile " + rand.Text()
	config.ConnConfig.RuntimeParams["application_name"] = name
	if pool, err = pgxpool.NewWithConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	saboteur := testkit.Postgres(t)
	return pool, func() {
		const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1`
		if _, err := saboteur.Exec(t.Context(), terminate, name); err != nil {
			t.Errorf("cut connections: %v", err)
		}
	}
}

func TestAHandlerThatNeverEndsIsCutOffAndItsFactComesAgain(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t), newJournal()
	deps := d.deps()
	deps.Timeout = 20 * time.Millisecond
	var hung atomic.Int32
	hang := func(ctx context.Context, r events.Recorded, e noted) error {
		if e.Desk == "a" && hung.Add(1) <= 4 {
			<-ctx.Done()
			return ctx.Err()
		}
		return j.note(ctx, r, e)
	}
	start(t, reactor(t, deps, reaction.On(hang)))
	d.publish(t, "desk-a", noted{Desk: "a", Step: 1})
	d.publish(t, "desk-b", noted{Desk: "b", Step: 1})
	j.did(t, "b", 1)
	j.did(t, "a", 1)
	d.empty(t)
}
