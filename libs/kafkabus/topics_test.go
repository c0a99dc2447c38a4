package kafkabus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/produce"

	"github.com/songan-vn/songan/libs/embedded/missing"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestATopicIsMadeOnceAndForEver(t *testing.T) {
	t.Parallel()
	cfg := connect(t)
	name := testkit.Topic(t, testkit.Kafka(t), 1) + ".made" // unique
	var making sync.WaitGroup
	for range 3 {
		making.Go(func() {
			if err := kafkabus.EnsureTopic(t.Context(), cfg, name, 3, 1); err != nil {
				t.Error(err)
			}
		})
	}
	making.Wait()
	want := map[string]string{"cleanup.policy": "delete", "retention.bytes": "-1", "retention.ms": "-1"}
	if diff := cmp.Diff(want, settings(t, cfg, name)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	err := kafkabus.EnsureTopic(t.Context(), cfg, name, 4, 1)
	if err == nil || !strings.Contains(err.Error(), "3 partitions instead of 4") {
		t.Error(err)
	}
}

func settings(t *testing.T, cfg kafkabus.Config, topic string) map[string]string {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: cfg.Transport, Timeout: soon}
	resp, err := client.DescribeConfigs(t.Context(), &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
		ConfigNames: []string{"cleanup.policy", "retention.bytes", "retention.ms"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, entry := range resp.Resources[0].ConfigEntries {
		got[entry.ConfigName] = entry.ConfigValue
	}
	return got
}

func TestATopicKeepsItsRecordsForAsLongAsItIsTold(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	for keep, want := range map[time.Duration]string{90 * 24 * time.Hour: "7776000000", 30 * 24 * time.Hour: "2592000000"} {
		for range 2 {
			if err := kafkabus.KeepFor(t.Context(), cfg, topic, keep); err != nil {
				t.Fatal(err)
			}
			if err := kafkabus.EnsureTopic(t.Context(), cfg, topic, 1, 1); err != nil { // which leaves it alone
				t.Fatal(err)
			}
			testkit.Eventually(t, func() error { // Apache Kafka's brokers hear of it after the answer
				if got := settings(t, cfg, topic); got["retention.ms"] != want || got["cleanup.policy"] != "delete" {
					return fmt.Errorf("told to keep records for %s, it has %v", keep, got)
				}
				return nil
			})
		}
	}
}

func TestATopicThatTheBrokerRefusesIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	began := time.Now()
	if err := kafkabus.EnsureTopic(t.Context(), connect(t), "not.so.many.brokers", 1, 99); err == nil {
		t.Error("made")
	}
	if took := time.Since(began); took > 20*time.Second { // it tries for thirty what may help
		t.Errorf("after %s", took)
	}
}

func TestOnlyTheRightPasswordComesIn(t *testing.T) {
	t.Parallel()
	b := testkit.Kafka(t)
	if b.User == "" {
		missing.Skip(t, "the broker knows no users")
	}
	cfg, err := kafkabus.Connect(kafkabus.Settings{Brokers: b.Addrs, User: b.User, Password: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cfg.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err = kafkabus.EnsureTopic(ctx, cfg, "any", 1, 1)
	if err == nil || strings.Contains(err.Error(), "wrong") {
		t.Error(err)
	}
}

func TestConnectNeedsABroker(t *testing.T) {
	t.Parallel()
	if _, err := kafkabus.Connect(kafkabus.Settings{}); err == nil {
		t.Error("connected to nobody")
	}
	if _, err := kafkabus.NewSubscriber(kafkabus.Config{}, kafkabus.SubscriberOptions{}); err == nil {
		t.Error("a consumer without a name")
	}
}

// The partitions are those that Java's producer chooses: murmur2, as its own tests have it.
func TestKeysGoWhereJavaSendsThem(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 50)
	pub := kafkabus.NewPublisher(cfg, kafkabus.PublisherOptions{})
	want := map[string]int{}
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
	} {
		want[key] = int(hash&0x7fffffff) % 50
		m := message.NewMessage("id-"+key, []byte(key))
		m.Metadata.Set(kafkabus.KeyMetadata, key)
		if err := pub.Publish(topic, m); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]int{}
	for p, list := range raw(t, cfg, topic, 50) {
		for _, m := range list {
			got[string(m.Key)] = p
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("partitions (-want +got):\n%s", diff)
	}
}

func TestPublisherSaysWhatItCouldNotDo(t *testing.T) {
	t.Parallel()
	cfg := connect(t)
	pub := kafkabus.NewPublisher(cfg, kafkabus.PublisherOptions{})
	if err := pub.Publish("no.such.topic", message.NewMessage("1", nil)); !errors.Is(err, kafka.UnknownTopicOrPartition) {
		t.Error(err)
	}
	topic := testkit.Topic(t, testkit.Kafka(t), 1)
	if err := kafkabus.EnsureTopic(t.Context(), cfg, topic, 1, 1); err != nil { // the transport has heard of it
		t.Fatal(err)
	}
	huge := message.NewMessage("1", make([]byte, 3<<20))
	if err := pub.Publish(topic, message.NewMessage("0", nil), huge); !errors.Is(err, kafka.MessageSizeTooLarge) {
		t.Error(err)
	}
	if err := pub.Publish(topic); err != nil {
		t.Error(err)
	}
	if err := pub.Close(); err != nil {
		t.Error(err)
	}
	if err := pub.Publish(topic, message.NewMessage("1", nil)); !errors.Is(err, kafkabus.ErrClosed) {
		t.Error(err)
	}
}

// moving is a cluster in which a partition is moving: its broker refuses the first requests.
type moving struct {
	kafka.RoundTripper
	refusals atomic.Int32
}

func (m *moving) RoundTrip(ctx context.Context, addr net.Addr, req kafka.Request) (kafka.Response, error) {
	if r, produces := req.(*produce.Request); produces && m.refusals.Add(-1) >= 0 {
		return &produce.Response{Topics: []produce.ResponseTopic{{
			Topic: r.Topics[0].Topic, Partitions: []produce.ResponsePartition{{ErrorCode: int16(kafka.NotLeaderForPartition)}},
		}}}, nil
	}
	return m.RoundTripper.RoundTrip(ctx, addr, req)
}

func TestPublisherWaitsForAPartitionThatMoves(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	if err := kafkabus.EnsureTopic(t.Context(), cfg, topic, 1, 1); err != nil {
		t.Fatal(err)
	}
	under := &moving{RoundTripper: cfg.Transport}
	under.refusals.Store(3)
	through := cfg
	through.Transport = under
	pub := kafkabus.NewPublisher(through, kafkabus.PublisherOptions{})
	if err := pub.Publish(topic, message.NewMessage("1", []byte("x"))); err != nil {
		t.Fatal(err)
	}
	if n := count(raw(t, cfg, topic, 1)); n != 1 {
		t.Errorf("%d records", n)
	}
}
