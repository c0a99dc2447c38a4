package projection_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/testkit"
)

// busyStays bounds what busy records: a machine that handles facts more slowly than they come never catches up.
const busyStays = 6_000

// busy records some thousand facts a second until it is stopped; stop answers with the last position.
func (i *inn) busy(t *testing.T, first int) (stop func() int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var last atomic.Int64
	var writer sync.WaitGroup
	writer.Go(func() {
		beat := time.NewTicker(5 * time.Millisecond)
		defer beat.Stop()
		for n := first; n < first+busyStays && ctx.Err() == nil; n += 10 {
			last.Store(i.lodge(t, n, n+9)) //nolint:contextcheck // what has begun is finished
			<-beat.C
		}
	})
	return func() int64 {
		cancel()
		writer.Wait()
		return last.Load()
	}
}

// watched reads a view without a pause and complains if a reader ever sees less than one before.
func (i *inn) watched(t *testing.T, view string) (reads func() int64, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var reader sync.WaitGroup
	var done atomic.Int64
	reader.Go(func() {
		var most int64
		for ; ctx.Err() == nil; done.Add(1) {
			var sum int64
			err := i.pool.QueryRow(context.WithoutCancel(ctx), `select count(*) + coalesce(sum(moves), 0) from `+view).Scan(&sum)
			if err != nil {
				t.Errorf("read %s: %v", view, err)
				return
			}
			if sum < most {
				t.Errorf("a reader of %s saw %d, after one had seen %d", view, sum, most)
				return
			}
			most = sum
		}
	})
	return done.Load, func() {
		cancel()
		reader.Wait()
	}
}

// heldUp lets no table of stays be switched, as a long query does, until enough facts of those that it is told of were
// handled and enough readings were done meanwhile.
func (i *inn) heldUp(t *testing.T, facts, reads func() int64) (until func()) {
	t.Helper()
	const enoughFacts, enoughReads = 100, 10
	long := i.long(t)
	handled, read := facts(), reads()
	return func() {
		t.Helper()
		testkit.Within(t, 5*time.Minute, func() error {
			if f, r := facts()-handled, reads()-read; f < enoughFacts || r < enoughReads {
				return fmt.Errorf("only %d facts and %d readings beside the switch", f, r)
			}
			return nil
		})
		if err := long.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// long is a query of stays that does not end.
func (i *inn) long(t *testing.T) pgx.Tx {
	t.Helper()
	tx, err := i.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	if _, err := tx.Exec(t.Context(), `select * from stays limit 1`); err != nil {
		t.Fatal(err)
	}
	return tx
}

func (i *inn) serving(t testing.TB) string {
	t.Helper()
	return i.dump(t, `(select name from projection_versions where serving)`)
}

func TestANewVersionIsBuiltBesideTheOldOneWhileFactsKeepComing(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	i.lodge(t, 1, 3_000)
	r := i.runner(projection.Options{})
	v1 := i.add(t, r, stays("stays_v1").Projection())
	stopFirst := start(t, r)
	wait(t, v1, i.head(t))
	reads, stopReading := i.watched(t, "stays")

	// The next release runs both versions.
	stopFirst()
	next := i.runner(projection.Options{})
	v1 = i.add(t, next, stays("stays_v1").Projection())
	v2 := i.add(t, next, stays("stays_v2").Projection())
	if got := i.serving(t); got != "(stays_v1)" {
		t.Errorf("before it is built, the new version is served: %s", got)
	}
	if err := v2.Ready(t.Context()); err == nil {
		t.Error("the new version is ready before it is served")
	}
	switchIt := i.heldUp(t, func() int64 { return i.head(t) }, reads)
	stopWriting := i.busy(t, 10_000)
	start(t, next)
	switchIt()
	testkit.Eventually(t, func() error {
		if got := i.serving(t); got != "(stays_v2)" {
			return fmt.Errorf("%s is served", got)
		}
		return nil
	})
	last := stopWriting()
	wait(t, v2, last)
	wait(t, v1, last) // both wait for what the view shows
	testkit.Eventually(t, func() error { return next.Ready(t.Context()) })
	testkit.Eventually(t, func() error {
		if diff := cmp.Diff(i.dump(t, "stays_v1"), i.dump(t, "stays_v2")); diff != "" {
			return fmt.Errorf("the versions differ (-v1 +v2):\n%s", diff)
		}
		return nil
	})
	if diff := cmp.Diff(i.dump(t, "stays_v2"), i.dump(t, "stays")); diff != "" {
		t.Errorf("the view does not show the new version (-v2 +view):\n%s", diff)
	}
	stopReading()
}

func TestARebuildGivesTheSameBytesWhileFactsKeepComing(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	i.lodge(t, 1, 3_000)
	r := i.runner(projection.Options{})
	m := i.add(t, r, stays("stays_v1").Projection())
	start(t, r)
	wait(t, m, i.head(t))
	reads, stopReading := i.watched(t, "stays")
	oid := i.number(t, `select 'stays_v1'::regclass::oid::bigint`)

	before := i.checkpoint(t)
	switchIt := i.heldUp(t, func() int64 { return i.checkpoint(t) }, reads)
	stopWriting := i.busy(t, 10_000)
	var rebuilt projection.Rebuilt
	done := make(chan error, 1)
	go func() {
		var err error
		rebuilt, err = m.Rebuild(context.WithoutCancel(t.Context()))
		done <- err
	}()
	switchIt()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if rebuilt.Facts < before+100 {
		t.Errorf("of the facts that came during the rebuild only %d went into the new table", rebuilt.Facts-before)
	}
	if i.number(t, `select 'stays_v1'::regclass::oid::bigint`) == oid {
		t.Errorf("nothing was rebuilt: %+v", rebuilt)
	}
	wait(t, m, stopWriting())
	stopReading()

	// The same facts once more, in peace and without a swap.
	fresh := i.runner(projection.Options{})
	i.add(t, fresh, stays("calm_v1").Projection())
	start(t, fresh)
	calm, _ := fresh.Model("calm_v1")
	wait(t, calm, i.head(t))
	if diff := cmp.Diff(i.dump(t, "calm"), i.dump(t, "stays")); diff != "" {
		t.Errorf("the rebuilt rows differ (-in peace +rebuilt):\n%s", diff)
	}
	indexes := i.dump(t, `(select indexname from pg_indexes where schemaname = current_schema() and tablename = 'stays_v1')`)
	if diff := cmp.Diff("(stays_v1_pkey)\n(stays_v1_room)", indexes); diff != "" {
		t.Errorf("indexes of the rebuilt table (-want +got):\n%s", diff)
	}
}

func TestARebuildOfAProjectionWithTablesOfItsOwnDoesNotCountTwice(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	m := i.add(t, r, counting(func([]events.Recorded) error { return nil }))
	start(t, r)
	wait(t, m, i.lodge(t, 1, 300))
	for round := range 3 {
		stopWriting := i.busy(t, 1_000_000*(round+1))
		if _, err := m.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		wait(t, m, stopWriting())
	}
	if diff := cmp.Diff(i.truth(t, i.head(t)), i.dump(t, "counts")); diff != "" {
		t.Errorf("counts after three rebuilds (-log +view):\n%s", diff)
	}
}

func TestARebuildThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	var broken atomic.Bool
	m := i.add(t, r, counting(func([]events.Recorded) error {
		if broken.Load() {
			return errDisk
		}
		return nil
	}))
	stop := start(t, r)
	wait(t, m, i.lodge(t, 1, 50))
	before := i.dump(t, "counts")
	stop()
	broken.Store(true)
	if _, err := m.Rebuild(t.Context()); !errors.Is(err, errDisk) {
		t.Errorf("got %v, want the cause", err)
	}
	if diff := cmp.Diff(before, i.dump(t, "counts")); diff != "" {
		t.Errorf("a failed rebuild changed rows (-before +after):\n%s", diff)
	}
	broken.Store(false)
	start(t, r)
	wait(t, m, i.lodge(t, 51, 60))
	if _, err := m.Rebuild(t.Context()); err != nil {
		t.Errorf("after a failed rebuild another one fails: %v", err)
	}
}

func TestARebuildSurvivesErrorsThatPass(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	var failures atomic.Int32
	m := i.add(t, r, counting(func([]events.Recorded) error {
		if failures.Add(1) <= 2 {
			return errDisk
		}
		return nil
	}))
	i.lodge(t, 1, 50)
	if _, err := m.Rebuild(t.Context()); err != nil { // nobody else runs the projection
		t.Fatal(err)
	}
	if diff := cmp.Diff(i.truth(t, i.head(t)), i.dump(t, "counts")); diff != "" {
		t.Errorf("counts (-log +view):\n%s", diff)
	}
}

func TestTwoRebuildsAtATimeAreRefused(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	i.lodge(t, 1, 5)
	r := i.runner(projection.Options{})
	begun, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	m := i.add(t, r, counting(func([]events.Recorded) error {
		once.Do(func() { close(begun); <-proceed })
		return nil
	}))
	first := make(chan error, 1)
	go func() {
		_, err := m.Rebuild(context.WithoutCancel(t.Context()))
		first <- err
	}()
	<-begun
	if _, err := m.Rebuild(t.Context()); problem.CodeOf(err) != "rebuild_running" {
		t.Errorf("got %v", err)
	}
	close(proceed)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestTheWayBackToAnOldVersionAndItsEnd(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	i.add(t, r, stays("stays_v1").Projection())
	v2 := stays("stays_v2")
	v2.DDL = strings.ReplaceAll(v2.DDL, "room text not null", "storey text not null default 'ground', room text not null")
	m := i.add(t, r, v2.Projection())
	start(t, r)
	shown := func(version string) {
		testkit.Eventually(t, func() error {
			if got := i.serving(t); got != "("+version+")" {
				return fmt.Errorf("%s is served", got)
			}
			return nil
		})
	}
	shown("stays_v2")
	wait(t, m, i.lodge(t, 1, 20))
	if n := i.number(t, `select count(*) from stays where storey = 'ground'`); n != 20 {
		t.Errorf("the view of the new version shows %d rows", n)
	}
	if err := r.Serve(t.Context(), "stays_v1"); err != nil {
		t.Fatal(err)
	}
	shown("stays_v1")
	if _, err := i.pool.Exec(t.Context(), `select storey from stays`); err == nil {
		t.Error("the view still has the columns of the new version")
	}
	if err := r.Drop(t.Context(), "stays_v1"); err == nil {
		t.Error("the version that is served was dropped")
	}
	if err := r.Serve(t.Context(), "stays_v2"); err != nil {
		t.Fatal(err)
	}
	shown("stays_v2")
	if err := r.Drop(t.Context(), "stays_v1"); err != nil {
		t.Error(err)
	}
	if left := i.number(t, `select count(*) from pg_tables where schemaname = current_schema() and tablename = 'stays_v1'`); left != 0 {
		t.Error("the dropped table is still there")
	}
	for _, unknown := range []error{r.Serve(t.Context(), "stays_v9"), r.Drop(t.Context(), "stays_v9")} {
		if unknown == nil {
			t.Error("a version that is not there was accepted")
		}
	}
	wait(t, m, i.lodge(t, 21, 25))
}

func TestALongQueryHoldsUpARebuildButNotItsReaders(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	m := i.add(t, r, stays("stays_v1").Projection())
	start(t, r)
	wait(t, m, i.lodge(t, 1, 20))
	long := i.long(t)
	done := make(chan error, 1)
	go func() {
		_, err := m.Rebuild(context.WithoutCancel(t.Context()))
		done <- err
	}()
	gaveUp := func() error {
		if i.number(t, `select count(*) from pg_locks where not granted and relation in ('stays'::regclass, 'stays_v1'::regclass)`) == 0 {
			return errors.New("the swap does not wait for the long query")
		}
		return nil
	}
	testkit.Eventually(t, gaveUp)
	// The readers behind the swap get through, and so do the facts.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var n int
	if err := i.pool.QueryRow(ctx, `select count(*) from stays`).Scan(&n); err != nil {
		t.Errorf("a reader does not get through: %v", err)
	}
	wait(t, m, i.lodge(t, 21, 25))
	if err := long.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
