package testkit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/songan-vn/songan/libs/embedded/kafka"
	"github.com/songan-vn/songan/libs/embedded/missing"
	"github.com/songan-vn/songan/libs/testkit"
)

// produce sends values in one batch and returns the offset of the first.
func produce(ctx context.Context, b testkit.Broker, topic string, partition int, values ...string) (int64, error) {
	var records []kafkago.Record
	for _, v := range values {
		records = append(records, kafkago.Record{Key: kafkago.NewBytes([]byte("key")), Value: kafkago.NewBytes([]byte(v))})
	}
	answer, err := b.Client().Produce(ctx, &kafkago.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafkago.RequireAll,
		Records: kafkago.NewRecordReader(records...),
	})
	if err != nil {
		return 0, err
	}
	return answer.BaseOffset, answer.Error
}

// fetch reads the values of a partition from an offset on, as far as there are.
func fetch(ctx context.Context, b testkit.Broker, topic string, partition int, from int64) ([]string, error) {
	answer, err := b.Client().Fetch(ctx, &kafkago.FetchRequest{
		Topic: topic, Partition: partition, Offset: from, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, answer.Error
	}
	var values []string
	for {
		record, err := answer.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		var value bytes.Buffer
		if _, err := value.ReadFrom(record.Value); err != nil {
			return nil, err
		}
		values = append(values, value.String())
	}
}

func TestWhatIsProducedIsConsumedInOrderPerPartition(t *testing.T) {
	t.Parallel()
	b := testkit.Kafka(t)
	topic := testkit.Topic(t, b, 3)
	for partition := range 3 {
		for batch := range 4 {
			values := []string{fmt.Sprintf("%d-a", batch), fmt.Sprintf("%d-b", batch)}
			offset, err := produce(t.Context(), b, topic, partition, values...)
			if err != nil || offset != int64(2*batch) {
				t.Fatalf("partition %d, batch %d: offset %d, error %v", partition, batch, offset, err)
			}
		}
		got, err := fetch(t.Context(), b, topic, partition, 1)
		if err != nil {
			t.Fatal(err)
		}
		// A broker answers whole batches: what's before the offset may come too.
		got = got[max(0, slices.Index(got, "0-b")):]
		want := []string{"0-b", "1-a", "1-b", "2-a", "2-b", "3-a", "3-b"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("partition %d (-want +got):\n%s", partition, diff)
		}
	}
}

func TestTopicsAreGoneWhenTheirTestEndsAndOthersAreNot(t *testing.T) { //nolint:tparallel // the inner test has to end first
	t.Parallel()
	b := testkit.Kafka(t)
	others := testkit.Topic(t, b, 1)
	var mine, made string
	t.Run("with topics", func(t *testing.T) {
		mine, made = testkit.Topic(t, b, 1), others+".made"
		testkit.TopicsOf(t, b, others)
		answer, err := b.Client().CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{
			Topics: []kafkago.TopicConfig{{Topic: made, NumPartitions: 1, ReplicationFactor: -1}},
		})
		if err = errors.Join(err, answer.Errors[made]); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, func() error { // until its leader knows of it
			_, err := produce(t.Context(), b, made, 0, "x")
			return err
		})
	})
	testkit.Eventually(t, func() error {
		known, err := b.Client().Metadata(t.Context(), &kafkago.MetadataRequest{Topics: []string{mine, made, others}})
		if err != nil {
			return err
		}
		got := map[string]error{}
		for _, topic := range known.Topics {
			got[topic.Name] = topic.Error
		}
		want := map[string]error{mine: kafkago.UnknownTopicOrPartition, made: kafkago.UnknownTopicOrPartition, others: nil}
		if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
			return fmt.Errorf("topics (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestADeletedTopicTakesNoRecordsFromThoseWhoRememberIt(t *testing.T) {
	t.Parallel()
	b := testkit.Kafka(t)
	topic := testkit.Topic(t, b, 1)
	other := b
	other.Transport = &kafkago.Transport{SASL: b.Transport.SASL, MetadataTTL: time.Hour}
	defer other.Transport.CloseIdleConnections()
	if _, err := produce(t.Context(), other, topic, 0, "x"); err != nil {
		t.Fatal(err)
	}
	// A node that is busy making partitions hears of the deletion late.
	busy := topic + ".busy"
	testkit.TopicsOf(t, b, topic)
	made, err := b.Client().CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{
		Topics: []kafkago.TopicConfig{{Topic: busy, NumPartitions: 200, ReplicationFactor: -1}},
	})
	if err = errors.Join(err, made.Errors[busy]); err != nil {
		t.Fatal(err)
	}
	testkit.DeleteTopic(t, b, topic)
	if _, err := produce(t.Context(), other, topic, 0, "x"); !errors.Is(err, kafkago.UnknownTopicOrPartition) {
		t.Errorf("a record for a deleted topic: %v", err)
	}
}

func TestTopicsAreNotMadeByAskingForThem(t *testing.T) {
	t.Parallel()
	b := testkit.Kafka(t)
	if _, err := produce(t.Context(), b, "test.nobody-made-this", 0, "x"); err == nil {
		t.Error("a record went into a topic which nobody had made")
	}
}

func TestAWrongPasswordIsRefused(t *testing.T) {
	t.Parallel()
	b := testkit.Kafka(t)
	if b.User == "" {
		missing.Skip(t, "the broker of SONGAN_TEST_KAFKA knows no users")
	}
	for _, algorithm := range []scram.Algorithm{scram.SHA256, scram.SHA512} {
		right, err := scram.Mechanism(algorithm, b.User, b.Password)
		if err != nil {
			t.Fatal(err)
		}
		wrong, err := scram.Mechanism(algorithm, b.User, b.Password+"x")
		if err != nil {
			t.Fatal(err)
		}
		dialer := kafkago.Dialer{SASLMechanism: right, Timeout: 10 * time.Second}
		conn, err := dialer.DialContext(t.Context(), "tcp", b.Addrs[0])
		if err != nil {
			t.Fatalf("%s: the right password: %v", right.Name(), err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		dialer.SASLMechanism = wrong
		if _, err = dialer.DialContext(t.Context(), "tcp", b.Addrs[0]); !errors.Is(err, kafkago.SASLAuthenticationFailed) {
			t.Errorf("%s: the wrong password: %v, want %v", wrong.Name(), err, kafkago.SASLAuthenticationFailed)
		}
	}
}

func TestAnAccountMayDoOnlyWhatItsRightsSay(t *testing.T) {
	t.Parallel()
	b := testkit.Kafka(t)
	mine, other := testkit.Topic(t, b, 1), testkit.Topic(t, b, 1)
	if _, err := produce(t.Context(), b, other, 0, "secret"); err != nil {
		t.Fatal(err)
	}
	bank := b.Account(t, kafka.Right{On: kafka.Topic, Name: mine, May: []kafka.Operation{kafka.Read, kafka.Write}})
	// On a real cluster a right takes a moment to reach all nodes.
	testkit.Eventually(t, func() error {
		_, err := produce(t.Context(), bank, mine, 0, "allowed")
		return err
	})
	if got, err := fetch(t.Context(), bank, mine, 0, 0); err != nil || len(got) == 0 {
		t.Errorf("its own topic: %v, %v", got, err)
	}
	if got, err := fetch(t.Context(), bank, other, 0, 0); err == nil {
		t.Errorf("a topic without a right: got %v", got)
	}
	if _, err := produce(t.Context(), bank, other, 0, "x"); err == nil {
		t.Error("it wrote to a topic without a right")
	}
	made, err := bank.Client().CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{
		Topics: []kafkago.TopicConfig{{Topic: mine + ".more", NumPartitions: 1, ReplicationFactor: -1}},
	})
	if err == nil {
		err = made.Errors[mine+".more"]
	}
	if !errors.Is(err, kafkago.TopicAuthorizationFailed) {
		t.Errorf("make a topic: %v, want %v", err, kafkago.TopicAuthorizationFailed)
	}
}

func TestAPrefixRightCoversTheNamesThatBeginWithIt(t *testing.T) {
	t.Parallel()
	b := testkit.Kafka(t)
	topic := testkit.Topic(t, b, 1)
	bank := b.Account(t, kafka.Right{On: kafka.Topic, Name: topic[:len(topic)-3] + "*", May: []kafka.Operation{kafka.Write}})
	testkit.Eventually(t, func() error {
		_, err := produce(t.Context(), bank, topic, 0, "allowed")
		return err
	})
	if _, err := fetch(t.Context(), bank, topic, 0, 0); err == nil {
		t.Error("a right to write let it read")
	}
}

func TestABrokerOfOnesOwnKeepsItsLogThroughRestarts(t *testing.T) {
	t.Parallel()
	b := testkit.NewBroker(t)
	topic := testkit.Topic(t, b.Broker, 2)
	if _, err := produce(t.Context(), b.Broker, topic, 1, "before"); err != nil {
		t.Fatal(err)
	}
	b.Stop(t)
	if _, err := produce(t.Context(), b.Broker, topic, 1, "meanwhile"); err == nil {
		t.Fatal("a stopped broker took a record")
	}
	b.Start(t)
	testkit.Eventually(t, func() error {
		_, err := produce(t.Context(), b.Broker, topic, 1, "after")
		return err
	})
	got, err := fetch(t.Context(), b.Broker, topic, 1, 0)
	if diff := cmp.Diff([]string{"before", "after"}, got); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

// join enters a group, takes what it's assigned and commits an offset for it.
func join(ctx context.Context, b testkit.Broker, group, topic string) (int, error) {
	members, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: group, Brokers: b.Addrs, Dialer: b.Dialer, Topics: []string{topic},
		StartOffset: kafkago.FirstOffset, JoinGroupBackoff: 50 * time.Millisecond,
	})
	if err != nil {
		return 0, err
	}
	defer members.Close()
	generation, err := members.Next(ctx)
	if err != nil {
		return 0, err
	}
	mine := generation.Assignments[topic]
	for _, partition := range mine {
		if err := generation.CommitOffsets(map[string]map[int]int64{topic: {partition.ID: 1}}); err != nil {
			return 0, err
		}
	}
	return len(mine), nil
}

func TestAnAccountJoinsOnlyTheGroupsItMay(t *testing.T) {
	t.Parallel()
	b := testkit.Kafka(t)
	topic := testkit.Topic(t, b, 2)
	bank := b.Account(t,
		kafka.Right{On: kafka.Topic, Name: topic, May: []kafka.Operation{kafka.Read}},
		kafka.Right{On: kafka.Group, Name: topic + ".mine*", May: []kafka.Operation{kafka.Read}},
	)
	testkit.Eventually(t, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got, err := join(ctx, bank, topic+".mine.1", topic); err != nil || got != 2 {
			return fmt.Errorf("%d partitions: %w", got, err)
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := join(ctx, bank, topic+".theirs", topic); !errors.Is(err, kafkago.GroupAuthorizationFailed) {
		t.Errorf("another's group: %v, want %v", err, kafkago.GroupAuthorizationFailed)
	}
}
