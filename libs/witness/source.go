package witness

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/songan-vn/songan/libs/pg"
)

// Source is the table whose rows are the leaves of a tree.
type Source string

const (
	// Facts is the log.
	Facts Source = "facts"
	// Readings is the register of who read whom, by which one finds after a breach whose data it was. Its numbers are given
	// out before rows are committed, and some to rows that never are: such a vacancy is a leaf as well.
	Readings Source = "readings"
)

// row is a leaf with its place.
type row struct {
	position   int64
	leaf       tlog.Hash
	recordedAt time.Time
}

// pageSize is how many rows are read at a time: two chunks.
const pageSize = 2 * chunkSize

// page reads the rows after a position and not after another, in order; fewer than pageSize only at the end.
func (s Source) page(ctx context.Context, db pg.Querier, after, until int64) ([]row, error) {
	if s == Readings {
		return readings(ctx, db, after, until)
	}
	entries, err := page(ctx, db, after)
	if err != nil {
		return nil, err
	}
	rows := make([]row, 0, len(entries))
	for _, e := range entries {
		rows = append(rows, row{e.position, e.leaf(), e.recordedAt})
	}
	return rows, nil
}

// vacant tells whether a leaf says that nothing stands at its place.
func (s Source) vacant(leaf tlog.Hash) bool { return s == Readings && leaf == vacancy() }

func vacancy() tlog.Hash { return tlog.RecordHash([]byte("songan.vacancy.v1\n")) }

func readings(ctx context.Context, db pg.Querier, after, until int64) ([]row, error) {
	const query = `
select id, at, kind, actor, purpose, case_ref, refs::text[]
  from vault_readings
 where id > $1 and id <= $2
 order by id
 limit $3`
	found, err := db.Query(ctx, query, after, until, pageSize)
	if err != nil {
		return nil, fmt.Errorf("read the register after %d: %w", after, err)
	}
	rows, err := pgx.CollectRows(found, func(found pgx.CollectableRow) (r row, err error) {
		var kind, actor, purpose, file string
		var refs []string
		if err := found.Scan(&r.position, &r.recordedAt, &kind, &actor, &purpose, &file, &refs); err != nil {
			return r, err //nolint:wrapcheck // wrapped below
		}
		r.leaf = tlog.RecordHash([]byte(strings.Join([]string{
			"songan.reading.v1", strconv.FormatInt(r.position, 10), r.recordedAt.UTC().Format(time.RFC3339Nano), strconv.Quote(kind),
			strconv.Quote(actor), strconv.Quote(purpose), strconv.Quote(file), strings.Join(refs, " "), "",
		}, "\n")))
		return r, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the register after %d: %w", after, err)
	}
	return rows, nil
}

// filled puts vacancies between rows, up to a position.
func filled(rows []row, after, until int64) []row {
	all := make([]row, 0, len(rows))
	for _, r := range rows {
		for after++; after < r.position; after++ {
			all = append(all, row{position: after, leaf: vacancy()})
		}
		all = append(all, r)
	}
	for after++; after <= until; after++ {
		all = append(all, row{position: after, leaf: vacancy()})
	}
	return all
}

// horizon is how far numbers were given out at a moment, and the first transaction that had not begun to write by then.
type horizon struct {
	given, next int64
	at          time.Time
	told        bool // that it takes long
}

// longWait is how long a transaction may keep the register from being settled until the log says so.
const longWait = 10 * time.Minute

// settled is up to where no row can be added any more. Of the log that is its end. Numbers of the register are settled when
// every transaction has ended that was writing when they had been given out: at the next look, mostly.
func (k *Keeper) settled(ctx context.Context) (int64, error) {
	if k.options.Of == Facts {
		return 0, nil
	}
	seen := horizon{at: k.options.Now()}
	var running int64
	const given = `select case when is_called then last_value else 0 end from vault_readings_id_seq`
	if err := k.pool.QueryRow(ctx, given).Scan(&seen.given); err != nil {
		return 0, fmt.Errorf("look at the numbers of the register: %w", err)
	}
	// Afterwards: who has a number and is writing is among those that run.
	const snapshot = `select pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint from pg_current_snapshot() as s`
	if err := k.pool.QueryRow(ctx, snapshot).Scan(&running, &seen.next); err != nil {
		return 0, fmt.Errorf("look at what is being written: %w", err)
	}
	if k.ahead.next > 0 && running < k.ahead.next {
		if waited := seen.at.Sub(k.ahead.at); waited > longWait && !k.ahead.told {
			k.ahead.told = true
			k.options.Log.Warn("somebody has been writing to the database for long: readings have no checkpoint since", zap.Duration("waited", waited))
		}
		return k.until, nil
	}
	k.until, k.ahead = max(k.until, k.ahead.given), seen
	return k.until, nil
}
