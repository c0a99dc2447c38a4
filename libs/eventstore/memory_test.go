package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/testkit"
)

// openCounted returns a store, and how many facts its followers have got from memory so far.
func openCounted(t testing.TB, pool *pgxpool.Pool) (*eventstore.Store, func() int) {
	t.Helper()
	registry := prometheus.NewRegistry()
	s, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog(), Registerer: registry, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, func() int { return int(counted(t, registry, "eventstore_remembered_total")) }
}

// counted is what a counter stands at.
func counted(t testing.TB, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatal("nothing is counted as " + name)
	return 0
}

// collector follows a log and keeps what it is handed. Now and then it is slow.
type collector struct {
	mu   sync.Mutex
	seen []events.Recorded
}

func (c *collector) length() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

func collect(t testing.TB, s *eventstore.Store, limit int, slow time.Duration) *collector {
	t.Helper()
	c := &collector{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- s.Follow(ctx, 0, limit, nil, func(_ context.Context, p eventstore.Piece) error {
			c.mu.Lock()
			c.seen = append(c.seen, p.Facts...)
			c.mu.Unlock()
			if slow > 0 {
				<-time.After(rand.N(slow)) // a handler that has something to do
			}
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

// has waits until the collector has seen the whole log, and compares.
func (c *collector) has(t testing.TB, name string, want []events.Recorded) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if n := c.length(); n < len(want) {
			return fmt.Errorf("%s: %d of %d facts were seen", name, n, len(want))
		}
		return nil
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if diff := cmp.Diff(want, c.seen); diff != "" {
		t.Errorf("%s (-log +seen):\n%.2000s", name, diff)
	}
}

// contend runs writers that share a few streams, so that many of their appends conflict.
func contend(t testing.TB, writers, each int, stores ...*eventstore.Store) (conflicts int) {
	t.Helper()
	var mu sync.Mutex
	var writing sync.WaitGroup
	for w := range writers {
		s := stores[w%len(stores)]
		writing.Go(func() {
			for n := range each {
				stream := fmt.Sprintf("till-%d", rand.N(8))
				if n%3 == 0 {
					stream = fmt.Sprintf("own-%d-%d", w, n)
				}
				history, err := s.Load(t.Context(), stream)
				if err == nil {
					_, err = s.Append(t.Context(), of(stream, len(history), put{w}, put{n}))
				}
				switch {
				case isConflict(err):
					mu.Lock()
					conflicts++
					mu.Unlock()
				case err != nil:
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	return conflicts
}

func TestFollowersSeeEverythingOnceWhoeverAppends(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	one, remembered := openCounted(t, pool)
	two := open(t, pool)
	followers := map[string]*collector{
		"a quick one":              collect(t, one, 1000, 0),
		"one with a small limit":   collect(t, one, 3, 0),
		"a slow one":               collect(t, one, 50, 3*time.Millisecond),
		"one in the other process": collect(t, two, 1000, time.Millisecond),
	}
	alone := contend(t, 16, 20, one)
	both := contend(t, 16, 20, one, two)
	if alone == 0 || both == 0 {
		t.Errorf("%d and %d conflicts: the writers did not contend", alone, both)
	}
	all := everything(t, one)
	for name, c := range followers {
		c.has(t, name, all)
	}
	if n := remembered(); n == 0 || n >= 3*len(all) {
		t.Errorf("%d of 3 times %d facts came from memory: want some, and not those of the other process", n, len(all))
	}
}

func TestAFollowerBehindTheMemoryReadsTheDatabaseAndComesBack(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s, remembered := openCounted(t, pool)
	const facts = 60 // of half a megabyte: more than is remembered
	text := strings.Repeat("x", 500<<10)
	for i := range facts {
		mustAppend(t, s, of("till", i, noted{text}))
	}
	c := collect(t, s, 7, 0)
	c.has(t, "the follower", everything(t, s))
	if n := remembered(); n == 0 || n > facts-10 {
		t.Errorf("%d of %d facts came from memory: want the last ones only", n, facts)
	}
	before := remembered()
	mustAppend(t, s, of("till", facts, put{1}))
	c.has(t, "the follower", everything(t, s))
	if remembered() != before+1 {
		t.Error("a follower that had caught up did not get the next fact from memory")
	}
}

func TestAfterARestartAFollowerGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	first := open(t, pool)
	contend(t, 4, 10, first)
	first.Close()
	second := open(t, pool)
	c := collect(t, second, 10, 0)
	contend(t, 4, 10, second)
	c.has(t, "the follower", everything(t, second))
}

func TestWhatIsStoredIsHandedOnAsItStands(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	writer, reader := open(t, pool), open(t, pool)
	mustAppend(t, writer, of("till", 0, put{1}, noted{"Nguyễn <&> \u2028"}))
	want := everything(t, writer)
	for name, s := range map[string]*eventstore.Store{"from memory": writer, "from the database": reader} {
		ctx, cancel := context.WithCancel(t.Context())
		var got []events.Recorded
		err := s.FollowStored(ctx, 0, 10, func(_ context.Context, batch []eventstore.Stored) error {
			for _, r := range batch {
				fact, err := catalog().Decode(r.Name, r.Data)
				if err != nil {
					return err
				}
				got = append(got, events.Recorded{
					Position: r.Position, Stream: r.Stream, Version: r.Version, Meta: r.Meta, RecordedAt: r.RecordedAt, Event: fact,
				})
			}
			cancel()
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		same(t, name, want, got)
	}
}

func TestWhatAProcessAppendsItHearsInOrderAsItStands(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	ours, others := open(t, pool), open(t, pool)
	mustAppend(t, ours, of("before", 0, put{1})) // nobody listens yet, and it is remembered
	heard := make(chan []eventstore.Stored, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		ours.Overhear(ctx, func(batch []eventstore.Stored) { heard <- batch })
		close(ended)
	}()
	batch := <-heard // before others append: what stands before a hole is forgotten
	if batch[0].Position != 1 {
		t.Errorf("heard from position %d on", batch[0].Position)
	}
	contend(t, 8, 20, ours, others)
	shared := int64(count(t, pool, `select max(position) from events`))
	contend(t, 8, 20, ours)
	mustAppend(t, ours, of("last", 0, put{2}, noted{"Nguyễn <&> \u2028"}))
	last := int64(count(t, pool, `select max(position) from events`))
	const stands = `select count(*) from events where position = $1 and stream = $2 and version = $3 and type = $4 and data::text = $5 and meta::text = $6`
	for after := int64(0); ; batch = <-heard {
		for _, r := range batch {
			if r.Position <= after || r.Position > shared && r.Position != max(after, shared)+1 { // nothing is left out of what is ours alone
				t.Errorf("position %d comes after %d", r.Position, after)
			}
			after = r.Position
			if n := count(t, pool, stands, r.Position, r.Stream, r.Version, r.Name, string(r.Data), string(r.Written)); n != 1 {
				t.Errorf("position %d stands otherwise in the table", r.Position)
			}
		}
		if after >= last {
			break
		}
	}
	cancel()
	<-ended
}

func TestAStoredFactThatNobodyKnowsEndsFollowing(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	if _, err := pool.Exec(t.Context(),
		`insert into events values (1, 'till', 1, 'till.foreign.v1', '{}', '{}', 0, now())`); err != nil {
		t.Fatal(err)
	}
	s, wanted := open(t, pool), map[string]bool{put{}.EventName(): true}
	for what, err := range map[string]error{
		"stored":  s.FollowStored(t.Context(), 0, 10, func(context.Context, []eventstore.Stored) error { return nil }),
		"decoded": s.Follow(t.Context(), 0, 10, wanted, nothing),
		"read":    second(s.ReadPiece(t.Context(), 0, 10, wanted)),
	} {
		if err == nil || !strings.Contains(err.Error(), "till.foreign.v1") {
			t.Errorf("%s: got %v, want that the fact is not in the catalog", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestFollowersGiveWayToCommandsUntilSomebodyWaitsForThem(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	began, registry := time.Now(), prometheus.NewRegistry()
	p := pace.New(func() time.Time { return began }, registry) // on which no fact becomes so old that it is worked on without a rest
	writer, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog(), Pace: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(writer.Close)
	other := open(t, pool) // in another process
	c := collect(t, writer, 1, 20*time.Millisecond)
	const facts = 200
	storm, calm := context.WithCancel(t.Context())
	var commands sync.WaitGroup
	for range 32 {
		commands.Go(func() {
			for storm.Err() == nil {
				p.Begin()
				<-time.After(5 * time.Millisecond)
				p.End()
			}
		})
	}
	defer commands.Wait()
	defer calm()
	testkit.Eventually(t, func() error {
		if !p.Wave() {
			return errors.New("no wave")
		}
		return nil
	})
	for i := range facts {
		mustAppend(t, writer, of("till", i, put{i}))
	}
	testkit.Eventually(t, func() error {
		if counted(t, registry, "songan_pace_rested_seconds_total") == 0 {
			return fmt.Errorf("nobody gave way; %d facts were handled", c.length())
		}
		return nil
	})
	testkit.Eventually(t, func() error { // without it: 200 rests of a second each
		other.Hurry(t.Context())
		if n := c.length(); n < facts {
			return fmt.Errorf("%d of %d facts", n, facts)
		}
		return nil
	})
}
