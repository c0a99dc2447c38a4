package kafkabus_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

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
