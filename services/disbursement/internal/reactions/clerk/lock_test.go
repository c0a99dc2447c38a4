package clerk

import (
	"context"
	"errors"
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// The connection with the lock breaks while a list is computed, so that another clerk may be at one beside it.
func TestAClerkThatLostItsLockStoresNothingMore(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := eventstore.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	log, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: events.NewCatalog(disbursement.Catalog(), payroll.PrivateFacts())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	j := listOf(t)
	j.Pool, j.Log, j.Now = pool, log, testkit.NewClock(j.asOf.At(8, 0)).Now
	err = j.alone(t.Context(), func(held func(context.Context) error) error {
		if err := held(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := pool.Exec(t.Context(), `
select pg_terminate_backend(pid) from pg_locks
 where locktype = 'advisory' and granted and (classid::bigint << 32 | objid::bigint) = hashtextextended(current_schema() || '/clerk', 0)`)
		if err != nil {
			t.Fatal(err)
		}
		j.held = held
		if err := j.store(t.Context(), sheet{final: true}); !errors.Is(err, errLost) {
			t.Errorf("a sheet: %v", err)
		}
		if err := j.finish(t.Context()); !errors.Is(err, errLost) {
			t.Errorf("the totals: %v", err)
		}
		return nil
	})
	if !errors.Is(err, errLost) {
		t.Errorf("nobody noticed: %v", err)
	}
	if head, err := log.Head(t.Context()); err != nil || head != 0 {
		t.Errorf("%d facts are stored (%v)", head, err)
	}
	if err := j.alone(t.Context(), func(held func(context.Context) error) error { return held(t.Context()) }); err != nil {
		t.Errorf("the lock stays lost: %v", err)
	}
}
