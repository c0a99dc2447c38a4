package eventstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
)

// follower follows a log until the test ends, and hands on when it has seen which position.
func follower(t testing.TB, s *eventstore.Store, after int64) <-chan int64 {
	t.Helper()
	seen := make(chan int64, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- s.Follow(ctx, after, 10, nil, func(_ context.Context, p eventstore.Piece) error {
			for _, r := range p.Facts {
				seen <- r.Position
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
	return seen
}

// within fails unless the next position is seen before the next poll is due.
func within(t testing.TB, seen <-chan int64, want int64) time.Duration {
	t.Helper()
	begin := time.Now()
	select {
	case got := <-seen:
		if got != want {
			t.Fatalf("saw position %d, want %d", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("position %d was not seen", want)
	}
	return time.Since(begin)
}

func TestAFollowerStartsWhereItIsToldAndIsHandedEverything(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	for i := range 25 {
		mustAppend(t, s, of("till", i, put{i}))
	}
	seen := follower(t, s, 3)
	for position := int64(4); position <= 25; position++ {
		within(t, seen, position)
	}
	mustAppend(t, s, of("till", 25, put{25}))
	within(t, seen, 26)
}

func TestFollowersAreWokenInTheSameProcessAndInOthers(t *testing.T) {
	t.Parallel()
	const rounds = 20
	pool := fresh(t)
	writer, other := open(t, pool), open(t, pool)
	here, there := follower(t, writer, 0), follower(t, other, 0)
	var inside, outside time.Duration
	for round := range rounds {
		mustAppend(t, writer, of("till", round, put{round}))
		inside += within(t, here, int64(round+1))
		outside += within(t, there, int64(round+1))
	}
	t.Logf("woken after %s here and %s there", inside/rounds, outside/rounds)
	// polling alone would take half a second on average
	if limit := rounds * 200 * time.Millisecond; inside > limit || outside > limit {
		t.Errorf("woken after %s here and %s there: that was polling", inside/rounds, outside/rounds)
	}
}

func TestAnAppendWithoutANotificationIsFoundByPolling(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	seen := follower(t, open(t, pool), 0)
	for position := int64(1); position <= 2; position++ { // the first may be seen because following begins
		if _, err := pool.Exec(t.Context(), `insert into events
			values ($1::int, 'till', $1::int, 'till.put.v1', '{"coins": 1}', '{}', 0, now())`, position); err != nil {
			t.Fatal(err)
		}
		within(t, seen, position)
	}
}

func TestAFollowerOutlivesItsConnections(t *testing.T) {
	t.Parallel()
	const rounds = 10
	pool := fresh(t)
	doomed := mortal(t, pool)
	writer, other := open(t, pool), open(t, doomed)
	seen := follower(t, other, 0)
	for round := range rounds {
		count(t, pool, `select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = $1`, victim(pool))
		mustAppend(t, writer, of("till", round, put{round}))
		within(t, seen, int64(round+1))
	}
	testkit.Eventually(t, func() error { // and it listens again
		n := count(t, pool, `select count(*) from pg_stat_activity where application_name = $1 and query like 'listen%'
			or application_name = $1 and query like '%max(position)%' and state = 'idle'`, victim(pool))
		if n == 0 {
			return errors.New("nobody listens")
		}
		return nil
	})
}

func TestFollowingEndsQuietlyWithItsContext(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	mustAppend(t, s, of("till", 0, put{1}))
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Follow(ctx, 0, 10, nil, func(ctx context.Context, _ eventstore.Piece) error {
		cancel()
		return ctx.Err()
	})
	if err != nil {
		t.Errorf("ended in the handler: %v", err)
	}
	if err := s.Follow(ctx, 0, 10, nil, nothing); err != nil {
		t.Errorf("ended before it began: %v", err)
	}
}

func TestAHandlersErrorEndsFollowingBeforeTheNextBatch(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	for i := range 5 {
		mustAppend(t, s, of("till", i, put{i}))
	}
	broken := errors.New("the table is full")
	var calls atomic.Int64
	err := s.Follow(t.Context(), 0, 2, nil, func(context.Context, eventstore.Piece) error {
		if calls.Add(1) == 2 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || calls.Load() != 2 {
		t.Errorf("got %v after %d calls, want the handler's error after 2", err, calls.Load())
	}
}

func TestClosingTheStoreEndsItsFollowers(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	ended := make(chan error, 3)
	for range cap(ended) {
		go func() { ended <- s.Follow(context.Background(), 0, 10, nil, nothing) }()
	}
	mustAppend(t, s, of("till", 0, put{1}))
	s.Close()
	for range cap(ended) {
		if err := <-ended; !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("got %v, want that the store is closed", err)
		}
	}
	if err := s.Follow(t.Context(), 0, 10, nil, nothing); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("following a closed store: %v", err)
	}
}

func TestSchemasOfOneDatabaseHaveALogEach(t *testing.T) {
	t.Parallel()
	one, two := open(t, fresh(t)), open(t, fresh(t))
	first, second := follower(t, one, 0), follower(t, two, 0)
	for i := range 5 {
		mustAppend(t, one, of("till", i, put{i}))
		within(t, first, int64(i+1))
	}
	mustAppend(t, two, of("till", 0, put{9}))
	within(t, second, 1)
	for s, want := range map[*eventstore.Store]int{one: 5, two: 1} {
		if got := len(everything(t, s)); got != want {
			t.Errorf("a log of %d facts, want %d", got, want)
		}
	}
}
