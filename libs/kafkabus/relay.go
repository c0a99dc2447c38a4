package kafkabus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus/internal/envelope"
	"github.com/songan-vn/songan/libs/kafkabus/internal/lead"
	"github.com/songan-vn/songan/libs/kafkabus/internal/meter"
	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
	"github.com/songan-vn/songan/libs/kafkabus/internal/produce"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
	"github.com/songan-vn/songan/libs/kafkabus/internal/topics"
)

const (
	relayBatch = 2000 // facts that are read, published and noted down together
	relayAhead = 1    // batches that are ready while one is being published
	lagEvery   = 5 * time.Second
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
	// Stand is called before each batch, with when its first fact was recorded, and may keep it for a while, as [pace.Pace.Stand]
	// does; nil keeps nothing. Its error is ctx's. In a wave, the time counts as work to rest from; see [pace.Pace.Rest].
	Stand func(ctx context.Context, since time.Time) error
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
	balance produce.Partitioner
	metrics *meter.Relay
	// position is that of the checkpoint, head the last one of the log that was seen.
	position, head atomic.Int64
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
		store: store, pool: pool, client: cfg.Client(), cfg: cfg, options: o,
		balance: produce.NewPartitioner(o.Partitions), metrics: meter.NewRelay(o.Registerer, o.Topic),
	}
}

// Run waits for the lead, goes on from the checkpoint, and publishes until ctx ends, when it returns nil. It waits as
// long as Kafka or the database is away. It returns an error only if the set-up is wrong: the topic or the checkpoint has another
// number of partitions than the options say, or a log that was never published meets a topic with facts of another.
//
// Only the relay that holds a lock in the database publishes, and with its connection it loses the lead. One that has
// not noticed yet may still send facts, but only the same ones with the same chain, which consumers drop.
func (r *Relay) Run(ctx context.Context) error {
	wait := pause.Retry()
	for {
		err := r.lead(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errSetup) {
			return err
		}
		r.metrics.Errors.Inc()
		if wait.Loud() {
			r.options.Log.Warn("relay starts again from its checkpoint", zap.Error(err))
		}
		if wait.Wait(ctx) != nil {
			return nil
		}
	}
}

// lead publishes for as long as this relay is the one that does.
func (r *Relay) lead(ctx context.Context) error {
	held, err := lead.Take(ctx, r.pool, r.options.Topic)
	if err != nil {
		return err
	}
	defer held.Release(ctx)
	from, err := r.checkpoint(ctx, held)
	if err != nil {
		return err
	}
	r.options.Log.Info("relay leads", zap.Int64("after", from.Position))
	r.metrics.Lead.Set(1)
	defer r.metrics.Lead.Set(0)
	r.position.Store(from.Position)

	group, ctx := errgroup.WithContext(ctx)
	ready := make(chan outgoing, relayAhead)
	group.Go(func() error { defer close(ready); return r.read(ctx, from, ready) })
	group.Go(func() error { return r.publish(ctx, held, ready) })
	group.Go(func() error { return held.Keep(ctx) })
	group.Go(func() error { return r.measure(ctx) })
	return group.Wait()
}

// checkpoint finds out where to go on, and whether topic and checkpoint are what the options say.
func (r *Relay) checkpoint(ctx context.Context, held *lead.Lead) (lead.Checkpoint, error) {
	topic, want := r.options.Topic, r.options.Partitions
	partitions, err := topics.Partitions(ctx, r.client, topic)
	if err != nil {
		return lead.Checkpoint{}, err
	}
	if partitions != want {
		return lead.Checkpoint{}, fmt.Errorf("%w: topic %s has %d partitions instead of %d", errSetup, topic, partitions, want)
	}
	at, found, err := held.Load(ctx)
	switch {
	case err != nil:
		return at, err
	case !found:
		if err := r.virgin(ctx); err != nil {
			return at, err
		}
		return held.Create(ctx, want)
	case len(at.Previous) != want:
		return at, fmt.Errorf("%w: checkpoint of %s has %d partitions instead of %d", errSetup, topic, len(at.Previous), want)
	}
	return at, nil
}

// virgin makes sure that a log which was never published meets a topic that was never written to: facts of another log
// in it would make consumers take ours for repeats.
func (r *Relay) virgin(ctx context.Context) error {
	for partition := range r.options.Partitions {
		end, err := tail.Boundary(ctx, r.client, Place{Topic: r.options.Topic, Partition: partition, Offset: kafka.LastOffset})
		if err != nil {
			return fmt.Errorf("find end of %s partition %d: %w", r.options.Topic, partition, err)
		}
		if end > 0 {
			return fmt.Errorf("%w: topic %s holds facts of another log, because this one was never published",
				errSetup, r.options.Topic)
		}
	}
	return nil
}

// outgoing is a batch of the log, ready to be sent.
type outgoing struct {
	messages produce.Batches
	count    int
	newest   time.Time
	// before is the position of the checkpoint to move, after is what it becomes.
	before int64
	after  lead.Checkpoint
}

// read follows the log and makes it ready, at most relayAhead batches ahead of what is being published.
func (r *Relay) read(ctx context.Context, from lead.Checkpoint, ready chan<- outgoing) error {
	at := from
	err := r.store.FollowStored(ctx, from.Position, r.options.Batch, func(ctx context.Context, facts []eventstore.Stored) error {
		if err := r.stand(ctx, facts); err != nil {
			return err
		}
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

func (r *Relay) stand(ctx context.Context, facts []eventstore.Stored) error {
	if r.options.Stand == nil {
		return nil
	}
	return r.options.Stand(ctx, facts[0].RecordedAt)
}

// prepare makes messages of facts. What it makes depends on nothing but the facts and where the relay stands.
func (r *Relay) prepare(at lead.Checkpoint, facts []eventstore.Stored) (outgoing, error) {
	out := outgoing{messages: produce.Batches{}, before: at.Position}
	out.after = lead.Checkpoint{Position: at.Position, Previous: slices.Clone(at.Previous)}
	for _, fact := range facts {
		out.after.Position = fact.Position
		partition := r.balance.Of([]byte(fact.Stream))
		m, public, err := r.message(fact, out.after.Previous[partition])
		if err != nil {
			return outgoing{}, err
		}
		if !public {
			continue
		}
		out.messages[partition] = append(out.messages[partition], m)
		out.after.Previous[partition] = fact.Position
		out.count++
		out.newest = fact.RecordedAt
	}
	return out, nil
}

// message makes a message of a fact, unless it is private. It hands the JSON of the log on as it stands; only a fact of an
// old shape is looked into, because others know the newest one alone.
func (r *Relay) message(fact eventstore.Stored, previous int64) (m kafka.Message, public bool, err error) {
	catalog := r.store.Catalog()
	if catalog.Private(fact.Name) {
		return m, false, nil
	}
	if !catalog.Old(fact.Name) {
		return envelope.Wrap(fact, previous), true, nil
	}
	recorded, err := r.store.Decode(fact)
	if err != nil {
		return m, false, err
	}
	if _, private := recorded.Event.(events.Private); private {
		return m, false, nil
	}
	m, err = Encode(recorded, previous)
	return m, true, err
}

// publish sends batch after batch and moves the checkpoint after each.
func (r *Relay) publish(ctx context.Context, held *lead.Lead, ready <-chan outgoing) error {
	for out := range ready {
		if err := r.send(ctx, out.messages); err != nil {
			return err
		}
		if err := held.Save(ctx, out.before, out.after); err != nil {
			return err
		}
		r.position.Store(out.after.Position)
		r.showLag()
		r.metrics.Published.Add(float64(out.count))
		if out.count > 0 {
			r.metrics.Delay.Set(r.options.Now().Sub(out.newest).Seconds())
		}
	}
	return ctx.Err()
}

// send does not give up before ctx ends: it sends the same messages again until Kafka has taken them. A request under
// way is not broken off, so that a relay that is stopped in order leaves no repeats behind.
func (r *Relay) send(ctx context.Context, messages produce.Batches) error {
	wait := pause.Retry()
	for ctx.Err() == nil {
		rest, err := produce.All(context.WithoutCancel(ctx), r.client, r.options.Topic, messages)
		if err == nil {
			return nil
		}
		r.metrics.Errors.Inc()
		if wait.Loud() {
			r.options.Log.Warn("kafka does not take facts, trying again", zap.Error(err))
		}
		messages = rest
		if err := wait.Wait(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r *Relay) showLag() { r.metrics.Lag.Set(float64(max(0, r.head.Load()-r.position.Load()))) }

// measure tells how far the relay is behind, above all while nothing can be published.
func (r *Relay) measure(ctx context.Context) error {
	for {
		if head, err := r.store.Head(ctx); err == nil {
			r.head.Store(head)
			r.showLag()
		}
		if err := pause.For(ctx, lagEvery); err != nil {
			return err
		}
	}
}
