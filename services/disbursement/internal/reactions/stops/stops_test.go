package stops_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/stops"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// few is a pool that holds one connection for stops, one for payments, and one to work with.
func few(t *testing.T) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(testkit.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 3
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// Whoever is inside needs a connection, and those who wait outside must not have taken them all.
func TestManyPaymentsAndStopsAtOnceLeaveConnectionsForWhoIsInside(t *testing.T) {
	t.Parallel()
	pool := few(t)
	gate := stops.New(pool)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of standing still; it takes no time
	defer cancel()
	work := func(ctx context.Context) error {
		_, err := pool.Exec(ctx, `select 1`)
		return err //nolint:wrapcheck // the test says what it is
	}
	var everybody errgroup.Group
	for range 16 {
		everybody.Go(func() error { return gate.Pay(ctx, work) })
		everybody.Go(func() error { return gate.Stop(ctx, work) })
	}
	if err := everybody.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyStaysInsideForEver(t *testing.T) {
	t.Parallel()
	gate := stops.New(few(t))
	look := func(ctx context.Context) error {
		if until, limited := ctx.Deadline(); !limited || time.Until(until) > stops.Longest {
			return fmt.Errorf("it may take until %v", until)
		}
		return nil
	}
	if err := errors.Join(gate.Pay(t.Context(), look), gate.Stop(t.Context(), look)); err != nil {
		t.Fatal(err)
	}
}

// Somebody else may have come in meanwhile, so that nobody can rely on what was seen inside.
func TestWhoLosesTheGateHearsOfIt(t *testing.T) {
	t.Parallel()
	pool := few(t)
	gate := stops.New(pool)
	lose := func(ctx context.Context) error {
		_, err := pool.Exec(ctx, `
select pg_terminate_backend(pid) from pg_locks
 where locktype = 'advisory' and granted and (classid::bigint << 32 | objid::bigint) = hashtextextended(current_schema() || '/stops', 0)`)
		return err //nolint:wrapcheck // the test says what it is
	}
	if err := gate.Pay(t.Context(), lose); err == nil {
		t.Fatal("the gate was lost, and nobody noticed")
	}
	if err := gate.Pay(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Fatalf("the gate stays lost: %v", err)
	}
}

// A machine that loses its power hangs up on nobody. Deaths have to be entered all the same.
func TestAMachineThatIsGoneLeavesTheGateOpen(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the kernel answers for who is gone")
	}
	pool, err := pg.Open(t.Context(), testkit.PostgresURL(t), pg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	elsewhere, cable := testkit.Elsewhere(t, pool)
	inside, stay := make(chan struct{}), make(chan struct{})
	lost := make(chan error, 1)
	go func() {
		lost <- stops.New(elsewhere).Pay(t.Context(), func(context.Context) error {
			close(inside)
			<-stay
			return nil
		})
	}()
	<-inside
	cable.Pull()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := stops.New(pool).Stop(ctx, func(context.Context) error { return nil }); err != nil {
		t.Errorf("nobody is there, and a stop cannot be recorded: %v", err)
	}
	close(stay)
	if err := <-lost; err == nil {
		t.Error("who was gone believes that it was inside all the time")
	}
}
