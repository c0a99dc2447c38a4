package kafkabus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

const (
	defaultInFlight = 64

	saveEvery   = 200 * time.Millisecond
	saveTimeout = 5 * time.Second

	heartbeat        = 500 * time.Millisecond // a rebalance is noticed within one
	sessionTimeout   = 10 * time.Second       // so long nobody reads the partitions of a process that was killed
	rebalanceTimeout = 15 * time.Second
	joinPause        = 500 * time.Millisecond
	groupTimeout     = 5 * time.Second
	leaveTimeout     = 5 * time.Second
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
	// InFlight is the most unfinished messages per partition; 64 if zero.
	InFlight int
	// NackWait is the longest pause before a refused message is delivered again; the first is 20 ms, and each is twice
	// the one before. 10 s if zero.
	NackWait time.Duration
	// OnError is told when a partition stands still, and why: [MissingError], [HeaderError] or [TruncatedError]. It
	// is told again, less and less often, as long as it does.
	OnError func(error)
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
		o.NackWait = nackMost
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
	group, err := kafka.NewConsumerGroup(s.group(topic))
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", topic, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	sub := &subscription{
		cfg: s.cfg, options: s.options, topic: topic, messages: ctx, out: make(chan *message.Message),
		log:     s.options.Log.With(zap.String("topic", topic), zap.String("consumer", s.options.Group)),
		metrics: newConsumerMetrics(s.options.Registerer, s.options.Group, topic),
	}
	s.subscriptions.Go(func() {
		defer cancel()
		sub.run(ctx, group)
	})
	s.subscriptions.Go(func() {
		select {
		case <-s.close:
			cancel()
		case <-ctx.Done():
		}
	})
	return sub.out, nil
}

func (s *Subscriber) group(topic string) kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{
		ID: s.options.Group + "." + topic, Brokers: s.cfg.Brokers, Dialer: s.cfg.Dialer, Topics: []string{topic},
		StartOffset: kafka.FirstOffset, WatchPartitionChanges: true, JoinGroupBackoff: joinPause, Timeout: groupTimeout,
		HeartbeatInterval: heartbeat, SessionTimeout: sessionTimeout, RebalanceTimeout: rebalanceTimeout,
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

// subscription is one topic as one member of its group.
type subscription struct {
	cfg      Config
	options  SubscriberOptions
	topic    string
	messages context.Context //nolint:containedctx // what the contexts of messages are made from
	out      chan *message.Message
	log      *zap.Logger
	metrics  *consumerMetrics
}

// run takes part in one generation of the group after the other.
func (s *subscription) run(ctx context.Context, group *kafka.ConsumerGroup) {
	var closing sync.WaitGroup
	for {
		generation, err := group.Next(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			s.metrics.errors.WithLabelValues("group").Inc()
			s.log.Warn("group cannot be joined, trying again", zap.Error(err))
			continue // the group itself pauses
		}
		over := make(chan struct{})
		generation.Start(func(ctx context.Context) {
			defer close(over)
			s.work(ctx, generation)
		})
		select {
		case <-over:
		case <-ctx.Done():
			closing.Go(func() { _ = group.Close() }) // ends the generation
			<-over
		}
	}
	close(s.out)
	leave(group)
	closing.Wait()
}

// leave ends the membership. It first waits until a join under way is through: closed in the middle of one, kafka-go
// goes without a word to the broker, and the others wait for its session to time out.
func leave(group *kafka.ConsumerGroup) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	for {
		_, err := group.Next(ctx)
		if !errors.Is(err, kafka.RebalanceInProgress) {
			break
		}
	}
	_ = group.Close() // it is always nil
}

// work delivers the partitions of a generation until it is over. It returns only then: when it does, the group goes on
// to the next generation.
func (s *subscription) work(ctx context.Context, generation *kafka.Generation) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	hint := committed{generation}
	keep := keeper(hint)
	if s.options.Positions != nil {
		keep = s.options.Positions
	}
	partitions := make([]int, 0, len(generation.Assignments[s.topic]))
	for _, a := range generation.Assignments[s.topic] {
		partitions = append(partitions, a.ID)
	}
	from, err := s.load(ctx, keep, partitions)
	if err != nil {
		return
	}
	book := &ledger{changed: map[int]Progress{}}
	var deliveries sync.WaitGroup
	for _, p := range partitions {
		d := s.delivery(p, from, keep, book)
		deliveries.Go(func() { d.run(ctx) })
	}
	for s.save(ctx, book, keep, hint) && wait(ctx, saveEvery) == nil {
	}
	stop()
	deliveries.Wait()
	s.save(context.WithoutCancel(ctx), book, keep, hint)
}

// load asks for the progress until it is known: without it nothing can be read.
func (s *subscription) load(ctx context.Context, k keeper, partitions []int) (map[int]Progress, error) {
	pause := backoff{first: retryFirst, most: retryMost}
	for {
		from, err := k.load(ctx, s.topic, partitions)
		if err == nil {
			return from, nil
		}
		s.metrics.errors.WithLabelValues("progress").Inc()
		s.log.Warn("progress cannot be loaded, trying again", zap.Error(err))
		if err := pause.wait(ctx); err != nil {
			return nil, err
		}
	}
}

func (s *subscription) delivery(partition int, from map[int]Progress, k keeper, book *ledger) *delivery {
	chained := s.options.Positions != nil && !s.options.Foreign
	at, known := from[partition]
	if !known && !chained {
		at.Offset = kafka.FirstOffset
	}
	return &delivery{
		tail: &tail{
			client: s.cfg.client(), topic: s.topic, partition: partition, chained: chained, at: at,
			log: s.log, metrics: s.metrics,
		},
		window: newWindow(at), inFlight: s.options.InFlight, nackWait: s.options.NackWait,
		keeper: k, out: s.out, messages: s.messages, onError: s.options.OnError, moved: book.note,
	}
}

// save saves what has changed, and tells whether this member still belongs to its generation. Kafka is told too, for
// tools that show the lag.
func (s *subscription) save(ctx context.Context, book *ledger, keep keeper, hint committed) bool {
	changed := book.take()
	if len(changed) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	if s.options.Positions != nil {
		if err := keep.save(ctx, s.topic, changed); err != nil {
			s.metrics.errors.WithLabelValues("progress").Inc()
			s.log.Warn("progress cannot be saved, trying again", zap.Error(err))
			book.putBack(changed)
			return true
		}
	}
	if err := hint.save(ctx, s.topic, changed); err != nil {
		s.metrics.errors.WithLabelValues("progress").Inc()
		s.log.Debug("generation is over", zap.Error(err))
		return false
	}
	return true
}

// ledger collects progress until it is saved.
type ledger struct {
	mu      sync.Mutex
	changed map[int]Progress
}

func (l *ledger) note(partition int, at Progress) {
	if at.Offset < 0 {
		return // nothing has been read yet
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed[partition] = at
}

func (l *ledger) take() map[int]Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed := l.changed
	l.changed = map[int]Progress{}
	return changed
}

// putBack keeps what was not saved, unless there is something newer by now.
func (l *ledger) putBack(old map[int]Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(old, l.changed)
	l.changed = old
}

// newMessage makes a Watermill message of a record. Its context ends when done is called.
func newMessage(ctx context.Context, r record) (m *message.Message, done context.CancelFunc) {
	m = message.NewMessage("", r.Value)
	for _, h := range r.Headers {
		switch h.Key {
		case headerUUID:
			m.UUID = string(h.Value)
		case headerID:
			m.UUID = string(h.Value)
			fallthrough
		default:
			m.Metadata[h.Key] = string(h.Value)
		}
	}
	if m.UUID == "" {
		m.UUID = watermill.NewUUID()
	}
	m.Metadata[KeyMetadata] = string(r.Key)
	place := Place{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
	ctx, done = context.WithCancel(context.WithValue(ctx, placeKey{}, place))
	m.SetContext(ctx)
	return m, done
}
