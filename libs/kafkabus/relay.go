package kafkabus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
)

const (
	relayBatch = 2000 // facts that are read, published and noted down together
	relayAhead = 1    // batches that are ready while one is being published

	publishFirst = 50 * time.Millisecond
	publishMost  = 5 * time.Second
)

// errSetup marks what no waiting will change.
var errSetup = errors.New("relay is set up wrongly")

// RelayOptions say where a [Relay] publishes to. Topic and Partitions are required.
type RelayOptions struct {
	Topic string
	// Partitions is how many partitions the topic has. It can never change: streams would change partition.
	Partitions int
	// Batch is the most facts that are published at once; 2,000 if zero.
	Batch int
	// Log hears of Kafka or the database being away, and of the lead.
	Log *zap.Logger
	// Registerer counts; nil counts nothing.
	Registerer prometheus.Registerer
	// Now is the clock that the delay is measured with; time.Now if nil.
	Now func() time.Time
}

// Relay publishes the log of a service, in order, and skips nothing but private facts. Of several relays of one topic
// one works and the others wait; see [Relay.Run].
type Relay struct {
	store   *eventstore.Store
	pool    *pgxpool.Pool
	client  *kafka.Client
	cfg     Config
	options RelayOptions
	balance partitioner
	metrics *relayMetrics
}

// NewRelay prepares publishing a log. The pool is of the same database; it gives up one connection for as long as the
// relay runs, which has to be a session of its own, without a transaction pooler in between.
func NewRelay(store *eventstore.Store, pool *pgxpool.Pool, cfg Config, o RelayOptions) *Relay {
	if o.Batch <= 0 {
		o.Batch = relayBatch
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = o.Log.With(zap.String("topic", o.Topic))
	return &Relay{
		store: store, pool: pool, client: cfg.client(), cfg: cfg, options: o,
		balance: newPartitioner(o.Partitions), metrics: newRelayMetrics(o.Registerer, o.Topic),
	}
}

// Run waits for the lead, goes on from the checkpoint, and publishes until ctx ends, when it returns nil. It waits as
// long as Kafka or the database is away. It returns an error only if the topic or the checkpoint has another number of
// partitions than the options say.
//
// Only the relay that holds a lock in the database publishes, and with its connection it loses the lead. One that has
// not noticed yet may still send facts, but only the same ones with the same chain, which consumers drop.
func (r *Relay) Run(ctx context.Context) error {
	pause := backoff{first: publishFirst, most: publishMost}
	for {
		err := r.lead(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errSetup) {
			return err
		}
		r.metrics.errors.Inc()
		r.options.Log.Warn("relay starts again from its checkpoint", zap.Error(err))
		if pause.wait(ctx) != nil {
			return nil
		}
	}
}

// lead publishes for as long as this relay is the one that does.
func (r *Relay) lead(ctx context.Context) error {
	held, err := takeLead(ctx, r.pool, r.options.Topic)
	if err != nil {
		return err
	}
	defer held.release()
	if err := r.check(ctx); err != nil {
		return err
	}
	from, err := held.load(ctx, r.options.Partitions)
	if err != nil {
		return err
	}
	r.options.Log.Info("relay leads", zap.Int64("after", from.position))
	r.metrics.lead.Set(1)
	defer r.metrics.lead.Set(0)

	group, ctx := errgroup.WithContext(ctx)
	ready := make(chan outgoing, relayAhead)
	group.Go(func() error { defer close(ready); return r.read(ctx, from, ready) })
	group.Go(func() error { return r.publish(ctx, held, ready) })
	group.Go(func() error { return held.keep(ctx) })
	return group.Wait()
}

// check compares the topic with the options.
func (r *Relay) check(ctx context.Context) error {
	partitions, err := partitionsOf(ctx, r.cfg, r.options.Topic)
	if err != nil {
		return err
	}
	if partitions != r.options.Partitions {
		return fmt.Errorf("%w: topic %s has %d partitions instead of %d",
			errSetup, r.options.Topic, partitions, r.options.Partitions)
	}
	return nil
}

// outgoing is a batch of the log, ready to be sent.
type outgoing struct {
	messages batches
	count    int
	newest   time.Time
	// before is the position of the checkpoint to move, after is what it becomes.
	before int64
	after  checkpoint
}

// read follows the log and makes it ready, at most relayAhead batches ahead of what is being published.
func (r *Relay) read(ctx context.Context, from checkpoint, ready chan<- outgoing) error {
	at := from
	err := r.store.Follow(ctx, from.position, r.options.Batch, func(ctx context.Context, facts []events.Recorded) error {
		out, err := r.prepare(at, facts)
		if err != nil {
			return err
		}
		at = out.after
		select {
		case ready <- out:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return fmt.Errorf("follow the log: %w", err)
	}
	return ctx.Err()
}

// prepare makes messages of facts. What it makes depends on nothing but the facts and where the relay stands.
func (r *Relay) prepare(at checkpoint, facts []events.Recorded) (outgoing, error) {
	out := outgoing{messages: batches{}, before: at.position}
	out.after = checkpoint{position: at.position, previous: slices.Clone(at.previous)}
	for _, fact := range facts {
		out.after.position = fact.Position
		if _, private := fact.Event.(events.Private); private {
			continue
		}
		partition := r.balance.of([]byte(fact.Stream))
		m, err := Encode(fact, out.after.previous[partition])
		if err != nil {
			return outgoing{}, err
		}
		out.messages[partition] = append(out.messages[partition], m)
		out.after.previous[partition] = fact.Position
		out.count++
		out.newest = fact.RecordedAt
	}
	return out, nil
}

// publish sends batch after batch and moves the checkpoint after each.
func (r *Relay) publish(ctx context.Context, held *lead, ready <-chan outgoing) error {
	for out := range ready {
		if err := r.send(ctx, out.messages); err != nil {
			return err
		}
		if err := held.save(ctx, out.before, out.after); err != nil {
			return err
		}
		r.metrics.published.Add(float64(out.count))
		if out.count > 0 {
			r.metrics.delay.Set(r.options.Now().Sub(out.newest).Seconds())
		}
		if head, err := r.store.Head(ctx); err == nil {
			r.metrics.lag.Set(float64(head - out.after.position))
		}
	}
	return ctx.Err()
}

// send does not give up before ctx ends: it sends the same messages again until Kafka has taken them. A request under
// way is not broken off, so that a relay that is stopped in order leaves no repeats behind.
func (r *Relay) send(ctx context.Context, messages batches) error {
	pause := backoff{first: publishFirst, most: publishMost}
	for ctx.Err() == nil {
		rest, err := produceAll(context.WithoutCancel(ctx), r.client, r.options.Topic, messages)
		if err == nil {
			return nil
		}
		r.metrics.errors.Inc()
		r.options.Log.Warn("kafka does not take facts, trying again", zap.Error(err))
		messages = rest
		if err := pause.wait(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}
