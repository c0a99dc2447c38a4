package kafkabus

import (
	"context"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus/internal/envelope"
	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
	"github.com/songan-vn/songan/libs/kafkabus/internal/produce"
	"github.com/songan-vn/songan/libs/kafkabus/internal/topics"
)

const (
	// KeyMetadata is the metadata entry that holds the key of a message. It is not sent as a header.
	KeyMetadata = envelope.KeyMetadata

	// publishRetries is how often messages are sent again that a broker refused because it does not lead their
	// partition (any more, or yet); it takes six seconds, three times as long as the cluster's layout is remembered.
	publishRetries = 7
)

// PublisherOptions tune a [Publisher]. The zero value works.
type PublisherOptions struct {
	// Key returns the key of a message. Without it, or if it returns "", the key is Metadata[KeyMetadata], or else
	// the UUID.
	Key func(topic string, m *message.Message) string
}

// Publisher is a Watermill publisher for messages that are not facts of the log, such as instructions to a bank. Facts
// go through the [Relay]. When Publish returns nil, all in-sync replicas have the messages; when it fails, some of them
// may have been written, and publishing again writes them again.
type Publisher struct {
	cfg     Config
	options PublisherOptions

	// mu guards closed and, with it, that nothing starts after Close; and the partition counts, which never change.
	mu         sync.Mutex
	closed     bool
	partitions map[string]produce.Partitioner
	publishing sync.WaitGroup
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher returns a publisher to topics that exist.
func NewPublisher(cfg Config, o PublisherOptions) *Publisher {
	return &Publisher{cfg: cfg, options: o, partitions: map[string]produce.Partitioner{}}
}

// Publish writes messages to a topic, those of one key in the given order. It gives up when the context of the first
// message ends.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return fmt.Errorf("publish to %s: %w", topic, ErrClosed)
	}
	p.publishing.Add(1)
	p.mu.Unlock()
	defer p.publishing.Done()
	if len(messages) == 0 {
		return nil
	}
	ctx := messages[0].Context()
	balance, err := p.partitioner(ctx, topic)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	all := produce.Batches{}
	for _, m := range messages {
		message := p.encode(topic, m)
		partition := balance.Of(message.Key)
		all[partition] = append(all[partition], message)
	}
	wait := pause.Retry()
	for {
		all, err = produce.All(ctx, p.cfg.Client(), topic, all)
		if !produce.Refused(err) || wait.Failures() == publishRetries || wait.Wait(ctx) != nil {
			return err
		}
	}
}

// Close waits for messages that are being published. It may be called twice.
func (p *Publisher) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.publishing.Wait()
	return nil
}

func (p *Publisher) partitioner(ctx context.Context, topic string) (produce.Partitioner, error) {
	p.mu.Lock()
	known, ok := p.partitions[topic]
	p.mu.Unlock()
	if ok {
		return known, nil
	}
	n, err := topics.Partitions(ctx, p.cfg.Client(), topic)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partitions[topic] = produce.NewPartitioner(n)
	return p.partitions[topic], nil
}

func (p *Publisher) encode(topic string, m *message.Message) kafka.Message {
	key := ""
	if p.options.Key != nil {
		key = p.options.Key(topic, m)
	}
	return envelope.ToKafka(m, key)
}
