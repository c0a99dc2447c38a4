package kafkabus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus/internal/envelope"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
	"github.com/songan-vn/songan/libs/kafkabus/internal/topics"
)

const sourceBatch = 1000 // facts per call of a projection, unless it asks for another number

// SourceOptions tune a [Source]. The zero value works.
type SourceOptions struct {
	// Consumer is the name under which metrics count this source.
	Consumer string
	// Batch is the most facts that one call hands over; 1,000 if zero.
	Batch int
	// Wanted tells by its type whether a fact is handed over; the others only move the progress. nil: all are. A type that
	// the catalog does not know is an error either way.
	Wanted func(typ string) bool
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
	metrics *tail.Metrics

	mu sync.Mutex
	// searched are the holes before which partitions stand, and when they were last looked for from the first record on.
	searched map[int]search
}

// search is a reading of a whole partition that did not find what is missing after a sequence.
type search struct {
	after int64
	at    time.Time
}

// searchAgain is how long nobody reads a whole partition again for the same hole.
const searchAgain = 10 * time.Minute

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
		metrics:  tail.NewMetrics(o.Registerer, o.Consumer, topic),
		searched: map[int]search{},
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
	partitions, err := tail.Await(ctx, s.cfg.Client(), s.topic, s.metrics, s.options.Log)
	if err != nil {
		return ignoreEnd(ctx, err)
	}
	group, running := errgroup.WithContext(ctx)
	parts := make(chan part)
	for p := range partitions {
		s.metrics.Halt(p, false)
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
	partitions, err := topics.Partitions(ctx, s.cfg.Client(), s.topic)
	if err != nil {
		return nil, err
	}
	ends := make(map[int]int64, partitions)
	for p := range partitions {
		end, err := tail.Boundary(ctx, s.cfg.Client(), Place{Topic: s.topic, Partition: p, Offset: kafka.LastOffset})
		if err != nil {
			return nil, fmt.Errorf("find end of %s partition %d: %w", s.topic, p, err)
		}
		ends[p] = end
	}
	return ends, nil
}

func (s *Source) tail(partition int, from Progress) *tail.Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, found := s.searched[partition]
	return &tail.Reader{
		Client: s.cfg.Client(), Topic: s.topic, Partition: partition, Chained: true, At: from,
		Log: s.options.Log, Metrics: s.metrics,
		Searched: found && last.after == from.Sequence && time.Since(last.at) < searchAgain,
	}
}

// notFound remembers a hole, so that whoever runs again does not read everything again for it.
func (s *Source) notFound(partition int, err error) {
	hole, ok := errors.AsType[*MissingError](err)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.searched[partition]; last.after != hole.After || time.Since(last.at) >= searchAgain {
		s.searched[partition] = search{hole.After, time.Now()}
	}
}

// part is a piece of one partition: facts, and how far they bring it; or why the partition cannot go on.
type part struct {
	facts     []Received
	partition int
	after     Progress
	err       error
}

// read sends one partition piece by piece, at most one answer of Kafka ahead. The last piece says why it stops, so that
// what came before is handled first.
func (s *Source) read(ctx context.Context, t *tail.Reader, parts chan<- part) error {
	told := t.At
	for {
		records, err := t.Read(ctx)
		pieces := s.pieces(records)
		switch n := len(pieces); {
		case err != nil:
			pieces = append(pieces, part{err: err})
		case n > 0:
			told = pieces[n-1].after
		case t.At.Past(told): // over repeats
			told = t.At
			pieces = append(pieces, part{after: told})
		}
		for _, p := range pieces {
			p.partition = t.Partition
			select {
			case parts <- p:
			case <-ctx.Done():
				return ctx.Err()
			}
			if p.err != nil {
				return nil
			}
		}
	}
}

// pieces decodes records into pieces of the size of a batch, up to the first record that is no fact of the catalog.
func (s *Source) pieces(records []tail.Record) (pieces []part) {
	for chunk := range slices.Chunk(records, s.options.Batch) {
		p := part{facts: make([]Received, 0, len(chunk))}
		for _, r := range chunk {
			if s.passes(r) {
				p.after = r.After
				continue
			}
			fact, err := Decode(s.catalog, r.Message)
			if err != nil {
				return append(pieces, p, part{err: err})
			}
			p.facts, p.after = append(p.facts, fact), r.After
		}
		s.metrics.Consumed.Add(float64(len(p.facts)))
		pieces = append(pieces, p)
	}
	return pieces
}

// passes tells whether a record is of a known type that nobody wants.
func (s *Source) passes(r tail.Record) bool {
	if s.options.Wanted == nil {
		return false
	}
	typ, found := tail.Header(r.Headers, envelope.HeaderType)
	return found && s.catalog.Knows(typ) && !s.options.Wanted(typ)
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
			s.metrics.Halt(held.partition, true)
			s.notFound(held.partition, held.err)
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
