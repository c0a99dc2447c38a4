package projection_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
)

func (i *inn) verify(t *testing.T, name string) projection.Verified {
	t.Helper()
	read := eventstore.NewReader(i.pool, catalog()).Read
	v, err := projection.Verify(t.Context(), i.pool, stays(name).Projection(), read)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAReadModelIsWhatItsFactsComeTo(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	m := i.add(t, r, stays("stays_v1").Projection())
	start(t, r)
	head := i.lodge(t, 1, 20)
	wait(t, m, head)
	before := i.dump(t, "stays")
	if v := i.verify(t, "stays_v1"); v.Facts != head || v.Rows != 20 || len(v.Differences) != 0 {
		t.Fatalf("verified %+v", v)
	}
	if diff := cmp.Diff(before, i.dump(t, "stays")); diff != "" {
		t.Fatalf("looking changed something:\n%s", diff)
	}
	if n := i.number(t, `select count(*) from pg_namespace where nspname like 'verify_stays_v1_%'`); n != 0 {
		t.Fatalf("%d schemas are left", n)
	}
}

func TestARowThatWasTouchedAddedOrLostIsFound(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	m := i.add(t, r, stays("stays_v1").Projection())
	stop := start(t, r)
	wait(t, m, i.lodge(t, 1, 20))
	stop()
	for _, touch := range []string{
		`update stays_v1 set moves = moves + 1 where id = '000003'`, `delete from stays_v1 where id = '000004'`,
		`insert into stays_v1 select 'nobody', room, moves, present, arrived_at, left_at, until, tags, seal, extra, seconds from stays_v1 limit 1`,
	} {
		if _, err := i.pool.Exec(t.Context(), touch); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]int{}
	for _, d := range i.verify(t, "stays_v1").Differences {
		found[d]++
	}
	const row = "stays_v1: the row that begins with "
	want := map[string]int{
		row + "000003 is served and not in the log": 1, row + "000003 is in the log and not served": 1,
		row + "000004 is in the log and not served": 1, row + "nobody is served and not in the log": 1,
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Fatal(diff)
	}
}

func TestWhatTheReadModelHasNotSeenYetIsNotMissed(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	m := i.add(t, r, stays("stays_v1").Projection())
	stop := start(t, r)
	seen := i.lodge(t, 1, 5)
	wait(t, m, seen)
	stop()
	i.lodge(t, 6, 10)
	if v := i.verify(t, "stays_v1"); v.Facts != seen || len(v.Differences) != 0 {
		t.Fatalf("verified %+v", v)
	}
}
