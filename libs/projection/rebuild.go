package projection

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
	"github.com/songan-vn/songan/libs/projection/internal/feed"
	"github.com/songan-vn/songan/libs/projection/internal/views"
)

// rebuildAttempts bounds how often in a row a rebuild meets an error before it gives up; progress resets it.
const rebuildAttempts = 5

// Rebuilt says what a rebuild did.
type Rebuilt struct {
	Facts int64
	Took  time.Duration
}

// errSwapped ends the following of the feeds once the new tables are in place.
var errSwapped = errors.New("swapped")

// Rebuild computes the same version again from the first fact, in a schema aside, while the present tables are
// read and written as ever, and then puts the new tables in their place by one transaction. It may run in
// another process than the one that writes the projection, but not twice at a time. If it fails, everything
// is as before.
func (m *Model) Rebuild(ctx context.Context) (Rebuilt, error) {
	began := time.Now()
	var facts int64
	err := m.alone(ctx, func() error {
		indexes, err := m.beginAside(ctx)
		if err != nil {
			return err
		}
		facts, err = m.build(ctx, indexes)
		if err != nil {
			err = errors.Join(err, m.giveUp(ctx))
		}
		return err
	})
	if err != nil {
		return Rebuilt{}, fmt.Errorf("rebuild %s: %w", m.projection.name, err)
	}
	rebuilt := Rebuilt{Facts: facts, Took: time.Since(began)}
	m.log.Info("projection was rebuilt", zap.Int64("facts", facts), zap.Duration("took", rebuilt.Took))
	return rebuilt, nil
}

// aside is the schema in which a rebuild takes place.
func (m *Model) aside() string { return m.schemaFor("rebuild") }

// schemaFor names a schema of this projection. Schemas are those of the whole database, so that the own one has
// to be part of the name; it may be long, so its sum stands for it.
func (m *Model) schemaFor(purpose string) string {
	return fmt.Sprintf("%s_%s_%08x", purpose, m.projection.name, crc32.ChecksumIEEE([]byte(m.schema)))
}

// checkpointAside is the name under which a rebuild keeps its place.
func (m *Model) checkpointAside() string { return m.projection.name + "/rebuild" }

// The lock's key holds the schema, because advisory locks are those of the whole database.
const tryLock = `select pg_try_advisory_lock(hashtextextended('songan/projection/' || current_schema() || '/' || $1, 0))`

// alone holds a lock of this rebuild for as long as work takes.
func (m *Model) alone(ctx context.Context, work func() error) error {
	conn, err := m.runner.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect for the lock: %w", err)
	}
	defer conn.Release()
	var locked bool
	if err := conn.QueryRow(ctx, tryLock, m.checkpointAside()).Scan(&locked); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if !locked {
		return problem.New(problem.Conflict, "rebuild_running",
			"this projection is being rebuilt already", "bảng tổng hợp này đang được dựng lại")
	}
	err = work()
	unlocking, cancel := context.WithTimeout(context.WithoutCancel(ctx), tickInterval)
	defer cancel()
	if _, unlockErr := conn.Exec(unlocking, `select pg_advisory_unlock_all()`); unlockErr != nil {
		_ = conn.Conn().Close(unlocking) // the lock goes with the connection
	}
	return err
}

// createAside runs the ddl in a new schema. The search path of tx leads there afterwards.
func (m *Model) createAside(ctx context.Context, tx pgx.Tx, schema string) error {
	if _, err := tx.Exec(ctx, "create schema "+views.Quote(schema)); err != nil {
		return fmt.Errorf("create schema: %w", err)
	}
	if _, err := tx.Exec(ctx, pathAside(schema)); err != nil {
		return fmt.Errorf("direct statements to the schema: %w", err)
	}
	if _, err := tx.Exec(ctx, m.projection.ddl); err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	return nil
}

// pathAside puts a schema before all others until the end of the transaction. What is named without a schema
// is found there first, so that the same ddl and the same Apply serve the rebuild.
func pathAside(schema string) string {
	return "select set_config('search_path', '" + views.Quote(schema) + ", ' || current_setting('search_path'), true)"
}

// beginAside creates the tables aside, and answers with the statements that make those of their indexes which
// are left for the end: filling an index row by row takes much longer.
func (m *Model) beginAside(ctx context.Context) (indexes []string, err error) {
	err = pgx.BeginFunc(ctx, m.runner.pool, func(tx pgx.Tx) error {
		if err := m.clearAside(ctx, tx); err != nil {
			return fmt.Errorf("clear what an earlier rebuild left: %w", err)
		}
		if err := m.createAside(ctx, tx, m.aside()); err != nil {
			return err
		}
		if m.projection.keyed {
			if indexes, err = m.dropIndexes(ctx, tx); err != nil {
				return fmt.Errorf("set indexes aside: %w", err)
			}
		}
		// Vacuuming beside the writing only costs; complete makes up for it, and turns it on again.
		return m.eachTable(ctx, tx, "alter table ", " set (autovacuum_enabled = false)")
	})
	return indexes, err
}

const indexesAside = `
select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
from pg_index i join pg_class c on c.oid = i.indrelid
where c.relnamespace = to_regnamespace($1) and not i.indisunique`

func (m *Model) dropIndexes(ctx context.Context, tx pgx.Tx) (definitions []string, err error) {
	rows, err := tx.Query(ctx, indexesAside, views.Quote(m.aside()))
	if err != nil {
		return nil, fmt.Errorf("read indexes: %w", err)
	}
	var names []string
	var name, definition string
	if _, err := pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
		names, definitions = append(names, name), append(definitions, definition)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read indexes: %w", err)
	}
	for _, name := range names {
		if _, err := tx.Exec(ctx, "drop index "+name); err != nil {
			return nil, fmt.Errorf("drop index %s: %w", name, err)
		}
	}
	return definitions, nil
}

// eachTable runs a statement for every table aside, whose name stands between before and after.
func (m *Model) eachTable(ctx context.Context, tx pgx.Tx, before, after string) error {
	for _, table := range m.tables {
		if _, err := tx.Exec(ctx, before+views.Quote(m.aside())+"."+views.Quote(table)+after); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	return nil
}

// complete prepares the tables aside for queries, so that the first ones after the swap are planned well.
func (m *Model) complete(ctx context.Context, indexes []string) error {
	return pgx.BeginFunc(ctx, m.runner.pool, func(tx pgx.Tx) error {
		for _, definition := range indexes {
			if _, err := tx.Exec(ctx, definition); err != nil {
				return fmt.Errorf("create index: %w", err)
			}
		}
		if err := m.eachTable(ctx, tx, "alter table ", " reset (autovacuum_enabled)"); err != nil {
			return fmt.Errorf("turn vacuum on again: %w", err)
		}
		return m.eachTable(ctx, tx, "analyze ", "")
	})
}

// clearAside removes what is left of a rebuild that was broken off.
func (m *Model) clearAside(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "drop schema if exists "+views.Quote(m.aside())+" cascade"); err != nil {
		return fmt.Errorf("drop schema aside: %w", err)
	}
	return checkpoint.Forget(ctx, tx, m.checkpointAside())
}

const giveUpTimeout = 10 * time.Second

func (m *Model) giveUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpTimeout)
	defer cancel()
	return pgx.BeginFunc(ctx, m.runner.pool, func(tx pgx.Tx) error { return m.clearAside(ctx, tx) })
}

// build follows the feeds from the start into the tables aside, until they are swapped in.
func (m *Model) build(ctx context.Context, indexes []string) (facts int64, err error) {
	w := writer{
		pool: m.runner.pool, projection: m.projection, name: m.checkpointAside(),
		open: openLive + "; " + pathAside(m.aside()),
	}
	o := m.overtaking()
	o.Near = func(ctx context.Context) error { return m.complete(ctx, indexes) }
	defer o.Release(ctx)
	swap := func(ctx context.Context) error {
		done, err := o.Step(ctx, m.projection.name, w.progress, func(tx pgx.Tx) error { return m.swap(ctx, tx) })
		if done {
			return errSwapped
		}
		return err
	}
	retry := backoff{}
	failed := 0
	handle := func(ctx context.Context, batch feed.Batch) error {
		if _, err := w.write(ctx, batch); err != nil {
			return err
		}
		failed, retry = 0, backoff{}
		facts += int64(len(batch.Facts))
		return swap(ctx)
	}
	for ; failed < rebuildAttempts; failed++ {
		if err = w.load(ctx); err == nil {
			err = follow(ctx, m.feeds, w.progress, handle, swap)
		}
		if errors.Is(err, errSwapped) {
			return facts, nil
		}
		if ctx.Err() != nil {
			return facts, context.Cause(ctx)
		}
		m.log.Warn("rebuild failed and goes on", zap.Int("attempt", failed+1), zap.Error(err))
		retry.wait(ctx)
	}
	return facts, err
}

// swap puts the tables from aside in the place of the present ones. The transaction holds the checkpoint, so
// that nobody writes the present ones; who has read from them is waited for.
func (m *Model) swap(ctx context.Context, tx pgx.Tx) error {
	s, err := m.served(ctx, tx)
	if err != nil {
		return err
	}
	serving := s.name == m.projection.name
	if serving {
		if err := views.Drop(ctx, tx, m.tables); err != nil {
			return fmt.Errorf("take down the views: %w", err)
		}
	}
	if err := views.DropTables(ctx, tx, m.tables); err != nil {
		return fmt.Errorf("take down what was served: %w", err)
	}
	if err := m.eachTable(ctx, tx, "alter table ", " set schema "+views.Quote(m.schema)); err != nil {
		return fmt.Errorf("put in its place: %w", err)
	}
	// Without cascade: if the ddl made something else than tables, it would be lost, and the swap is refused.
	if _, err := tx.Exec(ctx, "drop schema "+views.Quote(m.aside())); err != nil {
		return fmt.Errorf("drop schema aside: %w", err)
	}
	if serving {
		if err := views.Create(ctx, tx, m.tables); err != nil {
			return fmt.Errorf("put up the views: %w", err)
		}
	}
	return checkpoint.Rename(ctx, tx, m.checkpointAside(), m.projection.name)
}
