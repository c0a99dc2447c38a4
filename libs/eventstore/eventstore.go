// Package eventstore keeps what happened: the dense log of one service, in PostgreSQL.
//
//  1. A stream is the history of one thing. Its facts have versions 1, 2, 3, ...; an append says which version it
//     expects, and one of two writers who expect the same gets [ErrConflict].
//  2. The log is all streams of a service. Its facts have positions 1, 2, 3, ... without holes, in commit order.
//     Who has read up to n has missed nothing up to n, and [Store.Read] proves it: a hole is an error.
//  3. Commits are shared. What waits is sent as one batch, in one commit. A batch is not a
//     transaction of its commands: one that conflicts, or that the database cannot store, fails alone.
//  4. What was answered is durable. Facts and the vault rows that they refer to are in one transaction.
//  5. A lost connection is not an answer. The batch is sent again, and each append carries a random number by which
//     the database knows those that it has already; so the answer is right, and nothing is there twice.
//  6. A command's cause is in its stream at most once. [Execute] looks for it in the very version of the stream which
//     the append then expects, so a second one has to conflict and look again. A cause that could change another stream as
//     well, because the stream is named by what was asked for, is remembered in a table; see [OncePerKey].
//  7. A fact that is not in the catalog is an error, on the way in and on the way out. It is never skipped.
//  8. Nothing is changed or removed. The table refuses it.
//
// # What it costs to be sure
//
// The version check is a unique index over (stream, version), the only one besides the primary key. Another one over
// causes was measured: it takes 30 % more of the server's time for each fact, and proves nothing that rule 6 does not.
//
// Writers take turns by an advisory lock that is held until the commit, and continue from the last position. A row that
// holds the last position was measured too. It is as fast, until somebody holds a snapshot, for a dump or a report: then its
// dead versions pile up, and after 40,000 batches each batch spent 1.5 ms on walking over them.
//
// A process remembers the streams that it appended to last, and decides on what it remembers before it asks the
// database. That is safe because only what was then appended counts, and the version check refuses it if the memory was
// out of date.
package eventstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	jsonv1 "github.com/go-json-experiment/json/v1" // reads as encoding/json does, in less than half of the time
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
	"github.com/songan-vn/songan/libs/eventstore/internal/head"
	"github.com/songan-vn/songan/libs/eventstore/internal/queue"
	"github.com/songan-vn/songan/libs/eventstore/internal/recent"
	"github.com/songan-vn/songan/libs/eventstore/internal/ring"
	"github.com/songan-vn/songan/libs/eventstore/internal/turns"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/plainjson"
)

// What a caller may want to tell apart. Everything else is the database's trouble; see [pg.IsDown].
var (
	// ErrConflict says that the stream is not at the expected version: load it, and decide again.
	ErrConflict = batch.ErrConflict
	// ErrKeyUsed says that a cause which may change one stream has changed another one before.
	ErrKeyUsed = batch.ErrKeyUsed
	// ErrUnstorable says that the database cannot store these facts, ever: a NUL in a text, a vault reference
	// that is taken. It never says what they hold.
	ErrUnstorable = batch.ErrUnstorable
	// ErrUnknown says that the append was sent, and that nobody knows yet whether it took effect. Executing
	// the same command again, with the same cause, is safe.
	ErrUnknown = errors.New("whether the facts were stored is not known")
	// ErrHole says that the log lacks a position. It was tampered with, or badly restored.
	ErrHole = errors.New("the log has a hole")
	// ErrClosed says that the store was closed.
	ErrClosed = queue.ErrClosed
)

// UsualBytes is what a command is reckoned to take while it waits to be stored: its facts as JSON, each with its meta and the name of the
// stream, and its rows of the vault. The room for commands that wait is for so many of this size; larger ones leave room for fewer.
const UsualBytes = queue.UsualBytes

const (
	loaders   = 2                // queries for streams under way
	ownConns  = 2 + loaders      // and the writer's and the notifier's
	closeWait = 10 * time.Second // for what waits to be written, when the store closes
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options are what a store needs besides its pool.
type Options struct {
	// Catalog holds every fact of the service, private ones and old shapes included.
	Catalog events.Catalog
	// Log is told of lost connections; nil is silent.
	Log *zap.Logger
	// Registerer takes the metrics; nil leaves them out. Several stores in one process wrap it with a label each.
	Registerer prometheus.Registerer
	// Now is the instant at which a fact occurred if its meta does not say; nil means the machine's clock.
	Now func() time.Time
	// Pace says when followers give way to commands; nil if never.
	Pace *pace.Pace
}

// Store is the log of one service. It is safe for concurrent use, by several processes as well.
type Store struct {
	pool    *pgxpool.Pool // the service's: reading for projections and the relay
	own     *pgxpool.Pool // ours alone, so that slow reading cannot hold up writing
	catalog events.Catalog
	form    batch.Form
	log     *zap.Logger
	now     func() time.Time
	metrics *metrics
	channel string
	pace    *pace.Pace
	hurried atomic.Int64 // when others were last told to hurry
	session atomic.Int64 // counts the writer's connections, from 1 before the first

	appends *queue.Queue[[]*batch.Command]
	loads   *queue.Queue[*loading]
	turns   *turns.Turns
	recent  *recent.Recent[Stored]
	head    *head.Head
	ring    *ring.Ring[Stored]
	bell    chan struct{} // tells the notifier that there is something to tell

	ctx       context.Context //nolint:containedctx // the life of the store's goroutines, ended by Close
	stop      context.CancelFunc
	closing   sync.Once
	working   sync.WaitGroup // the writer and the loaders
	notifying sync.WaitGroup
	listening sync.WaitGroup
}

// Migrate makes the table of the log in the pool's schema. Facts with vault rows need [vault.Migrate] as well.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	return pg.Migrate(ctx, pool, "eventstore", files)
}

// Open returns the log in the pool's schema, which [Migrate] has made. Beside the pool's connections it opens up to
// five of its own. The caller closes the store, before the pool.
func Open(ctx context.Context, pool *pgxpool.Pool, o Options) (*Store, error) {
	s := &Store{
		pool: pool, catalog: o.Catalog.ReadBy(jsonv1.Unmarshal), log: o.Log, now: o.Now, pace: o.Pace,
		appends: queue.New[[]*batch.Command](), loads: queue.New[*loading](), turns: turns.New(), recent: recent.New(Stored.weight),
		head: &head.Head{}, ring: ring.New[Stored](mostRemembered, bytesOfThem), bell: make(chan struct{}, 1),
	}
	s.session.Store(1)
	s.form = batch.Form{Catalog: s.catalog, JSON: plainjson.Standard()}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.pace == nil {
		s.pace = pace.New(s.now, nil)
	}
	if err := s.find(ctx); err != nil {
		return nil, err
	}
	config := pool.Config()
	config.MaxConns, config.MinConns, config.MinIdleConns = ownConns, 0, 0
	// As long as a table that grows fast was not analyzed, the planner takes loading a stream for so much work
	// that compiling the query would be worth it. That took half of the throughput.
	config.ConnConfig.RuntimeParams["jit"] = "off"
	own, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, fmt.Errorf("open the log's own connections: %w", err)
	}
	s.own = own
	s.metrics = newMetrics(s)
	if err := s.metrics.register(o.Registerer); err != nil {
		own.Close()
		return nil, fmt.Errorf("register the log's metrics: %w", err)
	}
	s.start()
	return s, nil
}

// find makes sure that the table is there, and is ours, and names the channel of notifications after it: several schemas
// of one database have a log each.
func (s *Store) find(ctx context.Context) error {
	var table uint32
	var last int64
	var kept string
	const look = `
select 'events'::regclass::oid, coalesce(max(position), 0),
       coalesce((select format_type(atttypid, null) from pg_attribute where attrelid = 'events'::regclass and attname = 'data'), '')
from events`
	if err := s.pool.QueryRow(ctx, look).Scan(&table, &last, &kept); err != nil {
		return fmt.Errorf("find the log (was it migrated?): %w", err)
	}
	if kept != "json" {
		return fmt.Errorf("find the log: another version made it, with facts as %q instead of json; begin with an empty data directory", kept)
	}
	s.channel = fmt.Sprintf("songan_events_%d", table)
	s.head.Advance(last)
	return nil
}

func (s *Store) start() {
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.working.Go(s.write)
	for range loaders {
		s.working.Go(s.load)
	}
	s.notifying.Go(s.notify)
	s.listening.Go(s.hear)
}

// Close refuses new work, waits a bounded time until what waits is written and answered, and gives back
// everything that the store opened. Whoever still follows the log gets [ErrClosed].
func (s *Store) Close() {
	s.closing.Do(func() {
		s.appends.Close()
		s.loads.Close()
		late := time.AfterFunc(closeWait, s.stop)
		s.working.Wait()
		late.Stop()
		close(s.bell)
		s.notifying.Wait()
		s.stop()
		s.listening.Wait()
		s.own.Close()
		s.metrics.unregister()
	})
}
