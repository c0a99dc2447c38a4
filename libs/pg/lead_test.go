package pg_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
)

// leaders notes who leads what, and that nobody leads the same at the same time.
type leaders struct {
	t  *testing.T
	mu sync.Mutex
	of map[string]string
}

func (l *leaders) work(who string) func(context.Context, string) {
	return func(ctx context.Context, name string) {
		l.mu.Lock()
		if other := l.of[name]; other != "" {
			l.t.Errorf("%s and %s lead %s", other, who, name)
		}
		l.of[name] = who
		l.mu.Unlock()
		<-ctx.Done()
		l.mu.Lock()
		l.of[name] = ""
		l.mu.Unlock()
	}
}

func (l *leaders) all(who string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of["a"] != who || l.of["b"] != who {
		return fmt.Errorf("led by %v", l.of)
	}
	return nil
}

func TestEachNameIsLedByOneProcessAtATime(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	l := &leaders{t: t, of: map[string]string{}}
	ctx := t.Context()
	first, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	lead := func(ctx context.Context, who string) {
		running.Go(func() {
			for ctx.Err() == nil { // a database that stands still for a moment ends a lead, and the next begins
				err := pg.Lead(ctx, pool, []string{"a", "b"}, l.work(who))
				if ctx.Err() == nil && !pg.IsDown(err) {
					t.Errorf("%s: %v", who, err)
					return
				}
			}
		})
	}
	lead(first, "first")
	testkit.Eventually(t, func() error { return l.all("first") })
	second, end := context.WithCancel(ctx)
	lead(second, "second")
	stop()
	testkit.Within(t, 30*time.Second, func() error { return l.all("second") })
	end()
	running.Wait()
}

func TestWorkEndsWhenTheLocksAreLost(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	working, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- pg.Lead(t.Context(), pool, []string{"a"}, func(ctx context.Context, _ string) {
			close(working)
			<-ctx.Done()
		})
	}()
	<-working
	kill(t, pool)
	select {
	case err := <-ended:
		if err == nil || errors.Is(err, context.Canceled) {
			t.Fatalf("ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on without its locks")
	}
}

// kill ends the connections that hold advisory locks in the test's own schema.
func kill(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	const held = `select l.pid from pg_locks l
where l.locktype = 'advisory' and l.granted
  and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('songan/lead/' || current_schema() || '/a', 0)`
	var pids []int
	rows, err := pool.Query(t.Context(), held)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if err := rows.Err(); err != nil || len(pids) == 0 {
		t.Fatalf("nobody holds the lock: %v", err)
	}
	slices.Sort(pids)
	for _, pid := range slices.Compact(pids) {
		if _, err := pool.Exec(t.Context(), `select pg_terminate_backend($1)`, pid); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhoIsGoneWithoutHangingUpLosesTheLead(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	gone, cable := testkit.Elsewhere(t, pool)
	lead := func(pool *pgxpool.Pool, working chan<- struct{}) <-chan error {
		ended := make(chan error, 1)
		go func() {
			ended <- pg.Lead(t.Context(), pool, []string{"a"}, func(ctx context.Context, _ string) {
				close(working)
				<-ctx.Done()
			})
		}()
		return ended
	}
	first, second := make(chan struct{}), make(chan struct{})
	ended := lead(gone, first)
	<-first
	lead(pool, second)
	cable.Pull()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it lost its locks and says nothing")
		}
	case <-time.After(time.Minute):
		t.Fatal("who hears nothing goes on")
	}
	select {
	case <-second:
	case <-time.After(time.Minute):
		t.Fatal("the lock is still held by who is gone")
	}
}
