// Package pg opens PostgreSQL the way every service of the house uses it: a pool with explicit limits, schema
// changes that two processes may start at once, and one answer to "is it the database that is away?".
//
//  1. The size of a pool is chosen, never guessed: in one process several services share one server.
//  2. Nothing waits for ever. Connecting, sitting idle inside a transaction, and the sessions of a machine that is gone
//     have limits set here; how long a statement may take is said by the context of the call.
//  3. Query arguments are people's data. They are neither logged nor traced, and an error of the server is
//     passed on by its code: its text may quote a value.
//  4. [Migrate] comes before the first query, because prepared statements do not like tables to change under them.
//  5. A database that is away is not a fault of the work at hand: [IsDown] tells the two apart, and the work
//     is tried again later instead of being put aside as broken.
package pg

import (
	"context"
	"fmt"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

const (
	defaultMaxConns = 8

	connectTimeout = 5 * time.Second
	idleTimeout    = 5 * time.Minute
	lifetime       = time.Hour
	lifetimeJitter = 5 * time.Minute
	checkEvery     = 15 * time.Second
)

// Options are what differs between pools. The zero value is usable.
type Options struct {
	// MaxConns is the most connections the pool opens; 0 means 8.
	MaxConns int32
	// Name tells the pools of one process apart, in metrics and in pg_stat_activity.
	Name string
	// Registerer takes the pool's metrics; nil leaves them out.
	Registerer prometheus.Registerer
	// Tracer makes a span of every statement, without its arguments; nil makes none.
	Tracer trace.TracerProvider
}

// Open returns a pool that has reached the server once. The caller closes it.
func Open(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	config, err := configure(url, o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open a pool: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach PostgreSQL: %w", err)
	}
	if o.Registerer == nil {
		return pool, nil
	}
	if err := o.Registerer.Register(newCollector(pool, o.Name)); err != nil {
		pool.Close()
		return nil, fmt.Errorf("register the pool's metrics: %w", err)
	}
	return pool, nil
}

func configure(url string, o Options) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	config.MaxConns = defaultMaxConns
	if o.MaxConns > 0 {
		config.MaxConns = o.MaxConns
	}
	config.MaxConnIdleTime = idleTimeout
	config.MaxConnLifetime = lifetime
	config.MaxConnLifetimeJitter = lifetimeJitter
	config.HealthCheckPeriod = checkEvery
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	name := "songan"
	if o.Name != "" {
		name += "-" + o.Name
	}
	for setting, value := range presets(name) {
		if _, set := config.ConnConfig.RuntimeParams[setting]; !set {
			config.ConnConfig.RuntimeParams[setting] = value
		}
	}
	if o.Tracer != nil {
		config.ConnConfig.Tracer = otelpgx.NewTracer(otelpgx.WithTracerProvider(o.Tracer))
	}
	return config, nil
}

// presets are what every session begins with, unless the URL says something else.
func presets(name string) map[string]string {
	return map[string]string{
		"application_name":                    name,
		"idle_in_transaction_session_timeout": "60s", // a transaction that nobody ends would hold its locks for ever
		"jit":                                 "off", // short statements on tables not analyzed yet would be compiled
		// Of a table that grows, or was not analyzed yet, the planner expects a third, and starts two processes (23 ms) for a thousand rows.
		"max_parallel_workers_per_gather": "0",
		// What is asked for a thousand keys at a time lies in memory, or on a disk that need not turn: counted as if it did, the
		// planner reads the whole table each time.
		"random_page_cost": "1.1",
		// A machine that is gone does not hang up. The server asks for it, and ends its sessions, and the locks that they hold, after
		// 15 seconds, whether it waits for a statement or to be rid of an answer. By itself the kernel asks after two hours.
		"tcp_keepalives_idle":     "5s",
		"tcp_keepalives_interval": "2s",
		"tcp_keepalives_count":    "5",
		"tcp_user_timeout":        "15s",
	}
}
