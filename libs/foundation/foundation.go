// Package foundation is what every event-sourced service stands on, opened in the right order and closed in the
// reverse one: database, vault, log, bus, read models, reactions.
//
//  1. A service has one database and two pools in it: one for the log, which must never wait behind a long list, and
//     one for everything else.
//  2. Tables of the libraries are migrated before anything reads them. Several processes may start at once.
//  3. What runs in the background (relay, read models, reactions) is returned by [Foundation.Runners], and nothing
//     runs before that. In a wave of commands it gives way to them; see package pace.
package foundation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn/workday"
	"github.com/songan-vn/songan/libs/witness"
)

const (
	logConns = 8  // appender, loads, wake-ups, relay
	useConns = 16 // lists, read models, reactions
	// partitions is fixed for ever: another number would send a stream to another partition.
	partitions = 6
)

// Options say what a service needs of its foundation.
type Options struct {
	// Service names the topic and the consumers: "accommodation".
	Service string
	// Own holds every fact of the service's log, private ones included; Others those that it reacts to.
	Own, Others events.Catalog
	// HeardLater has the relay stand in a rush (see [pace.Pace.Stand]), so that other services hear of this one's facts after it. It
	// is for a service whose facts nobody needs to get the bulk work done, like the gateway's; disbursement's are what the gateway
	// instructs banks by, and go out at once.
	HeardLater bool
	// Needed tells who cannot be erased yet; nil where nobody depends on it. It is asked once [Open] has returned.
	Needed vault.Needed
}

// Foundation is what [Open] opened.
type Foundation struct {
	// Pool is for lists and read models. The log has connections of its own.
	Pool  *pgxpool.Pool
	Log   *eventstore.Store
	Vault *vault.Vault
	Bus   kafkabus.Config
	// Pace is that of the process: bulk work tells it, and background work gives way.
	Pace *pace.Pace

	options  Options
	deps     service.Deps
	metrics  prometheus.Registerer
	logPool  *pgxpool.Pool
	models   *projection.Runner
	reactors []*reaction.Reactor

	quarantine *quarantine.Store
	// Disclosure says in which form each role sees each field about a person; rules how long they are kept.
	Disclosure privacy.Table
	rules      privacy.Rules
	calendar   *workday.Calendar
	// Witness signs checkpoints of the log, and proves single facts of it.
	Witness *witness.Keeper
	// register signs checkpoints of who read whom.
	register    *witness.Keeper
	checkpoints *kafkabus.Publisher
	ages        []prometheus.Collector
}

// Open connects, migrates and checks everything, and starts nothing but the log's appender.
func Open(ctx context.Context, deps service.Deps, o Options) (_ *Foundation, err error) {
	f := &Foundation{
		options: o, deps: deps, Pace: deps.API.Pace,
		metrics: prometheus.WrapRegistererWith(prometheus.Labels{"service": o.Service}, deps.Metrics),
	}
	if f.Pace == nil {
		f.Pace = pace.New(deps.Now, nil)
	}
	defer func() {
		if err != nil {
			f.Close()
			err = fmt.Errorf("open the foundation of %s: %w", o.Service, err)
		}
	}()
	if f.logPool, err = f.pool(ctx, "log", logConns); err != nil {
		return nil, err
	}
	if f.Pool, err = f.pool(ctx, "use", useConns); err != nil {
		return nil, err
	}
	if err = f.migrate(ctx); err != nil {
		return nil, err
	}
	if err = f.openPrivacy(); err != nil {
		return nil, err
	}
	if f.Vault, err = f.openVault(ctx); err != nil {
		return nil, err
	}
	f.Log, err = eventstore.Open(ctx, f.logPool, eventstore.Options{
		Catalog: o.Own, Log: deps.Log, Registerer: f.metrics, Now: deps.Now, Pace: f.Pace,
	})
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	cluster, err := deps.Config.Cluster("songan-"+o.Service, func(err error) {
		deps.Log.Error("certificates for the cluster", telemetry.Err(err))
	})
	if err != nil {
		return nil, err
	}
	if f.Bus, err = kafkabus.Connect(cluster); err != nil {
		return nil, err
	}
	if err = kafkabus.EnsureTopic(ctx, f.Bus, f.Topic(o.Service), partitions, deps.Config.Replication); err != nil {
		return nil, fmt.Errorf("make the topic: %w", err)
	}
	if err = f.openWitness(ctx); err != nil {
		return nil, err
	}
	f.quarantine = quarantine.New(f.Pool, deps.Now)
	f.models = projection.NewRunner(f.Pool, projection.Options{Log: deps.Log, Registerer: f.metrics})
	return f, nil
}

func (f *Foundation) pool(ctx context.Context, name string, conns int32) (*pgxpool.Pool, error) {
	return pg.Open(ctx, f.deps.DatabaseURL, pg.Options{
		MaxConns: conns, Name: f.options.Service + "-" + name, Registerer: f.deps.Metrics, Tracer: f.deps.Tracer,
	})
}

func (f *Foundation) migrate(ctx context.Context) error {
	migrations := []func(context.Context, *pgxpool.Pool) error{
		vault.Migrate, eventstore.Migrate, kafkabus.Migrate, projection.Migrate, quarantine.Migrate, witness.Migrate,
	}
	for _, migrate := range migrations {
		if err := migrate(ctx, f.logPool); err != nil {
			return err
		}
	}
	return nil
}

// Project adds a read model of the service's own facts. It is called before [Foundation.Runners].
func (f *Foundation) Project(ctx context.Context, p *projection.Projection) (*projection.Model, error) {
	return f.models.Add(ctx, p, projection.FromLog(f.Log))
}

// ProjectPatiently adds a read model like [Foundation.Project] that stands still while bulk work is under way which goes
// before it; see package pace.
func (f *Foundation) ProjectPatiently(ctx context.Context, p *projection.Projection) (*projection.Model, error) {
	return f.models.Add(ctx, p, projection.Patient(projection.FromLog(f.Log), f.Pace))
}

// ProjectOthers adds a read model of the facts that another service publishes; they are in Options.Others. It is called
// before [Foundation.Runners]. Nobody can wait for a position in it: it runs after the other service, over Kafka.
func (f *Foundation) ProjectOthers(ctx context.Context, p *projection.Projection, service string) (*projection.Model, error) {
	return f.models.Add(ctx, p, f.fromOthers(p, service))
}

// React adds a consumer of other services' facts. It is called before [Foundation.Runners].
func (f *Foundation) React(name string, inFlight int, handlers ...reaction.Handler) error {
	return f.ReactTo(name, Reading{Topics: f.othersTopics(), Catalog: f.options.Others, InFlight: inFlight}, handlers...)
}

// Topic is where a service publishes its facts.
func (f *Foundation) Topic(service string) string {
	return f.deps.Config.Topics + "." + service + ".v1"
}

func (f *Foundation) othersTopics() []string {
	var topics []string
	for _, name := range f.options.Others.Names() {
		if topic := f.Topic(events.Service(name)); !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	return topics
}

// Runners is what runs as long as the service does.
func (f *Foundation) Runners() []service.Runner {
	o := kafkabus.RelayOptions{
		Topic: f.Topic(f.options.Service), Partitions: partitions, Log: f.deps.Log, Registerer: f.metrics,
	}
	if f.options.HeardLater {
		o.Stand = f.Pace.Stand
	}
	runners := []service.Runner{
		{Name: "relay", Run: kafkabus.NewRelay(f.Log, f.logPool, f.Bus, o).Run},
		{Name: "projections", Run: f.models.Run},
		{Name: "vault", Run: f.keepHouse},
		{Name: "witness", Run: f.Witness.Run},
		{Name: "register", Run: f.register.Run},
	}
	for _, r := range f.reactors {
		runners = append(runners, service.Runner{Name: r.Name(), Run: r.Run})
	}
	return runners
}

// API is what the surface of the service begins with: who may ask, by the service's own keyrings and those of everybody, and how
// repeats of a request are known.
func (f *Foundation) API(title string, own ...access.Keyring) httpapi.Options {
	o := f.deps.API
	o.Title, o.Auth, o.Name, o.Fingerprint = title, f.deps.Auth(own...), f.Vault.Name, f.Vault.Fingerprint
	return o
}

// Service is the service with its surface and what else it runs. It closes the foundation.
func (f *Foundation) Service(surface http.Handler, more ...service.Runner) service.Service {
	return service.Service{
		Name: f.options.Service, Handler: surface, Runners: append(f.Runners(), more...), Ready: f.Ready,
		Close: func() error { f.Close(); return nil },
	}
}

// Ready tells whether the service can answer: the database does, and the read models have started.
func (f *Foundation) Ready(ctx context.Context) error {
	return errors.Join(f.Pool.Ping(ctx), f.models.Ready(ctx))
}

// Close ends what [Open] opened. The runners must have ended before.
func (f *Foundation) Close() {
	if f.Log != nil {
		f.Log.Close()
	}
	for _, age := range f.ages {
		f.metrics.Unregister(age)
	}
	if f.checkpoints != nil {
		_ = f.checkpoints.Close() // waits for what is under way; nothing is by now
	}
	f.Bus.Close()
	for _, pool := range []*pgxpool.Pool{f.Pool, f.logPool} {
		if pool != nil {
			pool.Close()
		}
	}
}
