package projection_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/projection"
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
		if err != nil || answer.Error != nil {
			t.Fatal(err, answer.Error)
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
		testkit.Eventually(t, 30*time.Second, func() error {
			if diff := cmp.Diff(i.dump(t, "own"), i.dump(t, "stays")); diff != "" {
				return fmt.Errorf("over the bus other rows came out (-log +topic):\n%s", diff)
			}
			return nil
		})
	}
	i.lodge(t, 1, 400)
	i.relay(t, topic, 0, previous)
	same()
	testkit.Eventually(t, 20*time.Second, func() error { return m.Ready(t.Context()) })
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

func contextOf(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
