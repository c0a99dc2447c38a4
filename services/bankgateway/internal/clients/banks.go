// Package clients holds the gateway's ways out: to the topics of the banks, and to the accounts service, which knows the
// person behind a reference. Each bank stands behind a circuit breaker of its own.
package clients

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/kafkabus/grants"
)

const (
	// partitions of a bank's topics are fixed for ever: another number would send an id to another partition.
	partitions = 6
	// bankOpenFor is how long nothing is tried after a bank's topic refused again and again.
	bankOpenFor = 2 * time.Second
	// publishTimeout bounds one batch of messages.
	publishTimeout = 20 * time.Second
)

// Access says what is done about a bank's access to Kafka.
type Access struct {
	// Grant gives the bank's user its rights. Without it they are somebody else's business.
	Grant bool
	// Password lets the bank's user in; empty when somebody else makes the user.
	Password    string
	Replication int
	// Retention is how long the bank's topics keep their records, which hold names and account numbers; 0 leaves it as it is.
	Retention time.Duration
}

// Ensure makes the topics of a bank, then its rights, and lets it in at last. Kafka's clients differ in what becomes of a group
// that is joined before its topic is there, and some read nothing for ever; and others end for good when they are let in and may
// not read yet. The bank may read its instructions, with consumer groups of its own, and write its reports, and nothing else.
func Ensure(ctx context.Context, bus kafkabus.Config, t bank.Topics, a Access) error {
	for _, topic := range []string{t.Instructions(), t.Reports()} {
		if err := kafkabus.EnsureTopic(ctx, bus, topic, partitions, a.Replication); err != nil {
			return fmt.Errorf("topics of bank %s: %w", t.BIC, err)
		}
		if a.Retention == 0 {
			continue
		}
		if err := kafkabus.KeepFor(ctx, bus, topic, a.Retention); err != nil {
			return fmt.Errorf("topics of bank %s: %w", t.BIC, err)
		}
	}
	if a.Grant {
		err := grants.Allow(ctx, bus, t.User(),
			grants.MayRead(t.Instructions()), grants.MayWrite(t.Reports()), grants.MayJoin(t.Groups()))
		if err != nil {
			return fmt.Errorf("rights of bank %s: %w", t.BIC, err)
		}
	}
	if a.Password == "" {
		return nil
	}
	if err := grants.EnsureUser(ctx, bus, t.User(), a.Password); err != nil {
		return fmt.Errorf("user of bank %s: %w", t.BIC, err)
	}
	return nil
}

// Bank is the way to one bank.
type Bank struct {
	BIC string

	topic     string
	publisher *kafkabus.Publisher
	breaker   *breaker.Breaker
}

// NewBank returns the way to a bank whose topics are there.
func NewBank(bus kafkabus.Config, t bank.Topics, metrics prometheus.Registerer) (*Bank, error) {
	b, err := breaker.New("bank_"+t.BIC, breaker.Settings{OpenFor: bankOpenFor, Registerer: metrics})
	if err != nil {
		return nil, fmt.Errorf("breaker around bank %s: %w", t.BIC, err)
	}
	return &Bank{
		BIC: t.BIC, topic: t.Instructions(), breaker: b, publisher: kafkabus.NewPublisher(bus, kafkabus.PublisherOptions{}),
	}, nil
}

// Publish returns nil once the topic has all messages durably. Every error means that the topic is away for now; some of
// the messages may be there then.
func (b *Bank) Publish(ctx context.Context, messages ...*message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	_, err := breaker.Do(ctx, b.breaker, func(ctx context.Context) (struct{}, error) {
		for _, m := range messages {
			m.SetContext(ctx)
		}
		err := b.publisher.Publish(b.topic, messages...) //nolint:contextcheck // the messages carry it, as Watermill wants it
		if err != nil && !errors.Is(err, context.Canceled) {
			err = breaker.Down(err)
		}
		return struct{}{}, err
	})
	if err != nil {
		return fmt.Errorf("publish to bank %s: %w", b.BIC, err)
	}
	return nil
}

// State is that of the breaker: closed, half-open or open.
func (b *Bank) State() string { return b.breaker.State() }

// Close waits for what is being published.
func (b *Bank) Close() error {
	if err := b.publisher.Close(); err != nil {
		return fmt.Errorf("close bank %s: %w", b.BIC, err)
	}
	return nil
}
