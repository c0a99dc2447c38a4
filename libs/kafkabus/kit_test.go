package kafkabus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/kafkabus/internal/produce"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
)

const soon = time.Minute

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// noted is the fact of these tests.
type noted struct {
	N int `json:"n"`
}

func (noted) EventName() string { return "ledger.noted.v1" }

// kept is a fact that never leaves its service.
type kept struct{}

func (kept) EventName() string { return "ledger.kept.v1" }
func (kept) Private()          {}

// written is what noted was called once, and hinted what is private by now.
type (
	written struct {
		Number int `json:"number"`
	}
	hinted struct{}
)

func (written) EventName() string      { return "ledger.written.v1" }
func (w written) Upcast() events.Event { return noted{w.Number} }
func (hinted) EventName() string       { return "ledger.hinted.v1" }
func (hinted) Upcast() events.Event    { return kept{} }

func catalog() events.Catalog {
	return events.NewCatalog([]events.Event{noted{}, kept{}, written{}, hinted{}})
}

// connect returns the way to the broker that all tests share.
func connect(t testing.TB) kafkabus.Config {
	t.Helper()
	return connectTo(t, testkit.Kafka(t))
}

func connectTo(t testing.TB, b testkit.Broker) kafkabus.Config {
	t.Helper()
	cfg, err := kafkabus.Connect(kafkabus.Settings{
		Brokers: b.Addrs, User: b.User, Password: b.Password, ClientID: "kafkabus-test",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cfg.Close)
	return cfg
}

// ledger is a service with a log, and the way of its facts to a topic.
type ledger struct {
	pool       *pgxpool.Pool
	store      *eventstore.Store
	cfg        kafkabus.Config
	topic      string
	partitions int
	versions   map[string]int
}

func newLedger(t testing.TB, partitions int) *ledger {
	t.Helper()
	b := testkit.Kafka(t)
	return newLedgerOn(t, testkit.Postgres(t), connectTo(t, b), testkit.Topic(t, b, partitions), partitions)
}

func newLedgerOn(t testing.TB, pool *pgxpool.Pool, cfg kafkabus.Config, topic string, partitions int) *ledger {
	t.Helper()
	for _, migrate := range []func(context.Context, *pgxpool.Pool) error{
		vault.Migrate, eventstore.Migrate, kafkabus.Migrate,
	} {
		if err := migrate(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	store, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return &ledger{pool: pool, store: store, cfg: cfg, topic: topic, partitions: partitions, versions: map[string]int{}}
}

// note appends facts from..to, one after the other over ten streams.
func (l *ledger) note(t testing.TB, from, to int) {
	t.Helper()
	var all []eventstore.Append
	for n := from; n <= to; n++ {
		stream := fmt.Sprintf("stream-%d", n%10)
		all = append(all, eventstore.Append{
			Stream: stream, Expected: l.versions[stream], Facts: []events.Event{noted{n}},
			Meta: events.Meta{Cause: "cause-" + strconv.Itoa(n), Actor: "facility:1", Fingerprint: "secret"},
		})
		l.versions[stream]++
	}
	results, err := l.store.AppendAll(t.Context(), all)
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// append appends facts to the first stream.
func (l *ledger) append(t testing.TB, facts ...events.Event) {
	t.Helper()
	const stream = "stream-0"
	results, err := l.store.AppendAll(t.Context(), []eventstore.Append{{
		Stream: stream, Expected: l.versions[stream], Facts: facts, Meta: events.Meta{Cause: fmt.Sprint(stream, l.versions[stream])},
	}})
	l.versions[stream] += len(facts)
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (l *ledger) relay(cfg kafkabus.Config) *kafkabus.Relay {
	return kafkabus.NewRelay(l.store, l.pool, cfg, kafkabus.RelayOptions{
		Topic: l.topic, Partitions: l.partitions, Batch: 100,
	})
}

// start runs something until stop is called or the test ends. Its error fails the test.
func start(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

// raw returns everything that stands in a topic, partition by partition.
func raw(t testing.TB, cfg kafkabus.Config, topic string, partitions int) [][]kafka.Message {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: cfg.Transport, Timeout: soon}
	all := make([][]kafka.Message, partitions)
	for p := range partitions {
		for offset := int64(0); ; offset = int64(len(all[p])) {
			var resp *kafka.FetchResponse
			testkit.Eventually(t, func() (err error) {
				resp, err = client.Fetch(t.Context(), &kafka.FetchRequest{
					Topic: topic, Partition: p, Offset: offset, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Millisecond,
				})
				if err == nil {
					err = resp.Error
				}
				return err
			})
			all[p] = append(all[p], drain(t, resp.Records, topic, p, offset)...)
			if int64(len(all[p])) >= resp.HighWatermark {
				break
			}
		}
	}
	return all
}

func drain(t testing.TB, sent kafka.RecordReader, topic string, partition int, from int64) []kafka.Message {
	t.Helper()
	var list []kafka.Message
	for {
		r, err := sent.ReadRecord()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		key, keyErr := kafka.ReadAll(r.Key)
		value, valueErr := kafka.ReadAll(r.Value)
		if err := errors.Join(keyErr, valueErr); err != nil {
			t.Fatal(err)
		}
		if r.Offset >= from {
			list = append(list, kafka.Message{
				Topic: topic, Partition: partition, Offset: r.Offset, Key: key, Value: value, Headers: r.Headers,
			})
		}
	}
}

func count(all [][]kafka.Message) (n int) {
	for _, partition := range all {
		n += len(partition)
	}
	return n
}

// put writes messages to a partition as they are.
func put(t testing.TB, cfg kafkabus.Config, topic string, partition int, messages ...kafka.Message) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: cfg.Transport, Timeout: soon}
	testkit.Eventually(t, func() error { // a new topic is not known everywhere at once
		_, err := produce.All(t.Context(), client, topic, produce.Batches{partition: messages})
		if err != nil && !produce.Refused(err) {
			t.Fatal(err)
		}
		return err
	})
}

// fact returns the message of a fact at a position, of a stream which is named after its key.
func fact(t testing.TB, key string, position, previous int64) kafka.Message {
	t.Helper()
	m, err := kafkabus.Encode(events.Recorded{
		Position: position, Stream: key, Version: int(position), Event: noted{int(position)},
		Meta: events.Meta{OccurredAt: time.Unix(1_780_000_000, 0)}, RecordedAt: time.Unix(1_780_000_001, 0),
	}, previous)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// reader collects what a source hands out, as a projection would, and remembers its progress.
type reader struct {
	mu       sync.Mutex
	facts    []kafkabus.Received
	progress map[int]kafkabus.Progress
}

func newReader() *reader { return &reader{progress: map[int]kafkabus.Progress{}} }

func (r *reader) handle(_ context.Context, batch []kafkabus.Received, progress map[int]kafkabus.Progress) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.facts = append(r.facts, batch...)
	for p, at := range progress {
		r.progress[p] = at
	}
	return nil
}

func (r *reader) run(s *kafkabus.Source) func(context.Context) error {
	return func(ctx context.Context) error { return s.Run(ctx, r.at(), r.handle) }
}

func (r *reader) at() map[int]kafkabus.Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := map[int]kafkabus.Progress{}
	for p, progress := range r.progress {
		at[p] = progress
	}
	return at
}

// sees waits until exactly the facts 1..n have arrived, once each, those of a stream in their order.
func (r *reader) sees(t testing.TB, n int) {
	t.Helper()
	testkit.Eventually(t, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.facts) < n {
			return fmt.Errorf("%d of %d facts", len(r.facts), n)
		}
		return nil
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	var want, got []int
	versions := map[string]int{}
	for i, fact := range r.facts {
		want, got = append(want, i+1), append(got, fact.Event.(noted).N)
		if versions[fact.Stream]++; fact.Version != versions[fact.Stream] {
			t.Errorf("%s: version %d came as number %d", fact.Stream, fact.Version, versions[fact.Stream])
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}
