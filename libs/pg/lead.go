package pg

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	leadTick    = time.Second     // between asking for what others hold, and between looks at the connection
	leadTimeout = 5 * time.Second // of one such question
)

// leading has the server let the locks go when the process that holds them hangs: one that lives asks every second. When its
// machine is gone, the presets of [Open] do the same.
const leading = `set idle_session_timeout = '15s'`

// Lead does work for names, each in one process at a time. It asks for the lock of every name again and again, and runs
// work, which ends with its context, for those that it gets. Of several processes each leads some names; when one
// goes away, others take its names over within a second or so, and within 15 seconds when it falls silent.
//
// It returns nil after ctx has ended, and an error when the connection that holds the locks is lost; in both cases all
// work has ended before. The locks are those of the current schema.
func Lead(ctx context.Context, pool *pgxpool.Pool, names []string, work func(ctx context.Context, name string)) error {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connect for locks: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leadTimeout)
		defer cancel()
		_ = conn.Close(ctx) // the server lets the locks go with the connection, however it ends
	}()
	if err := ask(ctx, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, leading)
		return err
	}); err != nil {
		return fmt.Errorf("prepare a connection for locks: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel()
	held := make(map[string]bool, len(names))
	for {
		if err := claim(ctx, conn, names, func(name string) {
			held[name] = true
			working.Go(func() { work(ctx, name) })
		}, held); err != nil {
			return ignoreEnd(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(leadTick):
		}
		if err := ask(ctx, conn.Ping); err != nil {
			return ignoreEnd(ctx, fmt.Errorf("keep locks: %w", err))
		}
	}
}

const tryLead = `select pg_try_advisory_lock(hashtextextended('songan/lead/' || current_schema() || '/' || $1, 0))`

// ask gives a question to the server its time.
func ask(ctx context.Context, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, leadTimeout)
	defer cancel()
	return question(ctx)
}

// claim asks for the locks that are not held.
func claim(ctx context.Context, conn *pgx.Conn, names []string, granted func(string), held map[string]bool) error {
	ctx, cancel := context.WithTimeout(ctx, leadTimeout)
	defer cancel()
	for _, name := range names {
		if held[name] {
			continue
		}
		var free bool
		if err := conn.QueryRow(ctx, tryLead, name).Scan(&free); err != nil {
			return fmt.Errorf("lock %s: %w", name, err)
		}
		if free {
			granted(name)
		}
	}
	return nil
}

// ignoreEnd forgets an error that is only the consequence of the end.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
