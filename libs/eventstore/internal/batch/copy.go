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
	"github.com/songan-vn/songan/libs/pg"
)

// leastCopied is from how many facts on a batch is copied: COPY takes two thirds of the time that append_batch does for each, and
// two more round trips.
const leastCopied = 128

// rollbackLimit bounds the end of a copy that failed.
const rollbackLimit = 2 * time.Second

const (
	// takeTurn is what append_batch does first. Each statement sees what was committed before it began, so the last one sees all.
	// Who stops in the middle keeps all writers waiting, and is cut off.
	takeTurn = `begin; set local idle_in_transaction_session_timeout = '5s';
		select pg_advisory_xact_lock('events'::regclass::oid::bigint);
		select coalesce(max(position), 0) + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint from events`

	copyFacts   = `copy events (position, stream, version, type, data, meta, append, recorded_at) from stdin (format binary)`
	factColumns = 8
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

// copy stores the batch as append_batch does: version after version, and all of it or nothing. Nothing is there before the commit
// was sent.
func (b Batch) copy(ctx context.Context, conn *pgx.Conn, w *wire.Wire) (sent bool, err error) {
	session := conn.PgConn()
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy a batch of %d: %w", len(b), err)
			rollBack(ctx, session)
		}
	}()
	first, recorded, err := turn(ctx, conn)
	if err != nil {
		return false, err
	}
	b.encodeRows(w, first, recorded)
	if _, err := session.CopyFrom(ctx, w.Reader(), copyFacts); err != nil {
		if session.IsClosed() {
			*w = wire.Wire{} // the connection may still be reading from its memory
		}
		return false, err //nolint:wrapcheck // wrapped above
	}
	done, err := session.Exec(ctx, "commit").ReadAll()
	if err != nil {
		return !pgconn.SafeToRetry(err) && !Idle(err), err //nolint:wrapcheck // wrapped above
	}
	if tag := done[0].CommandTag.String(); tag != "COMMIT" { // of a transaction that had failed, it is ROLLBACK
		return false, fmt.Errorf("the database answered %s", tag)
	}
	b.place(first, recorded)
	return true, nil
}

// Idle tells whether the server has given up a transaction of which it heard nothing for long.
func Idle(err error) bool { return pg.Code(err) == "25P03" }

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
	var micros int64 // and no text of an instant, which may be in anybody's style
	err = errors.Join(
		types.Scan(pgtype.Int8OID, pgx.TextFormatCode, row[0], &first),
		types.Scan(pgtype.Int8OID, pgx.TextFormatCode, row[1], &micros),
	)
	return first, time.UnixMicro(micros), err
}

// rollBack ends the transaction, or else the session.
func rollBack(ctx context.Context, session *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackLimit)
	defer cancel()
	if session.IsClosed() || session.TxStatus() == 'I' {
		return
	}
	if _, err := session.Exec(ctx, "rollback").ReadAll(); err != nil {
		_ = session.Close(ctx) // whatever it says, it is of no use any more
	}
}

// encodeRows lists the batch fact by fact, as COPY takes it.
func (b Batch) encodeRows(w *wire.Wire, position int64, recorded time.Time) {
	w.Reset()
	w.OpenRows()
	for _, c := range b {
		for i := range c.Facts {
			w.Row(factColumns)
			w.Int8s(position)
			w.Texts(c.Stream)
			w.Int4s(c.Expected + i + 1)
			w.Texts(c.Types[i])
			w.Byteas(c.Data[i])
			w.Byteas(c.Written)
			w.Int8s(c.id)
			w.Times(recorded)
			position++
		}
	}
	w.CloseRows()
}
