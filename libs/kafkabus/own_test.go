package kafkabus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

// owner is a process that reads the own log of a ledger.
type owner struct {
	l      *ledger
	halted func(error)

	mu   sync.Mutex
	seen []kafkabus.Received
}

func (o *owner) run(ctx context.Context) error {
	subscriber, err := kafkabus.NewSubscriber(o.l.cfg, kafkabus.SubscriberOptions{
		Group: "ledger.self", Positions: kafkabus.NewPositions(o.l.pool, "ledger.self"), Own: o.l.store, OnError: o.halted,
		Wanted: func(typ string) bool { return typ != written{}.EventName() },
	})
	if err != nil {
		return err
	}
	defer subscriber.Close()
	messages, err := subscriber.Subscribe(ctx, kafkabus.OwnLog)
	if err != nil {
		return err
	}
	for m := range messages {
		fact, err := kafkabus.FromMessage(catalog(), m) //nolint:contextcheck // the message carries it
		if err != nil {
			return err
		}
		o.mu.Lock()
		o.seen = append(o.seen, fact)
		o.mu.Unlock()
		m.Ack()
	}
	return nil
}

func (o *owner) numbers() []int {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []int
	for _, r := range o.seen {
		if n, ok := r.Event.(noted); ok {
			all = append(all, n.N)
		}
	}
	return all
}

func TestTheOwnLogIsReadByOneProcessAtATimeAndOnwards(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	l.note(t, 1, 100)
	first, second := &owner{l: l}, &owner{l: l}
	leave := start(t, first.run)
	seen := func(o *owner, want int) func() error {
		return func() error {
			if got := len(o.numbers()); got != want {
				return fmt.Errorf("%d of %d facts were seen", got, want)
			}
			return nil
		}
	}
	testkit.Eventually(t, seen(first, 100))
	start(t, second.run)
	l.note(t, 101, 150)
	testkit.Eventually(t, seen(first, 150))
	leave()
	l.note(t, 151, 200)
	testkit.Eventually(t, seen(second, 50))
	want := make([]int, 200)
	for i := range want {
		want[i] = i + 1
	}
	got := slices.Sorted(slices.Values(append(first.numbers(), second.numbers()...)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	for _, r := range first.seen[:1] {
		want := kafkabus.Place{Topic: kafkabus.OwnLog, Offset: r.Position}
		if r.Place != want || r.ID() == "" || r.RecordedAt.IsZero() {
			t.Errorf("the first fact is %+v", r)
		}
	}
}

func TestOfTheOwnLogFactsArePassedOverThatNobodyWants(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	l.append(t, written{7}, kept{})
	l.append(t, noted{8})
	o := &owner{l: l}
	start(t, o.run)
	testkit.Eventually(t, func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		var names []string
		for _, r := range o.seen {
			names = append(names, r.Event.EventName())
		}
		if diff := cmp.Diff([]string{kept{}.EventName(), noted{}.EventName()}, names); diff != "" {
			return fmt.Errorf("facts (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestProgressInTheOwnLogPassesWhatNobodyWants(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	l.append(t, noted{1}, written{2}, written{3})
	start(t, (&owner{l: l}).run)
	testkit.Eventually(t, func() error {
		var next, sequence int64
		err := l.pool.QueryRow(t.Context(), `select next_offset, sequence from consumer_positions where topic = $1`, kafkabus.OwnLog).Scan(&next, &sequence)
		if err == nil && (next != 4 || sequence != 3) {
			err = fmt.Errorf("progress is %d, %d", next, sequence)
		}
		return err
	})
}

func TestALogThatLostWhatWasReadOfItIsNotReadOn(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	l.append(t, noted{1})
	_, err := l.pool.Exec(t.Context(), `
insert into consumer_positions (consumer, topic, partition, next_offset, sequence) values ('ledger.self', $1, 0, 6, 5)`, kafkabus.OwnLog)
	if err != nil {
		t.Fatal(err)
	}
	halted := make(chan error)
	o := &owner{l: l, halted: func(err error) {
		select {
		case halted <- err:
		case <-t.Context().Done():
		}
	}}
	start(t, o.run)
	for range 2 { // and not either when the log is long enough again
		select {
		case err := <-halted:
			lost, _ := errors.AsType[*kafkabus.LostError](err)
			if diff := cmp.Diff(&kafkabus.LostError{After: 5, End: 1}, lost); diff != "" {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		case <-time.After(soon):
			t.Fatal("nobody says that facts are lost")
		}
		l.append(t, noted{2}, noted{3}, noted{4}, noted{5}, noted{6})
	}
	if got := o.numbers(); len(got) > 0 {
		t.Errorf("%v were read", got)
	}
}

// absent is a database that can be away: it refuses new connections then.
type absent struct {
	away    atomic.Bool
	refused atomic.Int64
}

func (a *absent) store(t *testing.T, pool *pgxpool.Pool) (*eventstore.Store, *pgxpool.Pool) {
	t.Helper()
	config := pool.Config()
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if a.away.Load() {
			a.refused.Add(1)
			return nil, syscall.ECONNREFUSED
		}
		return dial(ctx, network, addr)
	}
	mine, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mine.Close)
	store, err := eventstore.Open(t.Context(), mine, eventstore.Options{Catalog: catalog()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store, mine
}

func TestTheOwnLogIsWaitedForWhileItIsAway(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	l.note(t, 1, 10)
	var database absent
	store, pool := database.store(t, l.pool)
	o := &owner{l: &ledger{cfg: l.cfg, pool: l.pool, store: store}, halted: func(err error) { t.Errorf("it stands still: %v", err) }}
	database.away.Store(true)
	pool.Reset()
	start(t, o.run)
	testkit.Eventually(t, func() error {
		if n := database.refused.Load(); n < 4 {
			return fmt.Errorf("asked %d times", n)
		}
		return nil
	})
	database.away.Store(false)
	testkit.Eventually(t, func() error {
		if n := len(o.numbers()); n != 10 {
			return fmt.Errorf("%d facts", n)
		}
		return nil
	})
}

func TestWithoutALogThereIsNoneToRead(t *testing.T) {
	t.Parallel()
	subscriber, err := kafkabus.NewSubscriber(kafkabus.Config{Brokers: []string{"127.0.0.1:1"}}, kafkabus.SubscriberOptions{Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := subscriber.Subscribe(t.Context(), kafkabus.OwnLog); err == nil {
		t.Error("a log that was not given is read")
	}
}
