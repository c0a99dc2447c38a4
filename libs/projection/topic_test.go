package projection_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
	"github.com/songan-vn/songan/libs/testkit"
)

const partitions = 3

// relay publishes the whole log to a topic, as the relay of the service would.
func (i *inn) relay(t *testing.T, topic string, after int64, previous map[int]int64) {
	t.Helper()
	client := testkit.Kafka(t).Client()
	const all = 100_000
	facts, err := i.store.Read(t.Context(), after, all)
	if err != nil {
		t.Fatal(err)
	}
	records := map[int][]kafka.Record{}
	for _, fact := range facts {
		partition := kafka.Murmur2Balancer{}.Balance(kafka.Message{Key: []byte(fact.Stream)}, 0, 1, 2)
		m, err := kafkabus.Encode(fact, previous[partition])
		if err != nil {
			t.Fatal(err)
		}
		previous[partition] = fact.Position
		records[partition] = append(records[partition], kafka.Record{
			Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Headers: m.Headers, Time: m.Time,
		})
	}
	for partition, list := range records {
		answer, err := client.Produce(t.Context(), &kafka.ProduceRequest{
			Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(list...),
		})
		if err == nil {
			err = answer.Error
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAReadModelFollowsTheFactsOfAnotherService(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	b := testkit.Kafka(t)
	topic, previous := testkit.Topic(t, b, partitions), map[int]int64{}
	cfg := kafkabus.Config{Brokers: b.Addrs, Transport: b.Transport, Dialer: b.Dialer}
	feed := projection.FromTopic(topic, kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{Batch: 100}))

	// The log of the service itself tells what has to come out.
	r := i.runner(projection.Options{})
	own := i.add(t, r, stays("own_v1").Projection())
	m, err := r.Add(t.Context(), stays("stays_v1").Projection(), feed)
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, r)
	same := func() {
		wait(t, own, i.head(t))
		testkit.Eventually(t, func() error {
			if diff := cmp.Diff(i.dump(t, "own"), i.dump(t, "stays")); diff != "" {
				return fmt.Errorf("over the bus other rows came out (-log +topic):\n%s", diff)
			}
			return nil
		})
	}
	i.lodge(t, 1, 400)
	i.relay(t, topic, 0, previous)
	same()
	testkit.Eventually(t, func() error { return m.Ready(t.Context()) })
	if err := m.WaitFor(contextOf(t, 50*time.Millisecond), 1); err == nil {
		t.Error("one can wait for a position of the own log in a read model that does not follow it")
	}

	stop()
	head := i.head(t)
	i.lodge(t, 401, 500)
	i.relay(t, topic, head, previous)
	next := i.runner(projection.Options{})
	own = i.add(t, next, stays("own_v1").Projection())
	if m, err = next.Add(t.Context(), stays("stays_v1").Projection(), feed); err != nil {
		t.Fatal(err)
	}
	start(t, next)
	same()
	rebuilt, err := m.Rebuild(t.Context())
	if err != nil || rebuilt.Facts != i.head(t) {
		t.Errorf("a rebuild from the topic brought %d of %d facts: %v", rebuilt.Facts, i.head(t), err)
	}
	same()
}

// After a restore all topics have new names, and hold everything that was not lost: what the rows have from the old ones is
// served as long as nobody computes them again, nothing is added to it a second time, and what was lost is gone afterwards.
func TestRowsAreNotGoneOnWithFromATopicOfAnotherName(t *testing.T) {
	t.Parallel()
	before, restored := newInn(t), newInn(t)
	b := testkit.Kafka(t)
	cfg := kafkabus.Config{Brokers: b.Addrs, Transport: b.Transport, Dialer: b.Dialer}
	follow := func(topic string) (*projection.Model, func()) {
		r := before.runner(projection.Options{})
		feed := projection.FromTopic(topic, kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{Batch: 100}))
		m, err := r.Add(t.Context(), stays("stays_v1").Projection(), &busy{Feed: feed})
		if err != nil {
			t.Fatal(err)
		}
		return m, start(t, r)
	}
	was, is := testkit.Topic(t, b, partitions), testkit.Topic(t, b, partitions)
	before.lodge(t, 1, 400)
	before.relay(t, was, 0, map[int]int64{})
	m, stop := follow(was)
	testkit.Eventually(t, func() error { return before.lodged(t, 400) })
	testkit.Eventually(t, func() error { return m.Ready(t.Context()) })
	stop()
	served := before.dump(t, "stays")

	restored.lodge(t, 1, 300)
	published := map[int]int64{}
	restored.relay(t, is, 0, published)
	m, _ = follow(is)
	var other *projection.OtherSourceError
	if err := m.Ready(t.Context()); !errors.As(err, &other) || other.Source != was {
		t.Fatalf("it is ready: %v", err)
	}
	if diff := cmp.Diff(served, before.dump(t, "stays")); diff != "" {
		t.Errorf("the rows are other ones already (-want +got):\n%s", diff)
	}
	rebuilt, err := m.Rebuild(t.Context())
	if err != nil || rebuilt.Facts != restored.head(t) {
		t.Errorf("rebuilt of %d facts, there are %d: %v", rebuilt.Facts, restored.head(t), err)
	}
	if err := before.lodged(t, 300); err != nil {
		t.Error("what was lost is still there: ", err)
	}
	testkit.Eventually(t, func() error { return m.Ready(t.Context()) })
	head := restored.head(t)
	restored.lodge(t, 301, 310)
	restored.relay(t, is, head, published)
	testkit.Eventually(t, func() error { return before.lodged(t, 310) })
}

// busy is a feed that has one fact more whenever somebody looks.
type busy struct {
	projection.Feed

	looked atomic.Int64
}

func (b *busy) End(ctx context.Context) (checkpoint.Progress, error) {
	end, err := b.Feed.End(ctx)
	more := b.looked.Add(1) - 1
	for place, mark := range end {
		mark.Offset += more
		end[place] = mark
	}
	return end, err
}

// lodged tells whether so many stays are in the read model.
func (i *inn) lodged(t *testing.T, want int) error {
	t.Helper()
	var n int
	if err := i.pool.QueryRow(t.Context(), `select count(*) from stays`).Scan(&n); err != nil || n != want {
		return fmt.Errorf("there are %d stays, want %d: %w", n, want, err)
	}
	return nil
}

func contextOf(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
