package pg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// hangUp is how long saying goodbye to the server may take.
const hangUp = 5 * time.Second

// Migrate brings the tables of one part of a service up to date with its goose files (NNNNN_what.sql in the root
// of files). What was done is kept in the table goose_<name> of the current schema, so every part counts for itself.
//
// Processes that start together take turns, and the second finds nothing left to do. A file that fails is rolled
// back, stops those after it, and is named by the error.
func Migrate(ctx context.Context, pool *pgxpool.Pool, name string, files fs.FS) error {
	end, err := takeTurn(ctx, pool, name)
	if err != nil {
		return fmt.Errorf("migrate %s: wait for others who do: %w", name, err)
	}
	defer end()
	store, err := database.NewStore(database.DialectPostgres, "goose_"+name)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	provider, err := goose.NewProvider("", db, files, goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	_, err = provider.Up(ctx)
	if stopped, ok := errors.AsType[*goose.PartialError](err); ok {
		return fmt.Errorf("migrate %s: %s: %w", name, stopped.Failed.Source.Path, stopped.Err)
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	return nil
}

// takeTurn waits until nobody else migrates the same part of the same schema. The lock is held by a connection of
// its own and goes with it, however the process ends. Goose's own session lock is not used: it asks every few
// seconds instead of waiting in the server, holds up other schemas too, and makes its version table without it.
func takeTurn(ctx context.Context, pool *pgxpool.Pool, name string) (end func(), err error) {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	end = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUp)
		defer cancel()
		conn.Close(ctx) //nolint:errcheck,gosec // the lock ends with the connection, closed well or badly
	}
	const wait = `select pg_advisory_lock(
		hashtextextended('migrate ' || current_database() || ' ' || current_schema() || ' ' || $1, 0))`
	if _, err := conn.Exec(ctx, wait, name); err != nil {
		end()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return end, nil
}
