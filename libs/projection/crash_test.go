package projection_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/testkit"
)

// projector is a process that counts, and kills itself in its n-th batch: when everything is written and nothing
// is committed.
func projector(ctx context.Context, args []string) error {
	deadly, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, args[0])
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := eventstore.Open(ctx, pool, eventstore.Options{Catalog: catalog()})
	if err != nil {
		return err
	}
	defer store.Close()
	r := projection.NewRunner(pool, projection.Options{})
	batches := 0
	p := counting(func([]events.Recorded) error {
		if batches++; batches == deadly {
			fmt.Println("dying")
			return errors.Join(syscall.Kill(os.Getpid(), syscall.SIGKILL), errors.New("still alive"))
		}
		return nil
	})
	if _, err := r.Add(ctx, p, projection.FromLog(store)); err != nil {
		return err
	}
	return r.Run(ctx)
}

func TestACrashBetweenBatchAndCheckpointChangesNothing(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	i := openInn(t, pool)
	r := i.runner(projection.Options{})
	m := i.add(t, r, counting(func([]events.Recorded) error { return nil }))
	next, kills := 0, 0
	lodge := func() int64 {
		next += 20
		return i.lodge(t, next-19, next)
	}
	for deadly := range 4 {
		lodge()
		child := testkit.Child(t, "projector", url, strconv.Itoa(deadly+1))
		for batch := range deadly {
			// Each of these batches is applied and committed before the next facts are there.
			wait(t, m, i.head(t))
			if i.checkpoint(t) == 0 {
				t.Fatalf("batch %d was not applied", batch)
			}
			lodge()
		}
		if line := child.Line(time.Minute); line != "dying" {
			t.Fatalf("the process said %q instead of dying in its batch", line)
		}
		if err := child.Wait(time.Minute); err != nil {
			kills++
		}
		if diff := cmp.Diff(i.truth(t, i.checkpoint(t)), i.dump(t, "counts")); diff != "" {
			t.Fatalf("after a crash the rows are not those of the checkpoint (-checkpoint +rows):\n%s", diff)
		}
		if i.checkpoint(t) == i.head(t) {
			t.Fatal("the process died after its commit, not before")
		}
	}
	start(t, r)
	wait(t, m, lodge())
	if diff := cmp.Diff(i.truth(t, i.head(t)), i.dump(t, "counts")); diff != "" || kills != 4 {
		t.Errorf("counts after %d kills (-log +view):\n%s", kills, diff)
	}
}

// checkpoint is where the rows say they are.
func (i *inn) checkpoint(t testing.TB) int64 {
	t.Helper()
	return i.number(t, `select coalesce(max(position), 0) from projection_checkpoints`)
}

func (i *inn) head(t testing.TB) int64 {
	t.Helper()
	return i.number(t, `select coalesce(max(position), 0) from events`)
}

func (i *inn) number(t testing.TB, query string) (n int64) {
	t.Helper()
	if err := i.pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
