package projection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/projection/internal/meter"
)

// Options are what a Runner gets besides its database.
type Options struct {
	// Log may be nil.
	Log *zap.Logger
	// Registerer may be nil: then nothing is measured.
	Registerer prometheus.Registerer
}

// Runner keeps the read models of one service up to date. Several processes may run the same ones: an advisory
// lock gives each projection to one of them, and another takes over within a second or so when it goes away.
type Runner struct {
	pool    *pgxpool.Pool
	log     *zap.Logger
	metrics meter.Metrics
	models  []*Model
}

// NewRunner returns a Runner without projections; see [Runner.Add]. [Migrate] has to have run.
func NewRunner(pool *pgxpool.Pool, o Options) *Runner {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return &Runner{pool: pool, log: o.Log, metrics: meter.New(o.Registerer)}
}

// Add creates the tables of a projection unless they exist, checks that they fit, and enters it among those that
// [Runner.Run] runs, fed by one or several feeds. It is called before Run. The first version of a read model is
// served at once; a later one when it has overtaken the one that is served.
func (r *Runner) Add(ctx context.Context, p *Projection, feeds ...Feed) (*Model, error) {
	base, number, err := version(p.name)
	if err != nil {
		return nil, fmt.Errorf("add projection: %w", err)
	}
	if len(feeds) == 0 {
		return nil, fmt.Errorf("add projection %s: it has no feed", p.name)
	}
	m := &Model{
		runner: r, projection: p, base: base, version: number, feeds: feeds,
		log: r.log.With(zap.String("projection", p.name)), changed: make(chan struct{}),
	}
	if err := pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error { return m.create(ctx, tx) }); err != nil {
		return nil, fmt.Errorf("add projection %s: %w", p.name, err)
	}
	r.models = append(r.models, m)
	return m, nil
}

// Run keeps all projections up to date until ctx ends, and returns nil then. Whatever goes wrong before that is
// logged, counted and tried again.
func (r *Runner) Run(ctx context.Context) error {
	retry := backoff{}
	for ctx.Err() == nil {
		began := time.Now()
		err := r.term(ctx)
		if ctx.Err() != nil {
			break
		}
		r.log.Error("projections lost the connection that holds their locks; connecting again", zap.Error(err))
		if time.Since(began) > mostBackoff {
			retry = backoff{}
		}
		retry.wait(ctx)
	}
	return nil
}

// term runs the projections whose locks one connection gets. The locks are given back after all work has ended;
// when the connection breaks they are gone at once, and only the checkpoints stand between two writers.
func (r *Runner) term(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, r.pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connect for locks: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tickInterval)
		defer cancel()
		_ = conn.Close(ctx) // the server lets the locks go with the connection, however it ends
	}()
	ctx, cancel := context.WithCancel(ctx)
	var leading sync.WaitGroup
	defer leading.Wait()
	defer cancel()
	held := make(map[*Model]bool, len(r.models))
	for {
		granted, err := r.claim(ctx, conn, held)
		if err != nil {
			return err
		}
		for _, m := range granted {
			leading.Go(func() { m.lead(ctx) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(tickInterval):
		}
		if err := conn.Ping(ctx); err != nil {
			return fmt.Errorf("keep locks: %w", err)
		}
	}
}

// claim asks for the locks that are not held, and answers with the models that were granted theirs.
func (r *Runner) claim(ctx context.Context, conn *pgx.Conn, held map[*Model]bool) (granted []*Model, err error) {
	for _, m := range r.models {
		if held[m] {
			continue
		}
		var free bool
		if err := conn.QueryRow(ctx, tryLock, m.projection.name).Scan(&free); err != nil {
			return nil, fmt.Errorf("lock %s: %w", m.projection.name, err)
		}
		if free {
			held[m] = true
			granted = append(granted, m)
		}
	}
	return granted, nil
}

// The lock's key holds the schema, because advisory locks are those of the whole database.
const tryLock = `select pg_try_advisory_lock(hashtextextended('songan/projection/' || current_schema() || '/' || $1, 0))`

// Ready answers nil once every read model can be queried: its view shows this version, or a later one, and
// lacks at most a few of the facts that there are. From then on it stays ready, even if it falls behind.
func (r *Runner) Ready(ctx context.Context) error {
	faults := make([]error, 0, len(r.models))
	for _, m := range r.models {
		faults = append(faults, m.Ready(ctx))
	}
	return errors.Join(faults...)
}

// Model returns the projection with a versioned name, for an operator who names it.
func (r *Runner) Model(name string) (*Model, bool) {
	for _, m := range r.models {
		if m.projection.name == name {
			return m, true
		}
	}
	return nil, false
}

const (
	leastBackoff = 50 * time.Millisecond
	mostBackoff  = 10 * time.Second
)

// backoff doubles its wait from try to try.
type backoff struct{ next time.Duration }

func (b *backoff) wait(ctx context.Context) {
	b.next = min(max(2*b.next, leastBackoff), mostBackoff)
	timer := time.NewTimer(b.next)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
