package lead_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/kafkabus/internal/lead"
	"github.com/songan-vn/songan/libs/testkit"
)

const soon = time.Minute

func TestMain(m *testing.M) { testkit.Main(m, nil) }

func tables(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := testkit.Postgres(t)
	if err := kafkabus.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	return pool
}

func take(t *testing.T, pool *pgxpool.Pool, topic string) *lead.Lead {
	t.Helper()
	l, err := lead.Take(t.Context(), pool, topic)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Release(context.Background()) })
	return l
}

func TestThereIsOneLeadPerTopic(t *testing.T) {
	t.Parallel()
	pool := tables(t)
	first := take(t, pool, "a")
	take(t, pool, "b")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := lead.Take(ctx, pool, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second one: %v", err)
	}
	first.Release(t.Context())
	take(t, pool, "a")
}

func TestSchemasHaveTheirOwnLeads(t *testing.T) {
	t.Parallel()
	take(t, tables(t), "a")
	take(t, tables(t), "a")
}

func TestTheCheckpointIsWhereItWasLeft(t *testing.T) {
	t.Parallel()
	pool := tables(t)
	l := take(t, pool, "a")
	if _, found, err := l.Load(t.Context()); found || err != nil {
		t.Fatal(found, err)
	}
	at, err := l.Create(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	moved := lead.Checkpoint{Position: 7, Previous: []int64{5, 0, 7}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what Kafka has taken is noted down even so
	if err := l.Save(ctx, at.Position, moved); err != nil {
		t.Fatal(err)
	}
	l.Release(t.Context())
	got, found, err := take(t, pool, "a").Load(t.Context())
	if !found || err != nil {
		t.Fatal(found, err)
	}
	if diff := cmp.Diff(moved, got); diff != "" {
		t.Errorf("checkpoint (-want +got):\n%s", diff)
	}
}

func TestNobodyMovesACheckpointThatSomebodyElseHasMoved(t *testing.T) {
	t.Parallel()
	pool := tables(t)
	l := take(t, pool, "a")
	if _, err := l.Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `update relay_positions set position = 5`); err != nil {
		t.Fatal(err)
	}
	err := l.Save(t.Context(), 0, lead.Checkpoint{Position: 3, Previous: []int64{3}})
	if err == nil || !strings.Contains(err.Error(), "somebody else") {
		t.Error(err)
	}
}

func TestWhoLosesTheConnectionLosesTheLead(t *testing.T) {
	t.Parallel()
	pool := tables(t)
	l := take(t, pool, "lost")
	if _, err := l.Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	kept := make(chan error, 1)
	go func() { kept <- l.Keep(t.Context()) }()
	const kill = `select pg_terminate_backend(pid) from pg_locks k join pg_stat_activity a using (pid)
		where k.locktype = 'advisory' and a.application_name = 'songan relay'
		  and (classid::bigint << 32) | objid::bigint = hashtextextended('kafkabus relay ' || current_schema() || ' lost', 0)`
	tag, err := pool.Exec(t.Context(), kill)
	if err != nil || tag.RowsAffected() != 1 {
		t.Fatal(tag, err)
	}
	select {
	case err := <-kept:
		if err == nil || !strings.Contains(err.Error(), "lead of lost is lost") {
			t.Error(err)
		}
	case <-time.After(soon):
		t.Error("nobody noticed")
	}
	if err := l.Save(t.Context(), 0, lead.Checkpoint{Position: 1, Previous: []int64{1}}); err == nil {
		t.Error("the checkpoint was moved without the lead")
	}
	take(t, pool, "lost")
}

func TestKeepEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l := take(t, tables(t), "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Keep(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWithoutATableTheErrorSaysWhatWasTried(t *testing.T) {
	t.Parallel()
	l := take(t, testkit.Postgres(t), "a")
	if _, _, err := l.Load(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "load checkpoint of a: ") {
		t.Error(err)
	}
	if _, err := l.Create(t.Context(), 1); err == nil || !strings.HasPrefix(err.Error(), "create checkpoint of a: ") {
		t.Error(err)
	}
	if err := l.Save(t.Context(), 0, lead.Checkpoint{}); err == nil || !strings.HasPrefix(err.Error(), "save checkpoint of a: ") {
		t.Error(err)
	}
}
