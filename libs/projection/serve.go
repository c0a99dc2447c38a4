package projection

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
)

const (
	// overtakeLag is how near a new read model has to be before the old one is held up for the switch.
	overtakeLag = 2_000
	// A switch that is stuck must not hold up the old read model, and one that waits for a long query must not
	// hold up all queries behind it: it gives up and is tried again. An autovacuum in the way is sent off by the
	// server, but only after deadlock_timeout, one second.
	pinned = `
set local idle_in_transaction_session_timeout = '10s';
set local lock_timeout = '2s'`
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
		return err
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
	if err := savepoint(ctx, tx, func(tx pgx.Tx) error {
		if err := m.createAside(ctx, tx, m.schemaFor("try")); err != nil {
			return err
		}
		return tx.QueryRow(ctx, tablesOf, quote(m.schemaFor("try"))).Scan(&tables)
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

// savepoint runs work and takes everything back that it did.
func savepoint(ctx context.Context, tx pgx.Tx, work func(pgx.Tx) error) error {
	inner, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	if err := work(inner); err != nil {
		return errors.Join(err, inner.Rollback(ctx))
	}
	return inner.Rollback(ctx)
}

// served is the version that the views show.
type served struct {
	name    string
	version int
}

// database is a pool or a transaction.
type database interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// served answers pgx.ErrNoRows when there is none yet.
func (m *Model) served(ctx context.Context, q database) (s served, err error) {
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
	if err := dropViews(ctx, tx, before); err != nil {
		return err
	}
	if err := createViews(ctx, tx, m.tables); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, serve, m.projection.name); err != nil {
		return fmt.Errorf("begin serving: %w", err)
	}
	return nil
}

// view is the name under which queries know a table: "stays" for "stays_v1".
func view(table string) string { return table[:strings.LastIndex(table, "_v")] }

func dropViews(ctx context.Context, tx pgx.Tx, tables []string) error {
	for _, table := range tables {
		if _, err := tx.Exec(ctx, "drop view if exists "+quote(view(table))); err != nil {
			return fmt.Errorf("drop view %s: %w", view(table), err)
		}
	}
	return nil
}

func createViews(ctx context.Context, tx pgx.Tx, tables []string) error {
	for _, table := range tables {
		if _, err := tx.Exec(ctx, "create view "+quote(view(table))+" as select * from "+quote(table)); err != nil {
			return fmt.Errorf("create view %s: %w", view(table), err)
		}
	}
	return nil
}

// overtaking is the attempt of a read model to take the place of another one, its rival, without any reader
// seeing less than before. When it is near, it holds the checkpoint of its rival, who cannot write from then on;
// as soon as it has come as far itself, it takes over in the transaction that holds the checkpoint.
type overtaking struct {
	model   *Model
	sources map[string]bool
	// near is called once, before the rival is held up, for what takes its time; may be nil.
	near   func(context.Context) error
	pin    pgx.Tx
	target checkpoint.Progress
}

func (m *Model) overtaking() *overtaking {
	o := &overtaking{model: m, sources: map[string]bool{}}
	for _, f := range m.feeds {
		o.sources[f.Source()] = true
	}
	return o
}

// step is called whenever mine has moved. take is given the transaction when the time has come.
func (o *overtaking) step(ctx context.Context, rival string, mine checkpoint.Progress, take func(pgx.Tx) error) (done bool, err error) {
	if o.pin == nil {
		near, err := o.approach(ctx, rival, mine)
		if err != nil || !near {
			return false, err
		}
		if err := o.hold(ctx, rival); err != nil {
			return false, err
		}
	}
	if mine.Behind(o.target) > 0 {
		return false, nil
	}
	err = take(o.pin)
	if err == nil {
		err = o.pin.Commit(ctx)
	}
	o.release(ctx)
	if held(err) {
		o.model.log.Info("a switch gave up because it was held up; it will be tried again", zap.Error(err))
		return false, nil
	}
	return err == nil, err
}

// approach tells whether mine is near. What takes its time is done first, and then it looks again.
func (o *overtaking) approach(ctx context.Context, rival string, mine checkpoint.Progress) (near bool, err error) {
	for {
		at, err := checkpoint.Load(ctx, o.model.runner.pool, rival)
		if err != nil || mine.Behind(at.Only(o.sources)) > overtakeLag {
			return false, err
		}
		if o.near == nil {
			return true, nil
		}
		if err := o.near(ctx); err != nil {
			return false, err
		}
		o.near = nil
	}
}

func (o *overtaking) hold(ctx context.Context, rival string) (err error) {
	if o.pin, err = o.model.runner.pool.Begin(ctx); err != nil {
		return fmt.Errorf("begin to overtake: %w", err)
	}
	if _, err = o.pin.Exec(ctx, pinned); err == nil {
		o.target, err = checkpoint.Hold(ctx, o.pin, rival)
		o.target = o.target.Only(o.sources)
	}
	if err != nil {
		o.release(ctx)
		return fmt.Errorf("hold %s: %w", rival, err)
	}
	return nil
}

func (o *overtaking) release(ctx context.Context) {
	if o.pin != nil {
		rollback(ctx, o.pin)
		o.pin = nil
	}
}

// held tells whether an error only says that somebody else was in the way for too long.
func held(err error) bool {
	state, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch state.Code {
	case "55P03", "25P03", "40P01": // lock_not_available, idle_in_transaction_session_timeout, deadlock_detected
		return true
	}
	return false
}

const versions = `
select (select name from projection_versions where base = $1 order by wanted desc, version desc limit 1),
       (select name from projection_versions where base = $1 and serving)`

// overtake makes the views show this version if it is the one to be served and has seen what the present one has.
func (m *Model) overtake(ctx context.Context, o *overtaking, mine checkpoint.Progress) error {
	var wanted, rival string
	if err := m.runner.pool.QueryRow(ctx, versions, m.base).Scan(&wanted, &rival); err != nil {
		return fmt.Errorf("read the versions of %s: %w", m.base, err)
	}
	if wanted != m.projection.name || rival == wanted {
		return nil
	}
	done, err := o.step(ctx, rival, mine, func(tx pgx.Tx) error { return m.serve(ctx, tx) })
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
			return err
		case serving:
			return errServing
		}
		if err := dropTables(ctx, tx, tables); err != nil {
			return err
		}
		return checkpoint.Forget(ctx, tx, name)
	})
	if err != nil {
		return fmt.Errorf("drop %s: %w", name, err)
	}
	return nil
}

func dropTables(ctx context.Context, tx pgx.Tx, tables []string) error {
	for _, table := range tables {
		if _, err := tx.Exec(ctx, "drop table if exists "+quote(table)); err != nil {
			return fmt.Errorf("drop table %s: %w", table, err)
		}
	}
	return nil
}
