package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/problem"
)

func TestAStreamOf10000FactsIsAppendedLoadedAndDecidedOn(t *testing.T) {
	t.Parallel()
	const facts = 10_000
	s := open(t, fresh(t))
	want := make([]events.Event, facts)
	for i := range want {
		want[i] = put{i}
	}
	for at := 0; at < facts; at += facts / 4 { // in a few large appends
		mustAppend(t, s, of("till", at, want[at:at+facts/4]...))
	}
	same(t, "stream", want, said(mustLoad(t, s, "till")))

	out, err := eventstore.Execute(t.Context(), s, "till", insert{[]int{7}}, meta("once"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "state", till{Coins: facts*(facts-1)/2 + 7, Facts: facts + 1}, out.State)
	again, err := eventstore.Execute(t.Context(), s, "till", insert{[]int{7}}, meta("once"))
	if err != nil || !again.Replayed {
		t.Errorf("a repeat: replayed %v, error %v", again.Replayed, err)
	}
	same(t, "state of the repeat", out.State, again.State)
}

func TestLoadsThatShareAQueryGetTheirOwnStream(t *testing.T) {
	t.Parallel()
	const streams, loads = 50, 400
	s := open(t, fresh(t))
	for n := range streams {
		for version := range n % 5 {
			mustAppend(t, s, of(fmt.Sprintf("till-%d", n), version, put{n}))
		}
	}
	var working sync.WaitGroup
	for i := range loads {
		working.Go(func() {
			n := i % streams
			history, err := s.Load(t.Context(), fmt.Sprintf("till-%d", n))
			if err != nil {
				t.Error(err)
				return
			}
			want := make([]events.Event, n%5)
			for i := range want {
				want[i] = put{n}
			}
			same(t, fmt.Sprintf("till-%d", n), want, said(history))
		})
	}
	working.Wait()
}

func TestAFactThatNobodyKnowsStopsItsReadersAndNobodyElse(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	mustAppend(t, s, of("till-good", 0, put{1}))
	mustAppend(t, s, of("till-odd", 0, put{2}))
	later, err := eventstore.Open(t.Context(), pool, eventstore.Options{
		Catalog: events.NewCatalog([]events.Event{put{}, foreign{}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	if _, err := later.Append(t.Context(), of("till-odd", 1, foreign{})); err != nil {
		t.Fatal(err)
	}

	var working sync.WaitGroup
	for range 20 {
		working.Go(func() {
			if _, err := s.Load(t.Context(), "till-odd"); err == nil || !strings.Contains(err.Error(), "not in the catalog") {
				t.Errorf("got %v, want an error about the catalog", err)
			}
		})
		working.Go(func() {
			if _, err := s.Load(t.Context(), "till-good"); err != nil {
				t.Error(err)
			}
		})
	}
	working.Wait()
	if err := execute(t.Context(), s, "till-odd", insert{[]int{1}}, "c1"); err == nil {
		t.Error("a command decided on a history that was not understood")
	}
	if _, err := s.Read(t.Context(), 0, 10); err == nil || !strings.Contains(err.Error(), "position 3") {
		t.Errorf("got %v, want an error that names position 3", err)
	}
	if err := s.Follow(t.Context(), 0, 10, nil, nothing); err == nil {
		t.Error("a follower went on")
	}
}

func TestAStreamIsInOrderHoweverItLiesOnDisk(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	mustAppend(t, s, of("till", 0, put{1}, put{2}, put{3}))
	tamper(t, pool, `update events set append = 0 where version < 3`) // new copies of the rows, behind the third
	same(t, "stream", []events.Event{put{1}, put{2}, put{3}}, said(mustLoad(t, s, "till")))
}

func TestReadReturnsPagesUntilTheEnd(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	head := func() int64 {
		at, err := s.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if head() != 0 {
		t.Error("the head of an empty log is not 0")
	}
	mustAppend(t, s, of("till", 0, put{1}, put{2}, put{3}))
	if head() != 3 {
		t.Errorf("the head is %d, want 3", head())
	}
	for _, c := range []struct {
		after int64
		limit int
		want  []events.Event
	}{
		{0, 2, []events.Event{put{1}, put{2}}},
		{2, 2, []events.Event{put{3}}},
		{3, 2, []events.Event{}},
		{0, 100, []events.Event{put{1}, put{2}, put{3}}},
	} {
		page, err := s.Read(t.Context(), c.after, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprintf("%d after %d", c.limit, c.after), c.want, said(page))
	}
	if _, err := s.Read(t.Context(), 0, 0); err == nil {
		t.Error("a page of nothing was read")
	}
}

func TestManyStreamsAreLoadedInTheirOrder(t *testing.T) {
	t.Parallel()
	const streams = 2_500 // more than one query takes
	s := open(t, fresh(t))
	var appends []eventstore.Append
	var names []string
	want := map[string][]events.Event{}
	for n := range streams {
		name := fmt.Sprintf("till-%d", n)
		names = append(names, name)
		if n%3 == 0 {
			continue // nobody has begun it
		}
		want[name] = []events.Event{put{n}, put{n + 1}}
		appends = append(appends, of(name, 0, want[name]...))
	}
	if _, err := s.AppendAll(t.Context(), appends); err != nil {
		t.Fatal(err)
	}
	names = append(names, "till-1", "till-1")
	histories, err := s.LoadAll(t.Context(), names)
	if err != nil || len(histories) != len(names) {
		t.Fatalf("%d histories of %d streams: %v", len(histories), len(names), err)
	}
	for i, name := range names {
		if diff := cmp.Diff(want[name], said(histories[i]), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", name, diff)
		}
	}
	if none, err := s.LoadAll(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("no streams: got %d, %v", len(none), err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := s.LoadAll(ended, names); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that ctx ended", err)
	}
	s.Close()
	if _, err := s.LoadAll(t.Context(), names); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("got %v, want that the store is closed", err)
	}
}

func TestALostConnectionDoesNotFailALoad(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, mortal(t, pool))
	mustAppend(t, s, of("till", 0, put{1}))
	for range 10 {
		count(t, pool, `select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = $1`, victim(pool))
		same(t, "stream", []events.Event{put{1}}, said(mustLoad(t, s, "till")))
	}
}

func TestWithoutADatabaseCallersHearThatItIsAway(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	l := newLine(t, pool)
	s := open(t, l.pool(t, pool))
	mustAppend(t, s, of("till", 0, put{1}))
	l.cut()
	_, err := s.Load(t.Context(), "till")
	if p, ok := problem.Of(err); !ok || p.Kind != problem.Unavailable || p.RetryAfter == 0 || !pg.IsDown(err) {
		t.Errorf("load: got %v, want unavailable, because the database is down", err)
	}
	_, err = s.Append(t.Context(), of("till", 1, put{1}))
	if p, ok := problem.Of(err); !ok || p.Kind != problem.Unavailable || !pg.IsDown(err) {
		t.Errorf("append: got %v, want unavailable, because the database is down", err)
	}
	if errors.Is(err, eventstore.ErrUnknown) {
		t.Errorf("append: got %v, but it was never sent", err)
	}
}
