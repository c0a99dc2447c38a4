// Package consume hands the records of partitions to Watermill as single messages: those of the partitions that a consumer group
// deals out, or of the one that a service's own log is.
//
//  1. A [Source] is where the records of one partition come from: a [tail.Reader], or a log.
//  2. A window decides which records may run: the first unfinished one of each key; and how far all are finished.
//  3. A delivery runs the records of one partition, each until it is acknowledged.
//  4. Who has a partition is settled by Kafka or by PostgreSQL: a [Member] delivers those that its group gives it, and
//     [Alone] a source outside Kafka, as long as it holds a lock. Both keep the progress.
package consume

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

// Consumer is what deliveries of a topic have in common, wherever its records come from.
type Consumer struct {
	Topic string
	// Positions keep the progress; if nil, the consumer group does.
	Positions *Positions
	// InFlight is the most unfinished messages per partition, NackWait the longest pause after a refusal.
	InFlight int
	NackWait time.Duration
	// Wanted tells which records become messages; the others are passed over. nil: all of them.
	Wanted func(tail.Record) bool
	// Message makes a message of a record, whose context may end when done is called.
	Message func(ctx context.Context, r kafka.Message) (m *message.Message, done context.CancelFunc)
	// Out takes the messages. It is closed when reading has ended for good.
	Out chan *message.Message
	// OnError is told why a partition stands still.
	OnError func(error)
	Log     *zap.Logger
	Metrics *tail.Metrics
}

// Source is where the records of one partition come from: Kafka, or a service's own log. It belongs to one goroutine.
type Source interface {
	// Read returns the next records; there are none when reading has only moved on, or nothing came for a while. It waits
	// while the source is away. Its error is final: the context has ended, or the next record must not be passed.
	Read(ctx context.Context) ([]tail.Record, error)
	// Stands is how far reading has come.
	Stands() tail.Progress
	// GoOn reads on from another place.
	GoOn(from tail.Progress)
}

// delivery hands out the records of one partition.
func (c *Consumer) delivery(partition int, source Source, book *ledger) *delivery {
	return &delivery{
		Consumer: c, partition: partition, source: source, keeper: book.keeper, moved: book.note,
		window: newWindow(source.Stands()), verdicts: make(chan verdict),
	}
}

// book begins to note progress.
func (c *Consumer) book(k keeper) *ledger {
	return &ledger{
		keeper: k, wait: pause.Retry(),
		changed: map[int]tail.Progress{}, untold: map[int]tail.Progress{},
	}
}

// load asks for the progress until it is known: without it nothing can be read.
func (c *Consumer) load(ctx context.Context, k keeper, partitions []int) (map[int]tail.Progress, error) {
	wait := pause.Retry()
	for {
		from, err := k.load(ctx, c.Topic, partitions)
		if err == nil {
			return from, nil
		}
		if err := c.retry(ctx, &wait, "progress", "progress cannot be loaded, trying again", err); err != nil {
			return nil, err
		}
	}
}

// keep saves what has changed, and returns what it saved; nothing if that failed, in which case it comes again.
func (c *Consumer) keep(ctx context.Context, book *ledger) map[int]tail.Progress {
	changed := book.take()
	if len(changed) == 0 || c.Positions == nil {
		return changed
	}
	if err := book.keeper.save(ctx, c.Topic, changed); err != nil {
		book.putBack(changed)
		_ = c.retry(ctx, &book.wait, "progress", "progress cannot be saved, trying again", err)
		return nil
	}
	book.wait.Success()
	return changed
}

// retry counts a failure, logs it if it is not the same as ever, and waits. Its error is that of a context that ends.
func (c *Consumer) retry(ctx context.Context, wait *pause.Backoff, kind, what string, err error) error {
	c.Metrics.Errors.WithLabelValues(kind).Inc()
	if wait.Loud() {
		c.Log.Warn(what, zap.Error(err))
	}
	return wait.Wait(ctx)
}
