package projection_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestAReadModelFollowsTheLog(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	m := i.add(t, r, stays("stays_v1").Projection())
	start(t, r)
	wait(t, m, i.lodge(t, 1, 2))
	want := strings.Join([]string{
		`(000001,2,1,t,"2026-11-21 07:00:01.123456+00",,2026-11-23,"{""a \\""quoted\\"" one"",""back\\\\slash"",một,""moved to 2""}",,"{""floor"": ""1""}",0)`,
		`(000002,3,1,f,"2026-11-21 07:00:02.123456+00","2026-11-21 08:00:02.123456+00",2026-11-23,"{""a \\""quoted\\"" one"",""back\\\\slash"",một,""moved to 3""}",,"{""floor"": ""2""}",3600)`,
	}, "\n")
	if diff := cmp.Diff(want, i.dump(t, "stays")); diff != "" {
		t.Errorf("the view (-want +got):\n%s", diff)
	}
	if at := i.head(t); at != 7 {
		t.Errorf("the log has %d facts, want 7", at)
	}
}

func TestWhoWaitsTooLongIsToldToComeAgain(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	m := i.add(t, r, stays("stays_v1").Projection())
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	err := m.WaitFor(ctx, 1)
	if p, ok := problem.Of(err); !ok || p.Kind != problem.Unavailable || p.Code != "not_yet_visible" || p.RetryAfter == 0 {
		t.Errorf("got %v", err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the cause is lost: %v", err)
	}
}

// counting is a projection that is wrong as soon as anything is applied twice or not at all.
func counting(before func(batch []events.Recorded) error) *projection.Projection {
	const ddl = `create table if not exists counts_v1 (room text primary key, arrivals bigint not null)`
	return projection.New("counts_v1", ddl, func(ctx context.Context, tx pgx.Tx, batch []events.Recorded) error {
		for _, r := range batch {
			e, ok := r.Event.(arrived)
			if !ok {
				continue
			}
			const count = `insert into counts_v1 values ($1, 1)
				on conflict (room) do update set arrivals = counts_v1.arrivals + 1`
			if _, err := tx.Exec(ctx, count, e.Room); err != nil {
				return fmt.Errorf("count: %w", err)
			}
		}
		return before(batch) // before the commit, after all writing
	})
}

var errDisk = errors.New("the disk is full")

func TestAFactThatCannotBeAppliedIsTriedAgainAndNeverSkipped(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	registry := prometheus.NewRegistry()
	r := i.runner(projection.Options{Registerer: registry})
	var failures atomic.Int32
	m := i.add(t, r, counting(func([]events.Recorded) error {
		if failures.Add(1) <= 3 {
			return errDisk
		}
		return nil
	}))
	position := i.lodge(t, 1, 50)
	start(t, r)
	wait(t, m, position)
	if diff := cmp.Diff(i.truth(t, i.head(t)), i.dump(t, "counts")); diff != "" {
		t.Errorf("counts (-log +view):\n%s", diff)
	}
	const want = `
		# HELP songan_projection_failures_total Batches that could not be applied and were tried again.
		# TYPE songan_projection_failures_total counter
		songan_projection_failures_total{projection="counts_v1"} 3
		# HELP songan_projection_position Position in the own log up to which a read model is written.
		# TYPE songan_projection_position gauge
		songan_projection_position{projection="counts_v1"} 175
	`
	err := testutil.GatherAndCompare(registry, strings.NewReader(want), "songan_projection_failures_total", "songan_projection_position")
	if err != nil {
		t.Error(err)
	}
}

// truth is what counting has to come to at a position of the log.
func (i *inn) truth(t testing.TB, position int64) string {
	t.Helper()
	return i.dump(t, fmt.Sprintf(`(select data->>'room' as room, count(*) from events
		where type = 'inn.arrived.v1' and position <= %d group by 1)`, position))
}

func TestOfTwoProcessesOneWritesAndTheOtherTakesOver(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	var writers atomic.Int32
	open := func() (*inn, *projection.Model, func()) {
		pool, err := pgxpool.New(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		i := openInn(t, pool)
		r := i.runner(projection.Options{})
		m := i.add(t, r, counting(func([]events.Recorded) error {
			if writers.Add(1) > 1 {
				t.Error("two processes write at the same time")
			}
			writers.Add(-1)
			return nil
		}))
		return i, m, start(t, r)
	}
	first, m1, stopFirst := open()
	second, m2, _ := open()
	position := first.lodge(t, 1, 20)
	wait(t, m1, position)
	wait(t, m2, position) // whichever of them writes
	stopFirst()
	position = second.lodge(t, 21, 40)
	wait(t, m2, position)
	wait(t, m1, position)
	if diff := cmp.Diff(second.truth(t, second.head(t)), second.dump(t, "counts")); diff != "" {
		t.Errorf("counts (-log +view):\n%s", diff)
	}
}

func TestAMachineThatIsGoneLosesItsReadModels(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	elsewhere, cable := testkit.Elsewhere(t, i.pool)
	runner := func(pool *pgxpool.Pool) (*projection.Runner, *projection.Model) {
		r := projection.NewRunner(pool, projection.Options{})
		return r, i.add(t, r, counting(func([]events.Recorded) error { return nil }))
	}
	first, m := runner(elsewhere)
	stop := start(t, first)
	wait(t, m, i.lodge(t, 1, 20))
	cable.Pull()
	second, m := runner(i.pool)
	start(t, second)
	wait(t, m, i.lodge(t, 21, 40))
	stop() // nothing waits for an answer that does not come
}

func TestLosingTheConnectionOfTheLocksLosesNothing(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	m := i.add(t, r, counting(func([]events.Recorded) error { return nil }))
	start(t, r)
	const holder = `select coalesce(max(l.pid), 0) from pg_locks l where l.locktype = 'advisory' and l.granted
		and l.objid::bigint = hashtextextended('songan/lead/' || current_schema() || '/projection/counts_v1', 0) & x'ffffffff'::bigint`
	before := int64(0)
	for n := range 3 {
		testkit.Eventually(t, func() error {
			now := i.number(t, holder)
			if now == 0 || now == before {
				return fmt.Errorf("the lock is held by %d, before it was by %d", now, before)
			}
			before = now
			return nil
		})
		i.lodge(t, 20*n+1, 20*n+10)
		if _, err := i.pool.Exec(t.Context(), `select pg_terminate_backend($1)`, before); err != nil {
			t.Fatal(err)
		}
		wait(t, m, i.lodge(t, 20*n+11, 20*n+20))
	}
	if diff := cmp.Diff(i.truth(t, i.head(t)), i.dump(t, "counts")); diff != "" {
		t.Errorf("counts (-log +view):\n%s", diff)
	}
}

func TestAReadModelIsReadyOnceItHasCaughtUp(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	i.lodge(t, 1, 1_000)
	r := i.runner(projection.Options{})
	m := i.add(t, r, stays("stays_v1").Projection())
	if err := r.Ready(t.Context()); err == nil {
		t.Error("it is ready before it has seen the log")
	}
	start(t, r)
	testkit.Eventually(t, func() error { return r.Ready(t.Context()) })
	if err := m.WaitFor(t.Context(), i.head(t)-1_000); err != nil { // a moment after its commit
		t.Errorf("it is ready, and lacks too much: %v", err)
	}
	if found, ok := r.Model("stays_v1"); !ok || found != m {
		t.Error("the runner does not know its model")
	}
}

func TestTheStateOfAReadModelIsAnotherOneOnceAnythingWasApplied(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	m := i.add(t, r, stays("stays_v1").Projection())
	state := func(of *projection.Model) string {
		now, err := of.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	seen := []string{state(m)}
	elsewhere := i.add(t, i.runner(projection.Options{}), stays("stays_v1").Projection()) // of another process
	start(t, r)
	for n := range 3 {
		wait(t, m, i.lodge(t, 10*n+1, 10*n+10))
		now := state(m)
		if now != state(m) || now != state(elsewhere) {
			t.Error("nothing was applied, and the state is another one")
		}
		if slices.Contains(seen, now) {
			t.Errorf("facts were applied, and the state is still %s", now)
		}
		seen = append(seen, now)
	}
	if _, err := m.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := state(m); slices.Contains(seen, now) {
		t.Errorf("other rows are in its place, and the state is still %s", now)
	}
}

func TestAWrongProjectionIsRefusedWhenItIsAdded(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	log := projection.FromLog(i.store)
	ddl := func(sql string) *projection.Projection {
		return projection.New("wrong_v1", sql, func(context.Context, pgx.Tx, []events.Recorded) error { return nil })
	}
	misfit := stays("wrong_v1")
	misfit.DDL = `create table if not exists wrong_v1 (id text primary key)`
	keyless := stays("wrong_v1")
	keyless.DDL = strings.Replace(stayDDL("wrong_v1"), " primary key", "", 1)
	cases := map[string]struct {
		p    *projection.Projection
		feed []projection.Feed
		want string
	}{
		"no version":                  {stays("stays").Projection(), []projection.Feed{log}, "with a version"},
		"no feed":                     {stays("stays_v1").Projection(), nil, "no feed"},
		"a broken ddl":                {ddl("create tabel"), []projection.Feed{log}, "42601"},
		"a table of no version":       {ddl("create table if not exists other (a int)"), []projection.Feed{log}, "ends in _v1"},
		"a struct that does not fit":  {misfit.Projection(), []projection.Feed{log}, "has no column room"},
		"a table without primary key": {keyless.Projection(), []projection.Feed{log}, "42P10"},
		"a table without a fold":      {projection.Table[stay]{Name: "wrong_v1"}.Projection(), []projection.Feed{log}, "needs Key and Apply"},
	}
	for name, c := range cases {
		_, err := i.runner(projection.Options{}).Add(t.Context(), c.p, c.feed...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if tables := i.dump(t, "(select from pg_tables where schemaname = current_schema() and tablename like 'wrong%')"); tables != "" {
		t.Errorf("tables were left behind: %s", tables)
	}
}
