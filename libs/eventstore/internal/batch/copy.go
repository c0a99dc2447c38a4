package batch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/songan-vn/songan/libs/eventstore/internal/wire"
)

// leastCopied is from how many facts on a batch is copied: COPY takes two thirds of the time that append_batch does for each, and
// two more round trips.
const leastCopied = 128

// rollbackLimit bounds the end of a copy that failed.
const rollbackLimit = 2 * time.Second

// takeTurn is what append_batch does first. Each statement sees what was committed before it began, so the last one sees all.
const (
	takeTurn = `begin; select pg_advisory_xact_lock('events'::regclass::oid::bigint);
		select coalesce(max(position), 0) + 1, clock_timestamp() from events`
	copyFacts = `copy events (position, stream, version, type, data, meta, append, recorded_at) from stdin (format binary)`
	columns   = 8
)

// copied tells whether the batch is large and is nothing but facts.
func (b Batch) copied() bool {
	facts := 0
	for _, c := range b {
		if c.key != "" || len(c.secrets) > 0 {
			return false
		}
		facts += len(c.Facts)
	}
	return facts >= leastCopied
}

// copy stores the batch as append_batch does: version after version, and all of it or nothing.
func (b Batch) copy(ctx context.Context, conn *pgx.Conn, w *wire.Wire) (sent bool, err error) {
	pg := conn.PgConn()
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy a batch of %d: %w", len(b), err)
			rollBack(ctx, pg)
		}
	}()
	first, recorded, err := turn(ctx, conn)
	if err != nil {
		return false, err
	}
	b.encodeRows(w, first, recorded)
	if _, err := pg.CopyFrom(ctx, w.Reader(), copyFacts); err != nil {
		return false, err //nolint:wrapcheck // wrapped above
	}
	if _, err := pg.Exec(ctx, "commit").ReadAll(); err != nil {
		return !pgconn.SafeToRetry(err), err //nolint:wrapcheck // wrapped above
	}
	b.place(first, recorded)
	return true, nil
}

// turn begins a transaction in which nobody else appends, and returns the position of its first fact.
func turn(ctx context.Context, conn *pgx.Conn) (first int64, recorded time.Time, err error) {
	results, err := conn.PgConn().Exec(ctx, takeTurn).ReadAll()
	if err != nil {
		return 0, recorded, err //nolint:wrapcheck // wrapped by copy
	}
	last := results[len(results)-1]
	if len(last.Rows) != 1 || len(last.Rows[0]) != 2 {
		return 0, recorded, errors.New("there is no answer")
	}
	row, types := last.Rows[0], conn.TypeMap()
	err = errors.Join(
		types.Scan(pgtype.Int8OID, pgx.TextFormatCode, row[0], &first),
		types.Scan(pgtype.TimestamptzOID, pgx.TextFormatCode, row[1], &recorded),
	)
	return first, recorded, err
}

// rollBack ends the transaction, or else the session.
func rollBack(ctx context.Context, pg *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackLimit)
	defer cancel()
	if pg.IsClosed() || pg.TxStatus() == 'I' {
		return
	}
	if _, err := pg.Exec(ctx, "rollback").ReadAll(); err != nil {
		_ = pg.Close(ctx) // whatever it says, it is of no use any more
	}
}

// encodeRows lists the batch fact by fact, as COPY takes it.
func (b Batch) encodeRows(w *wire.Wire, position int64, recorded time.Time) {
	w.Reset()
	w.OpenRows()
	for _, c := range b {
		for i := range c.Facts {
			w.Row(columns)
			w.Int8s(position)
			w.Texts(c.Stream)
			w.Int4s(c.Expected + i + 1)
			w.Texts(c.Types[i])
			w.Byteas(c.Data[i])
			w.Byteas(c.meta)
			w.Int8s(c.id)
			w.Times(recorded)
			position++
		}
	}
	w.CloseRows()
}
