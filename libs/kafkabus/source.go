package kafkabus

import (
	"context"
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/events"
)

const sourceBatch = 1000 // facts per call of a projection, unless it asks for another number

// SourceOptions tune a [Source]. The zero value works.
type SourceOptions struct {
	// Consumer is the name under which metrics count this source.
	Consumer string
	// Batch is the most facts that one call hands over; 1,000 if zero.
	Batch int
	// Log hears of Kafka being away.
	Log *zap.Logger
	// Registerer counts what was read; nil counts nothing.
	Registerer prometheus.Registerer
}

// Source hands the facts of a topic to a projection in batches. It belongs to no consumer group and keeps no progress:
// the projection stores it, with what it made of the batch, in one transaction, and sees to it that it runs only once.
type Source struct {
	cfg     Config
	topic   string
	catalog events.Catalog
	options SourceOptions
	metrics *consumerMetrics
}

// NewSource prepares reading a topic whose facts are all in the catalog.
func NewSource(cfg Config, topic string, catalog events.Catalog, o SourceOptions) *Source {
	if o.Batch <= 0 {
		o.Batch = sourceBatch
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	o.Log = o.Log.With(zap.String("topic", topic), zap.String("consumer", o.Consumer))
	return &Source{
		cfg: cfg, topic: topic, catalog: catalog, options: o,
		metrics: newConsumerMetrics(o.Registerer, o.Consumer, topic),
	}
}

// Run reads every partition onwards from its progress, and calls handle, never twice at a time, with facts in the order
// of their partition and with the progress of the partitions that moved. A batch without facts only brings progress.
//
// It returns nil when ctx ends, and waits while Kafka is away. Any other error means that nothing behind it was handed
// over: what handle returned, a [MissingError], a [HeaderError] or a [BodyError]. To go on, load the progress and run
// again.
func (s *Source) Run(
	ctx context.Context, from map[int]Progress,
	handle func(ctx context.Context, batch []Received, progress map[int]Progress) error,
) error {
	partitions, err := s.partitions(ctx)
	if err != nil {
		return ignoreEnd(ctx, err)
	}
	group, running := errgroup.WithContext(ctx)
	parts := make(chan part)
	for p := range partitions {
		s.metrics.halt(p, false)
		group.Go(func() error { return s.read(running, s.tail(p, from[p]), parts) })
	}
	group.Go(func() error { return s.handle(running, parts, handle) })
	return ignoreEnd(ctx, group.Wait())
}

// ignoreEnd forgets an error if the context has ended: it is its consequence.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Ends returns, for each partition, the offset that will be written next. A rebuild whose progress has reached them all
// has caught up with what was there at the time of the call.
func (s *Source) Ends(ctx context.Context) (map[int]int64, error) {
	partitions, err := partitionsOf(ctx, s.cfg, s.topic)
	if err != nil {
		return nil, err
	}
	ends := make(map[int]int64, partitions)
	for p := range partitions {
		end, err := boundary(ctx, s.cfg.client(), Place{Topic: s.topic, Partition: p, Offset: kafka.LastOffset})
		if err != nil {
			return nil, fmt.Errorf("find end of %s partition %d: %w", s.topic, p, err)
		}
		ends[p] = end
	}
	return ends, nil
}

// partitions waits until Kafka says how many there are.
func (s *Source) partitions(ctx context.Context) (int, error) {
	pause := backoff{first: retryFirst, most: retryMost}
	for {
		partitions, err := partitionsOf(ctx, s.cfg, s.topic)
		if err == nil {
			return partitions, nil
		}
		s.metrics.errors.WithLabelValues("kafka").Inc()
		s.options.Log.Warn("kafka cannot be asked for a topic, trying again", zap.Error(err))
		if err := pause.wait(ctx); err != nil {
			return 0, err
		}
	}
}

func (s *Source) tail(partition int, from Progress) *tail {
	return &tail{
		client: s.cfg.client(), topic: s.topic, partition: partition, chained: true, at: from,
		log: s.options.Log, metrics: s.metrics,
	}
}

// part is a piece of one partition: facts, and how far they bring it; or why the partition cannot go on.
type part struct {
	facts     []Received
	partition int
	after     Progress
	err       error
}

// read sends one partition piece by piece. It reads at most one answer ahead.
func (s *Source) read(ctx context.Context, t *tail, parts chan<- part) error {
	told := t.at
	send := func(p part) error {
		p.partition, told = t.partition, p.after
		select {
		case parts <- p:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		records, err := t.read(ctx)
		if err != nil {
			return send(part{err: err}) // handed on, so that what came before is handled first
		}
		for chunk := range slices.Chunk(records, s.options.Batch) {
			facts, err := s.decode(chunk)
			if len(facts) > 0 {
				if err := send(part{facts: facts, after: chunk[len(facts)-1].after}); err != nil {
					return err
				}
			}
			if err != nil {
				return send(part{err: err})
			}
		}
		if t.at.past(told) {
			if err := send(part{after: t.at}); err != nil {
				return err
			}
		}
	}
}

// decode stops at the first record that is no fact of the catalog.
func (s *Source) decode(records []record) ([]Received, error) {
	facts := make([]Received, 0, len(records))
	for _, r := range records {
		fact, err := Decode(s.catalog, r.Message)
		if err != nil {
			return facts, err
		}
		facts = append(facts, fact)
	}
	s.metrics.consumed.Add(float64(len(facts)))
	return facts, nil
}

// handle hands over batch after batch. What was read before a fault is handed over before the fault is returned.
func (s *Source) handle(
	ctx context.Context, parts <-chan part,
	handle func(ctx context.Context, batch []Received, progress map[int]Progress) error,
) error {
	var held part
	for {
		var batch []Received
		progress := map[int]Progress{}
		batch, held = s.gather(ctx, parts, held, progress)
		if len(progress) > 0 {
			if err := handle(ctx, batch, progress); err != nil {
				return fmt.Errorf("handle facts of %s: %w", s.topic, err)
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case held.err != nil:
			s.metrics.halt(held.partition, true)
			return held.err
		}
	}
}

// gather waits for one piece and adds to it what else is ready, up to the size of a batch. It returns the piece that
// did not go in, which is either too big or a fault.
func (s *Source) gather(ctx context.Context, parts <-chan part, held part, progress map[int]Progress) ([]Received, part) {
	batch := held.facts
	if len(batch) > 0 {
		progress[held.partition] = held.after
	} else {
		select {
		case p := <-parts:
			if p.err != nil {
				return nil, p
			}
			batch, progress[p.partition] = p.facts, p.after
		case <-ctx.Done():
			return nil, part{}
		}
	}
	for {
		select {
		case p := <-parts:
			if p.err != nil || len(batch)+len(p.facts) > s.options.Batch {
				return batch, p
			}
			batch = append(batch, p.facts...)
			progress[p.partition] = p.after
		default:
			return batch, part{}
		}
	}
}
