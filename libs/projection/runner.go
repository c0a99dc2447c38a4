package projection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/projection/internal/feed"
	"github.com/songan-vn/songan/libs/projection/internal/meter"
)

// Options are what a Runner gets besides its database.
type Options struct {
	// Log may be nil.
	Log *zap.Logger
	// Registerer may be nil: then nothing is measured.
	Registerer prometheus.Registerer
}

// Runner keeps the read models of one service up to date. Several processes may run the same ones: each projection is
// led by one of them, see [pg.Lead].
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
	if p.of != nil {
		feeds = slices.Clone(feeds)
		for i := range feeds {
			feeds[i] = feed.Only(feeds[i], p.Wants)
		}
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

// lockNames is what the lock of a projection's name begins with.
const lockNames = "projection/"

// Run keeps all projections up to date until ctx ends, and returns nil then. Whatever goes wrong before that is
// logged, counted and tried again. When the connection that holds the locks breaks they are gone at once, and until
// the work has ended only the checkpoints stand between two writers.
func (r *Runner) Run(ctx context.Context) error {
	models, names := make(map[string]*Model, len(r.models)), make([]string, 0, len(r.models))
	for _, m := range r.models {
		name := lockNames + m.projection.name
		models[name], names = m, append(names, name)
	}
	retry := backoff{}
	for ctx.Err() == nil {
		began := time.Now()
		err := pg.Lead(ctx, r.pool, names, func(ctx context.Context, name string) { models[name].lead(ctx) })
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
