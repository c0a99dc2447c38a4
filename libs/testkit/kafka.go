package testkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/songan-vn/songan/libs/embedded/kafka"
)

const (
	envKafka         = "SONGAN_TEST_KAFKA"
	envKafkaUser     = "SONGAN_TEST_KAFKA_USER"
	envKafkaPassword = "SONGAN_TEST_KAFKA_PASSWORD" //nolint:gosec // the name of a variable
	kafkaTimeout     = 30 * time.Second
)

// Broker is a Kafka broker, or cluster, and the account of a super user on it.
type Broker struct {
	Addrs          []string
	User, Password string
	// Transport and Dialer log in as User; all tests of a process share them.
	Transport *kafkago.Transport
	Dialer    *kafkago.Dialer
}

// broker is the Kafka of this test process.
type broker struct {
	once     sync.Once
	err      error
	public   Broker
	embedded *kafka.Broker
	home     *folder
}

// Kafka returns the broker which all tests of this process share; the first
// caller starts it. Take a [Topic] of your own on it.
func Kafka(t testing.TB) Broker {
	t.Helper()
	b := &shared.kafka
	b.once.Do(func() { b.err = b.launch() })
	if b.err != nil {
		t.Fatalf("start the Kafka broker for the tests: %v", b.err)
	}
	return b.public
}

func (b *broker) launch() (err error) {
	if given := os.Getenv(envKafka); given != "" {
		b.public, err = account(strings.Split(given, ","), os.Getenv(envKafkaUser), os.Getenv(envKafkaPassword))
		return err
	}
	if b.home, err = newFolder(); err != nil {
		return err
	}
	user := kafka.User{Name: "songan", Password: rand.Text(), Super: true}
	b.embedded, err = kafka.Start(kafka.Options{
		Dir: filepath.Join(b.home.dir, "kafka"), Users: []kafka.User{user}, Volatile: true,
	})
	if err != nil {
		return err
	}
	b.public, err = account([]string{b.embedded.Addr()}, user.Name, user.Password)
	return err
}

// stop ends the broker, if one was started.
func (b *broker) stop() error {
	if b.public.Transport != nil {
		b.public.Transport.CloseIdleConnections()
	}
	if b.embedded == nil {
		return nil
	}
	return errors.Join(b.embedded.Close(), b.home.leave())
}

// account makes a Broker; without a user it doesn't log in.
func account(addrs []string, user, password string) (Broker, error) {
	var login sasl.Mechanism
	if user != "" {
		var err error
		if login, err = scram.Mechanism(scram.SHA512, user, password); err != nil {
			return Broker{}, fmt.Errorf("prepare the login of %s: %w", user, err)
		}
	}
	return Broker{
		Addrs: addrs, User: user, Password: password,
		Transport: &kafkago.Transport{SASL: login, ClientID: "testkit", MetadataTTL: time.Second},
		Dialer:    &kafkago.Dialer{SASLMechanism: login, ClientID: "testkit", Timeout: 10 * time.Second},
	}, nil
}

// Addr is all addresses in the form that kafka-go's requests take.
func (b Broker) Addr() net.Addr { return kafkago.TCP(b.Addrs...) }

// Client is a kafka-go client which is logged in as the super user.
func (b Broker) Client() *kafkago.Client {
	return &kafkago.Client{Addr: b.Addr(), Timeout: kafkaTimeout, Transport: b.Transport}
}

// Reachable waits until a client has heard of the cluster. Until then each of its requests fails at once: its transport asks in
// the background, and remembers for a while that it had no answer from a broker that was busy.
func Reachable(t testing.TB, client *kafkago.Client) {
	t.Helper()
	Eventually(t, func() error {
		known, err := client.Metadata(t.Context(), &kafkago.MetadataRequest{})
		if err == nil && len(known.Brokers) == 0 {
			err = kafkago.BrokerNotAvailable
		}
		return err
	})
}

// Topic makes a topic with a unique name, waits until every partition has a
// leader, and deletes the topic when the test ends.
func Topic(t testing.TB, b Broker, partitions int) string {
	t.Helper()
	name := "test." + strings.Trim(unfit.ReplaceAllString(strings.ToLower(t.Name()), "-"), "-")
	name = name[:min(len(name), 100)] + "." + strings.ToLower(rand.Text()[:10])
	client := b.Client()
	t.Cleanup(func() { deleteTopics(t, client, name) })
	Eventually(t, func() error { // again and again: a broker that is busy may not have said yet who it is
		made, err := client.CreateTopics(context.Background(), &kafkago.CreateTopicsRequest{
			Topics: []kafkago.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: -1}},
		})
		if err != nil {
			return err
		}
		if err := made.Errors[name]; !errors.Is(err, kafkago.TopicAlreadyExists) {
			return err
		}
		return nil
	})
	Eventually(t, func() error {
		return errors.Join(led(context.Background(), client, name, partitions), b.everywhere(name, partitions))
	})
	return name
}

// TopicsOf deletes, when the test ends, the topics whose names begin with prefix and a dot: for what makes its topics itself.
func TopicsOf(t testing.TB, b Broker, prefix string) {
	t.Helper()
	t.Cleanup(func() {
		var names []string
		for _, addr := range b.Addrs { // a new topic is known at its leader, and elsewhere a moment later
			all, err := b.partitionsAt(addr)
			if err != nil {
				t.Errorf("look for the topics of %s: %v", prefix, err)
			}
			for _, p := range all {
				if p.ID == 0 && strings.HasPrefix(p.Topic, prefix+".") {
					names = append(names, p.Topic)
				}
			}
		}
		slices.Sort(names)
		deleteTopics(t, b.Client(), slices.Compact(names)...)
	})
}

// DeleteTopic deletes a topic and waits until no node knows of it. Apache Kafka says that it did when its controller
// has decided so, and the leaders take records until they hear of it: under load for more than a second.
func DeleteTopic(t testing.TB, b Broker, name string) {
	t.Helper()
	deleteTopics(t, b.Client(), name)
	Eventually(t, func() error { return b.everywhere(name, 0) })
}

// everywhere is an error unless each node knows of so many partitions of a topic. A client may ask any of them, at any time.
func (b Broker) everywhere(name string, partitions int) error {
	for _, addr := range b.Addrs {
		known, err := b.partitionsAt(addr, name)
		if err != nil && !errors.Is(err, kafkago.UnknownTopicOrPartition) {
			return err
		}
		if len(known) != partitions {
			return fmt.Errorf("%s knows %d partitions of topic %s, not %d", addr, len(known), name, partitions)
		}
	}
	return nil
}

// partitionsAt returns the partitions of topics that one node knows, or of all topics. b.Transport remembers topics for a second,
// so it is not asked.
func (b Broker) partitionsAt(addr string, topics ...string) ([]kafkago.Partition, error) {
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	conn, err := b.Dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", addr, err)
	}
	defer func() { _ = conn.Close() }() // it was read
	if err := conn.SetDeadline(time.Now().Add(kafkaTimeout)); err != nil {
		return nil, err
	}
	all, err := conn.ReadPartitions(topics...)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", addr, err)
	}
	return all, nil
}

// NotWritten tells whether a broker took no record because it does not know a new topic yet, or not who leads it. Trying again
// repeats nothing, unless a leader went away in the middle.
func NotWritten(err error) bool {
	return slices.ContainsFunc([]error{
		kafkago.UnknownTopicOrPartition, kafkago.LeaderNotAvailable, kafkago.NotLeaderForPartition,
		protocol.ErrNoTopic, protocol.ErrNoPartition, protocol.ErrNoLeader,
	}, func(e error) bool { return errors.Is(err, e) })
}

func deleteTopics(t testing.TB, client *kafkago.Client, names ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTimeout)
	defer cancel()
	gone, err := client.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: names})
	if err != nil {
		t.Errorf("delete topics %v: %v", names, err)
		return
	}
	for _, name := range names {
		if err := gone.Errors[name]; err != nil && !errors.Is(err, kafkago.UnknownTopicOrPartition) {
			t.Errorf("delete topic %s: %v", name, err)
		}
	}
}

// led asks the leader of each partition for its offsets. Metadata alone isn't
// enough: Apache Kafka names a leader a moment before that broker knows of it.
func led(ctx context.Context, client *kafkago.Client, name string, partitions int) error {
	var ask []kafkago.OffsetRequest
	for p := range partitions {
		ask = append(ask, kafkago.LastOffsetOf(p))
	}
	answer, err := client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{
		Topics: map[string][]kafkago.OffsetRequest{name: ask},
	})
	if err != nil {
		return fmt.Errorf("ask for the offsets of %s: %w", name, err)
	}
	if got := len(answer.Topics[name]); got != partitions {
		return fmt.Errorf("topic %s is known with %d of %d partitions", name, got, partitions)
	}
	for _, p := range answer.Topics[name] {
		if p.Error != nil {
			return fmt.Errorf("partition %d of topic %s: %w", p.Partition, name, p.Error)
		}
	}
	return nil
}
