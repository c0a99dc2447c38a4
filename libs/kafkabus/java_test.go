package kafkabus_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

// another returns a client that can do what kafka-go cannot, and stands for programs of others.
func another(t testing.TB, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	b := testkit.Kafka(t)
	options = append(options, kgo.SeedBrokers(b.Addrs...))
	if b.User != "" {
		options = append(options, kgo.SASL(scram.Auth{User: b.User, Pass: b.Password}.AsSha512Mechanism()))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// remove deletes the records of partition 0 before an offset.
func remove(t testing.TB, topic string, before int64) {
	t.Helper()
	partition := kmsg.NewDeleteRecordsRequestTopicPartition()
	partition.Offset = before
	records := kmsg.NewDeleteRecordsRequestTopic()
	records.Topic, records.Partitions = topic, append(records.Partitions, partition)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = append(req.Topics, records)
	shards := another(t).RequestSharded(t.Context(), req)
	for _, shard := range shards {
		if shard.Err != nil {
			t.Fatal(shard.Err)
		}
		for _, p := range shard.Resp.(*kmsg.DeleteRecordsResponse).Topics[0].Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A bank may write from a Java program with transactions. Their markers take offsets of their own, which kafka-go
// hides; facts of open transactions have to wait.
func TestTransactionsOfOthersDoNotHoldUpATopic(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	bank := another(t, kgo.TransactionalID(topic), kgo.DefaultProduceTopic(topic))
	write := func(text string, end kgo.TransactionEndTry) {
		if err := bank.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := bank.ProduceSync(t.Context(), kgo.StringRecord(text)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := bank.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	pool := testkit.Postgres(t)
	messages, _ := subscribe(t, pool, cfg, topic, kafkabus.SubscriberOptions{Foreign: true})
	for _, text := range []string{"1", "2", "3"} {
		write(text, kgo.TryCommit)
		m := <-messages
		if string(m.Payload) != text {
			t.Errorf("%s instead of %s", m.Payload, text)
		}
		m.Ack()
	}
	testkit.Eventually(t, func() error { // the marker behind the last one is passed as well
		return stored(t, pool, topic, kafkabus.Progress{Offset: 6})
	})
}
