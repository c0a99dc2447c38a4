package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

const (
	relayed = 200_000 // facts that the relay publishes
	atOnce  = 333     // messages per request of the baseline, about what the relay sends to a partition at once
)

// relay measures the way from the log to Kafka, against producing the same messages with nothing around.
func relay(ctx context.Context, l *system) ([]lab.Figure, error) {
	w, err := l.wire(ctx, "bench_relay")
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.fill(ctx, relayed); err != nil {
		return nil, err
	}
	baseline, err := w.produce(ctx)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- w.relay.Run(ctx) }()
	if err := lab.Poll(ctx, func() error { return w.published(ctx) }); err != nil {
		return nil, fmt.Errorf("wait for the relay: %w", err)
	}
	perSecond := relayed / time.Since(began).Seconds()
	stop()
	if err := <-ended; err != nil {
		return nil, err
	}
	return []lab.Figure{
		lab.Rate("relay, log to Kafka, fsynced : bare Client.Produce of the same messages", perSecond, baseline, "facts", 0.25),
	}, nil
}

// published asks Kafka whether all facts are there.
func (w *wire) published(ctx context.Context) error {
	ends, err := w.source.Ends(ctx)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, end := range ends {
		total += end
	}
	if total < relayed {
		return fmt.Errorf("%d of %d facts are published", total, relayed)
	}
	return nil
}

// produce sends the same messages to a topic of its own, one request at a time per partition, all acknowledged.
func (w *wire) produce(ctx context.Context) (perSecond float64, err error) {
	topic := w.topic + "_bare"
	if err := kafkabus.EnsureTopic(ctx, w.bus, topic, topicPartitions, 1); err != nil {
		return 0, fmt.Errorf("make a topic for the baseline: %w", err)
	}
	partitions, err := w.encoded(ctx)
	if err != nil {
		return 0, err
	}
	client := &kafka.Client{Addr: kafka.TCP(w.bus.Brokers...), Transport: w.bus.Transport}
	faults := make([]error, topicPartitions)
	var running sync.WaitGroup
	began := time.Now()
	for partition, messages := range partitions {
		running.Go(func() { faults[partition] = send(ctx, client, topic, partition, messages) })
	}
	running.Wait()
	return relayed / time.Since(began).Seconds(), errors.Join(faults...)
}

// encoded reads the log and encodes it, by partition.
func (w *wire) encoded(ctx context.Context) ([topicPartitions][]kafka.Record, error) {
	var partitions [topicPartitions][]kafka.Record
	balancer := kafka.Murmur2Balancer{}
	after := int64(0)
	for {
		facts, err := w.log.Read(ctx, after, relayed/40)
		if err != nil || len(facts) == 0 {
			return partitions, err
		}
		for _, fact := range facts {
			m, err := kafkabus.Encode(fact, fact.Position-1)
			if err != nil {
				return partitions, err
			}
			p := balancer.Balance(m, 0, 1, 2, 3, 4, 5)
			partitions[p] = append(partitions[p], kafka.Record{
				Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Headers: m.Headers,
			})
		}
		after = facts[len(facts)-1].Position
	}
}

func send(ctx context.Context, client *kafka.Client, topic string, partition int, messages []kafka.Record) error {
	for len(messages) > 0 {
		n := min(atOnce, len(messages))
		answer, err := client.Produce(ctx, &kafka.ProduceRequest{
			Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(messages[:n]...),
		})
		if err == nil {
			err = answer.Error
		}
		if err != nil {
			return fmt.Errorf("produce: %w", err)
		}
		messages = messages[n:]
	}
	return nil
}
