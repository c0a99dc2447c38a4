package kafkabus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus/internal/consume"
	"github.com/songan-vn/songan/libs/kafkabus/internal/envelope"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

const (
	defaultInFlight = 64
	defaultNackWait = 10 * time.Second
)

// ErrClosed is what a closed [Subscriber] or [Publisher] answers.
var ErrClosed = errors.New("kafkabus: closed")

// SubscriberOptions say who consumes and how. Group is required.
type SubscriberOptions struct {
	// Group is the name of the consumer, such as "identity.checks". Its Kafka group is Group + "." + topic, so that
	// topics do not rebalance each other. Processes with one Group share the partitions.
	Group string
	// Positions keep the progress in PostgreSQL, and the chain of sequences is checked against them. Without them
	// progress is Kafka's committed offsets, and nothing is checked.
	Positions *Positions
	// Foreign is said of topics that others write, such as a bank: their records carry no sequence.
	Foreign bool
	// Wanted tells by its type whether a fact is to be delivered; the others are passed over and cost next to nothing. A
	// record without a type is delivered, for who handles it to say what is wrong. nil: all are.
	Wanted func(typ string) bool
	// Own is the service's log, for who subscribes to [OwnLog], with Positions.
	Own *eventstore.Store
	// InFlight is the most unfinished messages per partition; 64 if zero.
	InFlight int
	// NackWait is the longest pause before a refused message is delivered again; the first is 20 ms, and each is twice
	// the one before. 10 s if zero.
	NackWait time.Duration
	// OnError is told when a partition stands still, and why: [MissingError], [HeaderError], [TruncatedError] or, of the
	// own log, [LostError]. It is told again, less and less often, as long as it does.
	OnError func(error)
	// Lasting keeps the context of a message from ending when it is acknowledged. Those of a partition then end together, which is
	// for who gives each attempt a context of its own.
	Lasting bool
	// Log hears of Kafka or the database being away, and of partitions that stand still.
	Log *zap.Logger
	// Registerer counts; nil counts nothing.
	Registerer prometheus.Registerer
}

func (o SubscriberOptions) withDefaults() SubscriberOptions {
	if o.InFlight <= 0 {
		o.InFlight = defaultInFlight
	}
	if o.NackWait <= 0 {
		o.NackWait = defaultNackWait
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return o
}

// Subscriber is a Watermill subscriber. Messages of one key come one after the other, those of different keys at the
// same time. A refused one comes again, as a new message, after a growing pause, and holds up its key alone.
type Subscriber struct {
	cfg     Config
	options SubscriberOptions

	// mu guards closed and, with it, that nothing starts after Close.
	mu            sync.Mutex
	closed        bool
	close         chan struct{}
	subscriptions sync.WaitGroup
}

var _ message.Subscriber = (*Subscriber)(nil)

// NewSubscriber returns a subscriber that does nothing before [Subscriber.Subscribe].
func NewSubscriber(cfg Config, o SubscriberOptions) (*Subscriber, error) {
	if o.Group == "" {
		return nil, errors.New("new subscriber: it needs a group")
	}
	return &Subscriber{cfg: cfg, options: o.withDefaults(), close: make(chan struct{})}, nil
}

// Subscribe starts reading a topic and returns the channel of its messages, which is closed after ctx ends or after
// Close. Kafka need not be there yet. The contexts of messages end with ctx; a handler should then finish, and has
// five seconds for it.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("subscribe to %s: %w", topic, ErrClosed)
	}
	run, out, err := s.reader(topic)
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", topic, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	s.subscriptions.Go(func() {
		defer cancel()
		run(ctx)
	})
	s.subscriptions.Go(func() {
		select {
		case <-s.close:
			cancel()
		case <-ctx.Done():
		}
	})
	return out, nil
}

// reader returns what reads a topic until its context ends, and the channel that it closes then.
func (s *Subscriber) reader(topic string) (run func(context.Context), out <-chan *message.Message, err error) {
	c := s.consumer(topic)
	if topic == OwnLog {
		if s.options.Own == nil || s.options.Positions == nil {
			return nil, nil, errors.New("the log and positions have to be given")
		}
		c.Wanted = nil // it looks at types before it makes records
		alone := &consume.Alone{
			Consumer: c, Lock: "own-log/" + s.options.Group,
			Source: func(from tail.Progress) consume.Source {
				return &ownLog{store: s.options.Own, wanted: s.options.Wanted, at: from}
			},
		}
		return alone.Run, c.Out, nil
	}
	group := s.group(topic)
	if err := group.Validate(); err != nil {
		return nil, nil, fmt.Errorf("group %s: %w", group.ID, err)
	}
	member := &consume.Member{
		Consumer: c, Client: s.cfg.Client(), Group: group, Chained: s.options.Positions != nil && !s.options.Foreign,
	}
	return member.Run, c.Out, nil
}

func (s *Subscriber) consumer(topic string) consume.Consumer {
	return consume.Consumer{
		Topic: topic, Positions: s.options.Positions,
		InFlight: s.options.InFlight, NackWait: s.options.NackWait, Wanted: s.options.wanted(),
		Message: s.options.message, Out: make(chan *message.Message), OnError: s.options.OnError,
		Log:     s.options.Log.With(zap.String("topic", topic), zap.String("consumer", s.options.Group)),
		Metrics: tail.NewMetrics(s.options.Registerer, s.options.Group, topic),
	}
}

// Close ends all subscriptions and waits for them: for messages being handled, for their progress to be saved, and for
// the group to be left. It may be called twice.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.close)
	}
	s.mu.Unlock()
	s.subscriptions.Wait()
	return nil
}

// message makes a Watermill message of a record. Its context ends when done is called, unless it lasts.
func (o SubscriberOptions) message(ctx context.Context, r kafka.Message) (m *message.Message, done context.CancelFunc) {
	m, done = envelope.FromKafka(r), func() {}
	if o.Foreign {
		m.UUID = foreignName(r)
	}
	ctx = envelope.WithPlace(ctx, placeOf(r))
	if !o.Lasting {
		ctx, done = context.WithCancel(ctx)
	}
	m.SetContext(ctx)
	return m, done
}

// wanted looks at the type of a record.
func (o SubscriberOptions) wanted() func(tail.Record) bool {
	if o.Wanted == nil {
		return nil
	}
	return func(r tail.Record) bool {
		typ, found := tail.Header(r.Headers, envelope.HeaderType)
		return !found || o.Wanted(typ)
	}
}

// foreignName names a record of others for good: their ids are not ours to log. Its place alone would not do: in a topic that was
// made anew others stand there.
func foreignName(m kafka.Message) string {
	return fmt.Sprintf("%s@%d", placeOf(m), m.Time.UnixMilli())
}

func placeOf(m kafka.Message) Place {
	return Place{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset}
}
