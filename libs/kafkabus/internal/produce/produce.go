// Package produce writes batches of messages to a topic, so that the order within a partition holds: one request after
// the other, none after one that failed.
package produce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	// produceBytes is the most bytes of records in one request, a little less than a broker takes by default.
	produceBytes = 900_000
	// recordOverhead is more than what the format adds to a record, and headerOverhead to a header.
	recordOverhead = 64
	headerOverhead = 12
)

// Partitioner finds the partition of a key as Java's producer does. It is the list of all partitions.
type Partitioner []int

// NewPartitioner returns the one for topics with so many partitions.
func NewPartitioner(partitions int) Partitioner {
	list := make(Partitioner, partitions)
	for i := range list {
		list[i] = i
	}
	return list
}

// Of returns the partition of a key, which is not empty.
func (p Partitioner) Of(key []byte) int {
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, p...)
}

// Batches are messages by partition, in order.
type Batches map[int][]kafka.Message

// All writes batches, all partitions at the same time, and returns what was not written.
func All(ctx context.Context, client *kafka.Client, topic string, all Batches) (Batches, error) {
	var (
		mu      sync.Mutex
		pending sync.WaitGroup
		faults  []error
		rest    = Batches{}
	)
	for partition, batch := range all {
		pending.Go(func() {
			left, err := one(ctx, client, topic, partition, batch)
			if err == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			rest[partition], faults = left, append(faults, err)
		})
	}
	pending.Wait()
	return rest, errors.Join(faults...)
}

// one writes messages to one partition, in requests of a size that brokers take, one after the other. It stops at
// the first that fails, because a later one must not be written before an earlier one, and returns what is left.
func one(ctx context.Context, client *kafka.Client, topic string, partition int, batch []kafka.Message) ([]kafka.Message, error) {
	for len(batch) > 0 {
		n := fit(batch)
		resp, err := client.Produce(ctx, &kafka.ProduceRequest{
			Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: &records{messages: batch[:n]},
		})
		if err == nil {
			err = resp.Error
		}
		if err != nil {
			return batch, fmt.Errorf("produce to %s partition %d: %w", topic, partition, err)
		}
		batch = batch[n:]
	}
	return nil, nil
}

// Refused tells whether brokers said of everything that failed that they did not write it, and that another one may, or
// the same one a little later: as they do after a topic was made, or a partition has moved. To try again repeats nothing.
func Refused(err error) bool {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		return !slices.ContainsFunc(many.Unwrap(), func(err error) bool { return !Refused(err) })
	}
	for _, verdict := range [...]error{
		kafka.NotLeaderForPartition, kafka.LeaderNotAvailable, kafka.UnknownTopicOrPartition, kafka.NotEnoughReplicas,
		kafka.BrokerNotAvailable, protocol.ErrNoTopic, protocol.ErrNoPartition, protocol.ErrNoLeader, // not even sent
	} {
		if errors.Is(err, verdict) {
			return true
		}
	}
	return false
}

// fit returns how many messages go into one request; at least one, and the broker says if that is too big.
func fit(batch []kafka.Message) int {
	bytes := 0
	for i, m := range batch {
		bytes += len(m.Key) + len(m.Value) + recordOverhead
		for _, h := range m.Headers {
			bytes += len(h.Key) + len(h.Value) + headerOverhead
		}
		if bytes > produceBytes && i > 0 {
			return i
		}
	}
	return len(batch)
}

// records is what kafka-go reads messages from when it sends them.
type records struct {
	messages []kafka.Message
	current  kafka.Record
}

// ReadRecord returns the next message, valid until the next call, or io.EOF.
func (r *records) ReadRecord() (*kafka.Record, error) {
	if len(r.messages) == 0 {
		return nil, io.EOF
	}
	m := r.messages[0]
	r.messages = r.messages[1:]
	r.current = kafka.Record{Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Headers: m.Headers, Time: m.Time}
	return &r.current, nil
}
