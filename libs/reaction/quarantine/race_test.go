package quarantine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestAFactIsNotLeftBehindWhenItsKeyIsReleasedAtTheSameMoment(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	q := New(pool, time.Now)
	at := kafkabus.Place{Topic: "desk"}
	first := Item{Consumer: "c", Place: at, Key: "k", Fact: "1", Payload: []byte("{}"), ErrorCode: "error"}
	if err := q.Add(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	items, err := q.List(t.Context(), Filter{Consumer: "c"})
	if err != nil || len(items) != 1 {
		t.Fatalf("%d items, %v", len(items), err)
	}

	type answer struct {
		state Entry
		err   error
	}
	answered := make(chan answer, 1)
	// The release has handled the first fact and is about to commit when the second one arrives.
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if err := lockKey(t.Context(), tx, first); err != nil {
			return err
		}
		if err := q.close(t.Context(), tx, "released_at", items[0], Decision{"admin", "repaired"}); err != nil {
			return err
		}
		go func() {
			second := first
			second.Fact = "2"
			ctx := context.WithoutCancel(t.Context())
			state, err := q.Look(ctx, Message{Consumer: "c", Topic: at.Topic, Key: "k", Fact: "2"})
			if err == nil && state == Behind {
				state, err = q.Park(ctx, second)
			}
			answered <- answer{state, err}
		}()
		testkit.Eventually(t, func() error {
			var waiting bool
			err := pool.QueryRow(t.Context(), `select exists (select from pg_locks
				where locktype = 'advisory' and not granted and (classid::bigint << 32) | objid::bigint
				    = hashtextextended('songan/quarantine/' || current_schema() || '/c/desk/k', 0))`).Scan(&waiting)
			if err == nil && !waiting && len(answered) == 0 {
				err = errors.New("the second fact does not wait for the release")
			}
			return err
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got != (answer{state: Free}) {
		t.Errorf("the second fact got %v, want it to be free", got)
	}
	if open, err := q.Open(t.Context(), "c"); err != nil || open != 0 {
		t.Error(fmt.Errorf("%d items are left behind (%w)", open, err))
	}
}
