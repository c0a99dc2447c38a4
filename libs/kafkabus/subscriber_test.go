package kafkabus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

// subscribe returns the messages of a topic, for a consumer that keeps its progress in the pool's schema.
func subscribe(t testing.TB, pool *pgxpool.Pool, cfg kafkabus.Config, topic string, o kafkabus.SubscriberOptions) (
	<-chan *message.Message, *kafkabus.Subscriber,
) {
	t.Helper()
	if pool != nil {
		if err := kafkabus.Migrate(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		o.Positions = kafkabus.NewPositions(pool, "reader")
	}
	o.Group = "reader." + topic
	sub, err := kafkabus.NewSubscriber(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	})
	messages, err := sub.Subscribe(context.Background(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return messages, sub
}

// next returns the next message, as the fact in it.
func next(t testing.TB, messages <-chan *message.Message) (*message.Message, int) {
	t.Helper()
	select {
	case m, open := <-messages:
		if !open {
			t.Fatal("closed")
		}
		fact, err := kafkabus.FromMessage(catalog(), m)
		if err != nil {
			t.Fatal(err)
		}
		return m, fact.Event.(noted).N
	case <-time.After(soon):
		t.Fatal("no message came")
	}
	return nil, 0
}

// stored checks the progress in the database.
func stored(t testing.TB, pool *pgxpool.Pool, topic string, want kafkabus.Progress) error {
	t.Helper()
	var at kafkabus.Progress
	err := pool.QueryRow(t.Context(),
		`select next_offset, sequence from consumer_positions where consumer = 'reader' and topic = $1 and partition = 0`,
		topic).Scan(&at.Offset, &at.Sequence)
	if err == nil && at != want {
		err = fmt.Errorf("at %+v instead of %+v", at, want)
	}
	return err
}

func TestAMessageWaitsOnlyForAnEarlierOneOfItsKey(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	pool := testkit.Postgres(t)
	put(t, cfg, topic, 0, fact(t, "a", 1, 0), fact(t, "a", 2, 1), fact(t, "b", 3, 2), fact(t, "a", 4, 3))
	messages, _ := subscribe(t, pool, cfg, topic, kafkabus.SubscriberOptions{NackWait: time.Millisecond})

	first, n := next(t, messages)
	second, m := next(t, messages)
	if n+m != 1+3 {
		t.Fatalf("%d and %d came first", n, m)
	}
	if n == 3 {
		first, second = second, first
	}
	second.Ack()
	for range 3 { // refused, it comes again, as another message, and before what follows it
		first.Nack()
		again, n := next(t, messages)
		if n != 1 || again == first || again.UUID != first.UUID {
			t.Fatalf("%d %s came after a refusal of %s", n, again.UUID, first.UUID)
		}
		first = again
	}
	testkit.Eventually(t, func() error { // everybody else's progress waits for it
		return stored(t, pool, topic, kafkabus.Progress{})
	})
	first.Ack()
	for _, want := range []int{2, 4} {
		m, n := next(t, messages)
		if n != want {
			t.Fatalf("%d instead of %d", n, want)
		}
		m.Ack()
	}
	testkit.Eventually(t, func() error {
		return stored(t, pool, topic, kafkabus.Progress{Offset: 4, Sequence: 4})
	})
}

func TestWhatIsUnfinishedComesAgainAfterARestart(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	pool := testkit.Postgres(t)
	put(t, cfg, topic, 0, fact(t, "a", 1, 0), fact(t, "b", 2, 1), fact(t, "c", 3, 2))
	messages, sub := subscribe(t, pool, cfg, topic, kafkabus.SubscriberOptions{})
	for range 3 {
		if m, n := next(t, messages); n != 2 {
			m.Ack()
		} else {
			defer m.Ack() // long after Close has lost patience
		}
	}
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	if err := stored(t, pool, topic, kafkabus.Progress{Offset: 1, Sequence: 1}); err != nil {
		t.Error(err)
	}
	messages, _ = subscribe(t, pool, cfg, topic, kafkabus.SubscriberOptions{})
	for range 2 {
		m, n := next(t, messages)
		if n == 1 {
			t.Error("what was finished came again")
		}
		m.Ack()
	}
	testkit.Eventually(t, func() error {
		return stored(t, pool, topic, kafkabus.Progress{Offset: 3, Sequence: 3})
	})
}

func TestCloseWaitsForAMessageThatIsBeingHandled(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	pool := testkit.Postgres(t)
	put(t, cfg, topic, 0, fact(t, "a", 1, 0), fact(t, "a", 2, 1))
	messages, sub := subscribe(t, pool, cfg, topic, kafkabus.SubscriberOptions{})
	m, _ := next(t, messages)
	var closing sync.WaitGroup
	closing.Go(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	})
	<-m.Context().Done() // the handler is told, finishes, and says so
	m.Ack()
	closing.Wait()
	if m, open := <-messages; open {
		t.Errorf("%s came after Close", m.UUID)
	}
	if err := stored(t, pool, topic, kafkabus.Progress{Offset: 1, Sequence: 1}); err != nil {
		t.Error(err)
	}
	if _, err := sub.Subscribe(t.Context(), topic); !errors.Is(err, kafkabus.ErrClosed) {
		t.Error(err)
	}
}

func TestThePartitionBehindAHoleStandsStillUntilAnOperatorDecides(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 2)
	pool := testkit.Postgres(t)
	put(t, cfg, topic, 0, fact(t, "a", 1, 0), fact(t, "a", 5, 4), fact(t, "a", 6, 5))
	put(t, cfg, topic, 1, fact(t, "b", 2, 0), fact(t, "b", 3, 2))
	faults := make(chan error, 100)
	registry := prometheus.NewRegistry()
	messages, _ := subscribe(t, pool, cfg, topic, kafkabus.SubscriberOptions{
		OnError: func(err error) { faults <- err }, Registerer: registry,
	})
	var missing *kafkabus.MissingError
	var got []int
	for range 3 {
		m, n := next(t, messages)
		m.Ack()
		got = append(got, n)
	}
	if err := <-faults; !errors.As(err, &missing) || missing.After != 1 || missing.Next != 5 || missing.Previous != 4 {
		t.Fatal(err)
	}
	if n := testutil.CollectAndCount(registry, "kafkabus_halted"); n != 2 {
		t.Errorf("%d partitions in the metric", n)
	}
	if err := <-faults; !errors.As(err, &missing) { // it has tried again
		t.Error(err)
	}
	testkit.Eventually(t, func() error {
		return stored(t, pool, topic, kafkabus.Progress{Offset: 1, Sequence: 1})
	})
	_, err := pool.Exec(t.Context(), `update consumer_positions set sequence = 4 where topic = $1 and partition = 0`, topic)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		m, n := next(t, messages)
		m.Ack()
		got = append(got, n)
	}
	counts := map[int]int{}
	for _, n := range got {
		counts[n]++
	}
	if diff := cmp.Diff(map[int]int{1: 1, 2: 1, 3: 1, 5: 1, 6: 1}, counts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	testkit.Eventually(t, func() error {
		return stored(t, pool, topic, kafkabus.Progress{Offset: 3, Sequence: 6})
	})
}

func TestARecordWithoutAChainIsToldAndNotPassed(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	put(t, cfg, topic, 0, kafka.Message{Key: []byte("a"), Value: []byte("{}")}, fact(t, "a", 1, 0))
	faults := make(chan error, 100)
	messages, sub := subscribe(t, testkit.Postgres(t), cfg, topic, kafkabus.SubscriberOptions{
		OnError: func(err error) { faults <- err },
	})
	var header *kafkabus.HeaderError
	if err := <-faults; !errors.As(err, &header) || header.Header != "ce_sequence" {
		t.Error(err)
	}
	if err := sub.Close(); err != nil {
		t.Error(err)
	}
	if m, open := <-messages; open {
		t.Errorf("%s came", m.UUID)
	}
}

func TestAForeignTopicNeedsNoChainButToleratesNoLoss(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	pool := testkit.Postgres(t)
	report := func(text string) kafka.Message { return kafka.Message{Key: []byte("bank"), Value: []byte(text)} }
	put(t, cfg, topic, 0, report("1"), report("2"), report("3"), report("4"))
	remove(t, topic, 1) // before anybody was interested
	foreign := kafkabus.SubscriberOptions{Foreign: true, InFlight: 1}
	messages, sub := subscribe(t, pool, cfg, topic, foreign)
	m := <-messages
	if string(m.Payload) != "2" {
		t.Errorf("%s came first", m.Payload)
	}
	if place, _ := kafkabus.PlaceOf(m.Context()); place != (kafkabus.Place{Topic: topic, Offset: 1}) {
		t.Errorf("from %s", place)
	}
	m.Ack()
	testkit.Eventually(t, func() error { return stored(t, pool, topic, kafkabus.Progress{Offset: 2}) })
	go func() { // the third is on its way
		for m := range messages {
			m.Nack()
		}
	}()
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, topic, 3)
	faults := make(chan error, 100)
	foreign.OnError = func(err error) { faults <- err }
	subscribe(t, pool, cfg, topic, foreign)
	want := &kafkabus.TruncatedError{Place: kafkabus.Place{Topic: topic, Offset: 2}, First: 3, End: 4}
	var truncated *kafkabus.TruncatedError
	if err := <-faults; !errors.As(err, &truncated) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, truncated); diff != "" {
		t.Errorf("truncated (-want +got):\n%s", diff)
	}
}

// handled counts facts as a Watermill router handles them.
type handled struct {
	mu         sync.Mutex
	facts      map[int]int
	last       map[string]int
	atOnce     map[string]int
	most, open int
	disorder   []string
}

func newHandled() *handled {
	return &handled{facts: map[int]int{}, last: map[string]int{}, atOnce: map[string]int{}}
}

func (h *handled) handle(m *message.Message) error {
	fact, err := kafkabus.FromMessage(catalog(), m)
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.open++
	h.most = max(h.most, h.open)
	h.atOnce[fact.Stream]++
	if h.atOnce[fact.Stream] > 1 {
		h.disorder = append(h.disorder, fmt.Sprintf("%s twice at once", fact.ID()))
	}
	if h.facts[fact.Event.(noted).N]++; h.facts[fact.Event.(noted).N] == 1 {
		if fact.Version != h.last[fact.Stream]+1 {
			h.disorder = append(h.disorder, fmt.Sprintf("%s after %d", fact.ID(), h.last[fact.Stream]))
		}
		h.last[fact.Stream] = fact.Version
	}
	h.mu.Unlock()
	if fact.Position%50 == 0 {
		<-time.After(time.Millisecond)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	h.atOnce[fact.Stream]--
	return nil
}

// route runs a router with one handler until stop is called.
func route(t testing.TB, sub message.Subscriber, topic string, handle message.NoPublishHandlerFunc) (stop func()) {
	t.Helper()
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		t.Fatal(err)
	}
	router.AddConsumerHandler("handler", topic, sub, handle)
	return start(t, router.Run)
}

func TestFactsAreHandledInOrderWhileMembersComeAndGo(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 4)
	start(t, l.relay(l.cfg).Run)
	seen := newHandled()
	member := func() func() {
		sub, err := kafkabus.NewSubscriber(l.cfg, kafkabus.SubscriberOptions{
			Group: "members", Positions: kafkabus.NewPositions(l.pool, "members"), InFlight: 5,
		})
		if err != nil {
			t.Fatal(err)
		}
		return route(t, sub, l.topic, seen.handle)
	}
	stop := member()
	for round := range 3 {
		l.note(t, round*300+1, round*300+300)
		other := member()
		testkit.Eventually(t, func() error { return handledAll(seen, round*300+100) })
		stop()
		stop = other
	}
	testkit.Eventually(t, func() error { return handledAll(seen, 900) })
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if len(seen.disorder) > 0 {
		t.Error(seen.disorder)
	}
	if seen.most > 2*4*5 { // members, partitions, in flight
		t.Errorf("%d in flight", seen.most)
	}
}

func handledAll(h *handled, n int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.facts) < n {
		return fmt.Errorf("%d of %d facts", len(h.facts), n)
	}
	return nil
}

func TestWithoutItsTableAConsumerWaits(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	pool := testkit.Postgres(t)
	put(t, cfg, topic, 0, fact(t, "a", 1, 0))
	registry := prometheus.NewRegistry()
	sub, err := kafkabus.NewSubscriber(cfg, kafkabus.SubscriberOptions{
		Group: "early", Positions: kafkabus.NewPositions(pool, "early"), Registerer: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	})
	messages, err := sub.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		if n := testutil.CollectAndCount(registry, "kafkabus_consumer_errors_total"); n == 0 {
			return errors.New("nothing failed")
		}
		return nil
	})
	if err := kafkabus.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	m, _ := next(t, messages)
	m.Ack()
}
