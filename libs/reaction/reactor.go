package reaction

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
	"github.com/songan-vn/songan/libs/telemetry"
)

const (
	defaultAttempts = 5
	defaultTimeout  = 30 * time.Second

	// firstPause and longestPause bound the wait between two attempts, which doubles.
	firstPause   = 100 * time.Millisecond
	longestPause = 3 * time.Second
	// grace is how long a handler may go on once a shutdown has begun. The subscriber waits a little longer.
	grace = 4 * time.Second
	// closeTimeout bounds how long the router waits for handlers.
	closeTimeout = 10 * time.Second
	// countInterval is how often the open items of the quarantine are counted for the metric.
	countInterval = 15 * time.Second
)

// Deps are what a [Reactor] stands on. Pool, Bus, Topics, Catalog and Now are required.
type Deps struct {
	// Pool is the database of the service, with the tables of quarantine.Migrate and of kafkabus.Migrate.
	Pool *pgxpool.Pool
	Bus  kafkabus.Config
	// Catalog knows every fact that is handled. A fact that it does not know passes by like all unhandled ones.
	Catalog events.Catalog
	// Topics are read in full.
	Topics []string
	Now    func() time.Time

	// Own is the service's log, if kafkabus.OwnLog is one of the topics.
	Own *eventstore.Store
	// Foreign says that the topics are written by others, and how to read them; nil for facts of our services.
	Foreign *Foreign
	// Attempts is how often a fact is tried before it is quarantined; 5 if zero. FirstPause is the wait after the
	// first attempt, 100 ms if zero; it doubles.
	Attempts   int
	FirstPause time.Duration
	// Timeout is the time for one attempt; 30 s if zero.
	Timeout time.Duration
	// InFlight is the most facts of a partition that are handled at the same time; see kafkabus.
	InFlight int
	// Down says which errors, besides those of databases, networks, breakers and overload, mean that a dependency
	// is away. May be nil.
	Down func(error) bool
	// Log, Registerer and Tracer may be nil.
	Log        *zap.Logger
	Registerer prometheus.Registerer
	Tracer     trace.TracerProvider
	// Pace says when to give way to commands; nil if never.
	Pace *pace.Pace
}

// Reactor is a consumer: a set of handlers with one progress and one name.
type Reactor struct {
	name       string
	deps       Deps
	handlers   map[string]Handler
	wanted     map[string]bool
	quarantine *quarantine.Store
	patience   patience
	metrics    metrics
	log        *zap.Logger
	tracer     trace.Tracer
}

// New returns a consumer. Its name, such as "identity.checks", is what its progress and its quarantine are kept
// under: another name begins again with the first fact.
func New(name string, deps Deps, handlers ...Handler) (*Reactor, error) {
	if name == "" || deps.Pool == nil || deps.Now == nil || len(deps.Topics) == 0 || len(handlers) == 0 {
		return nil, errors.New("new reactor: it needs a name, a pool, topics, a clock and handlers")
	}
	deps = deps.withDefaults()
	r := &Reactor{
		name: name, deps: deps, handlers: map[string]Handler{}, quarantine: quarantine.New(deps.Pool, deps.Now),
		metrics: newMetrics(deps.Registerer, name), log: deps.Log.With(zap.String("consumer", name)),
		tracer: deps.Tracer.Tracer("songan/reaction"),
	}
	for _, h := range handlers {
		if _, taken := r.handlers[h.event]; taken {
			return nil, fmt.Errorf("new reactor %s: %s is handled twice", name, h.event)
		}
		if !deps.Catalog.Knows(h.event) {
			return nil, fmt.Errorf("new reactor %s: %s is not in the catalog", name, h.event)
		}
		r.handlers[h.event] = h
	}
	r.wanted = deps.Catalog.Stored(func(name string) bool { _, handled := r.handlers[name]; return handled })
	return r, nil
}

func (d Deps) withDefaults() Deps {
	if d.Attempts <= 0 {
		d.Attempts = defaultAttempts
	}
	if d.FirstPause <= 0 {
		d.FirstPause = firstPause
	}
	if d.Timeout <= 0 {
		d.Timeout = defaultTimeout
	}
	if d.Down == nil {
		d.Down = func(error) bool { return false }
	}
	if d.Log == nil {
		d.Log = zap.NewNop()
	}
	if d.Pace == nil {
		d.Pace = pace.New(d.Now, nil)
	}
	if d.Tracer == nil {
		d.Tracer = noop.NewTracerProvider()
	}
	return d
}

// Name is the consumer's name.
func (r *Reactor) Name() string { return r.name }

// Run handles facts until ctx ends, and then returns nil once the handlers that were running have ended. It waits for
// Kafka and the database as long as they are away. Several processes may run the same consumer: they share the work.
func (r *Reactor) Run(ctx context.Context) error {
	pause := firstPause
	for {
		began := time.Now()
		err := r.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > longestPause {
			pause = firstPause
		}
		r.log.Error("reactions stopped and start again", zap.Error(err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
			pause = min(2*pause, longestPause)
		}
	}
}

// session is the life of one router.
func (r *Reactor) session(ctx context.Context) (err error) {
	log := quiet{telemetry.Watermill(r.log)}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, log)
	if err != nil {
		return fmt.Errorf("make router: %w", err)
	}
	options := kafkabus.SubscriberOptions{
		Group: r.name, Positions: kafkabus.NewPositions(r.deps.Pool, r.name), InFlight: r.deps.InFlight, Lasting: true,
		Own: r.deps.Own, Foreign: r.deps.Foreign != nil, Log: r.deps.Log, Registerer: r.deps.Registerer,
	}
	if r.deps.Foreign == nil {
		options.Wanted = r.wants
	}
	subscriber, err := kafkabus.NewSubscriber(r.deps.Bus, options)
	if err != nil {
		return fmt.Errorf("make subscriber: %w", err)
	}
	// The first is the outermost. Quarantine sees what is left after all attempts; an attempt has its own time, and
	// its panic is an error before anything else sees it.
	workers := newWorkers()
	defer workers.end()
	router.AddMiddleware(r.giveWay, workers.handle, r.observe, r.park, r.retry, r.limit, r.recover)
	for _, topic := range r.deps.Topics {
		router.AddConsumerHandler(r.name+"/"+topic, topic, subscriber, r.dispatch)
	}
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer subscriber.Close()
		if err := router.Run(inner); err != nil {
			return fmt.Errorf("run router: %w", err)
		}
		return errEnded
	})
	group.Go(func() error { return r.count(inner) })
	return group.Wait()
}

// quiet leaves out the router's line about a handler's error: observe has written it.
type quiet struct{ watermill.LoggerAdapter }

// Error drops one message of the router and hands on all others.
func (q quiet) Error(message string, err error, fields watermill.LogFields) {
	if message != "Handler returned error" {
		q.LoggerAdapter.Error(message, err, fields)
	}
}

// With keeps the adapter quiet.
func (q quiet) With(fields watermill.LogFields) watermill.LoggerAdapter {
	return quiet{q.LoggerAdapter.With(fields)}
}

var errEnded = errors.New("the router ended")

// count keeps the metric of open items true, whoever opens and closes them.
func (r *Reactor) count(ctx context.Context) error {
	ticker := time.NewTicker(countInterval)
	defer ticker.Stop()
	for {
		open, err := r.quarantine.Open(ctx, r.name)
		if err == nil {
			r.metrics.quarantined.Set(float64(open))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// dispatch decodes a fact and hands it to its handler.
func (r *Reactor) dispatch(m *message.Message) error {
	if r.deps.Foreign != nil {
		return r.deps.Foreign.dispatch(r, m)
	}
	received, err := kafkabus.FromMessage(r.deps.Catalog, m)
	if err != nil {
		return &undecodableError{err}
	}
	return r.handle(m.Context(), received.Recorded)
}

func (r *Reactor) handle(ctx context.Context, fact events.Recorded) error {
	h, ok := r.handlers[fact.Event.EventName()]
	if !ok {
		return nil
	}
	return h.handle(ctx, fact)
}
