package projection

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
	"github.com/songan-vn/songan/libs/projection/internal/overtake"
	"github.com/songan-vn/songan/libs/projection/internal/views"
)

const createLock = `select pg_advisory_xact_lock(hashtextextended('songan/projection/' || current_schema(), 0))`

const enterVersion = `
insert into projection_versions (name, base, version, tables) values ($1, $2, $3, $4)
on conflict (name) do update set tables = excluded.tables`

// create makes the tables of a projection, and its views when it is the first version.
func (m *Model) create(ctx context.Context, tx pgx.Tx) (err error) {
	if _, err := tx.Exec(ctx, createLock); err != nil {
		return fmt.Errorf("wait for others that create tables: %w", err)
	}
	if err := tx.QueryRow(ctx, `select current_schema()`).Scan(&m.schema); err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	if m.tables, err = m.learnTables(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, m.projection.ddl); err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	if err := m.projection.prepare(ctx, tx); err != nil {
		return fmt.Errorf("read how rows are written: %w", err)
	}
	if _, err := tx.Exec(ctx, enterVersion, m.projection.name, m.base, m.version, m.tables); err != nil {
		return fmt.Errorf("enter version: %w", err)
	}
	_, err = m.served(ctx, tx)
	if errors.Is(err, pgx.ErrNoRows) {
		return m.serve(ctx, tx)
	}
	return err
}

const tablesOf = `
select coalesce(array_agg(relname::text order by relname), '{}')
from pg_class where relnamespace = to_regnamespace($1) and relkind in ('r', 'p')`

// learnTables runs the ddl in a schema of its own, looks what came of it, and takes it back: nobody has to
// keep a list of tables that could be wrong.
func (m *Model) learnTables(ctx context.Context, tx pgx.Tx) (tables []string, err error) {
	if err := views.Savepoint(ctx, tx, func(tx pgx.Tx) error {
		if err := m.createAside(ctx, tx, m.schemaFor("try")); err != nil {
			return err
		}
		return tx.QueryRow(ctx, tablesOf, views.Quote(m.schemaFor("try"))).Scan(&tables)
	}); err != nil {
		return nil, fmt.Errorf("try the ddl in a schema aside: %w", err)
	}
	suffix := "_v" + strconv.Itoa(m.version)
	for _, table := range tables {
		if !strings.HasSuffix(table, suffix) || len(table) > nameLimit {
			return nil, fmt.Errorf("table %s: a table ends in %s, like its projection, and has at most %d letters", table, suffix, nameLimit)
		}
	}
	return tables, nil
}

// served is the version that the views show.
type served struct {
	name    string
	version int
}

// served answers pgx.ErrNoRows when there is none yet.
func (m *Model) served(ctx context.Context, q pg.Querier) (s served, err error) {
	err = q.QueryRow(ctx, `select name, version from projection_versions where base = $1 and serving`, m.base).
		Scan(&s.name, &s.version)
	if err != nil {
		return served{}, fmt.Errorf("read the served version of %s: %w", m.base, err)
	}
	return s, nil
}

const unserve = `
update projection_versions set serving = false where base = $1 and serving returning tables`

const serve = `
update projection_versions set serving = true, switched_at = now() where name = $1`

// serve makes the views show this version, in a transaction of the caller.
func (m *Model) serve(ctx context.Context, tx pgx.Tx) error {
	var before []string
	err := tx.QueryRow(ctx, unserve, m.base).Scan(&before)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("end serving: %w", err)
	}
	if err := views.Drop(ctx, tx, before); err != nil {
		return err
	}
	if err := views.Create(ctx, tx, m.tables); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, serve, m.projection.name); err != nil {
		return fmt.Errorf("begin serving: %w", err)
	}
	return nil
}

const versions = `
select (select name from projection_versions where base = $1 order by wanted desc, version desc limit 1),
       (select name from projection_versions where base = $1 and serving)`

// overtake makes the views show this version if it is the one to be served and has seen what the present one has.
func (m *Model) overtake(ctx context.Context, o *overtake.Overtaking, mine checkpoint.Progress) error {
	var wanted, rival string
	if err := m.runner.pool.QueryRow(ctx, versions, m.base).Scan(&wanted, &rival); err != nil {
		return fmt.Errorf("read the versions of %s: %w", m.base, err)
	}
	if wanted != m.projection.name || rival == wanted {
		return nil
	}
	done, err := o.Step(ctx, rival, mine, func(tx pgx.Tx) error { return m.serve(ctx, tx) })
	if done {
		m.show(mine.Own())
		m.log.Info("projection is served from now on", zap.String("instead_of", rival))
	}
	return err
}

var errNoVersion = errors.New("there is no such version")

// Serve names the version that is to be served, instead of the highest one: the way back after a release that
// was taken back. The switch follows when that version has caught up. The highest version's name ends this.
func (r *Runner) Serve(ctx context.Context, name string) error {
	base, _, err := version(name)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	tag, err := r.pool.Exec(ctx, `
update projection_versions set wanted = (name = $2)
where base = $1 and exists (select from projection_versions where name = $2)`, base, name)
	if err != nil {
		return fmt.Errorf("serve %s: %w", name, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("serve %s: %w", name, errNoVersion)
	}
	return nil
}

var errServing = errors.New("it is the version that is served")

// Drop removes the tables of a version that is no longer served, and that no process runs any more.
func (r *Runner) Drop(ctx context.Context, name string) error {
	err := pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		var tables []string
		var serving bool
		err := tx.QueryRow(ctx, `delete from projection_versions where name = $1 returning tables, serving`, name).
			Scan(&tables, &serving)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return errNoVersion
		case err != nil:
			return fmt.Errorf("forget the version: %w", err)
		case serving:
			return errServing
		}
		if err := views.DropTables(ctx, tx, tables); err != nil {
			return err
		}
		return checkpoint.Forget(ctx, tx, name)
	})
	if err != nil {
		return fmt.Errorf("drop %s: %w", name, err)
	}
	return nil
}
