package witness

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
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

// page is some rows that follow each other.
type page struct {
	rows  []row
	more  bool // may follow
	leapt bool // the numbers leap after it
}

// pageSize is the most rows that are added at a time: two chunks.
const pageSize = 2 * chunkSize

// rows reads a page of the table, in order, fewer than pageSize only at the end.
func (s Source) rows(ctx context.Context, db pg.Querier, after int64) ([]row, error) {
	if s == Readings {
		return readings(ctx, db, after, math.MaxInt64)
	}
	return facts(ctx, db, after, pageSize)
}

// pageOfRegister is what a keeper adds: with a leaf for each vacancy, and only up to where the register is settled.
func pageOfRegister(ctx context.Context, db pg.Querier, after, until int64) (p page, err error) {
	if p.rows, err = readings(ctx, db, after, until); err != nil {
		return page{}, err
	}
	p.rows, p.leapt = filled(p.rows, after, until)
	p.more = len(p.rows) == pageSize
	return p, nil
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

// mostVacant is how many numbers in a row may be vacant. More are no readings that failed: somebody has set the sequence, and
// as many leaves would fill the disk.
const mostVacant = 1 << 20

// ErrLeapt says that the numbers of the register leapt ahead, and that a keeper does not follow.
var ErrLeapt = errors.New("the numbers of the register leapt: its sequence was set")

// filled puts vacancies between rows, up to a position, a page at most. It stops where the numbers leap.
func filled(rows []row, after, until int64) (all []row, leapt bool) {
	end := min(until, after+pageSize)
	if len(rows) < pageSize {
		rows = append(rows, row{position: until + 1})
	}
	for _, r := range rows {
		if r.position-after > mostVacant {
			return all, true
		}
		for after++; after < min(r.position, end+1); after++ {
			all = append(all, row{position: after, leaf: vacancy()})
		}
		if r.position > end {
			break
		}
		all = append(all, r)
	}
	return all, false
}

// given is the last number of the register that was given out.
func given(ctx context.Context, db pg.Querier) (last int64, err error) {
	const query = `select case when is_called then last_value else 0 end from vault_readings_id_seq`
	if err := db.QueryRow(ctx, query).Scan(&last); err != nil {
		return 0, fmt.Errorf("look at the numbers of the register: %w", err)
	}
	return last, nil
}

// look is what was seen at a moment: how far numbers were given out, and the transactions that were writing to the register.
type look struct {
	given   int64
	writing []string
	at      time.Time
	told    bool // that it takes long
}

// longWait is how long a transaction may keep the register from being settled until the log says so.
const longWait = 10 * time.Minute

// settle finds out up to where no row can be added any more. Of the log that is its end. Numbers of the register are settled
// when every transaction has ended that was writing to it when they had been given out: at once, or at the next look, mostly.
func (k *Keeper) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.options.Patience)
	defer cancel()
	seen := look{given: math.MaxInt64, at: k.options.Now()}
	if k.options.Of == Facts {
		k.settled = seen
		return nil
	}
	var err error
	if seen.given, err = given(ctx, k.pool); err != nil {
		return err
	}
	// Afterwards: whoever inserts locks the table before a row has its number, and until their transaction ends. They need
	// not have a transaction id yet, so that no snapshot shows them all.
	const writing = `
select coalesce(array_agg(virtualtransaction), '{}')
  from pg_locks
 where locktype = 'relation' and relation = 'vault_readings'::regclass and mode = 'RowExclusiveLock'
   and database = (select oid from pg_database where datname = current_database())`
	if err := k.pool.QueryRow(ctx, writing).Scan(&seen.writing); err != nil {
		return fmt.Errorf("look at who writes to the register: %w", err)
	}
	if slices.ContainsFunc(k.ahead.writing, func(w string) bool { return slices.Contains(seen.writing, w) }) {
		if waited := seen.at.Sub(k.ahead.at); waited > longWait && !k.ahead.told {
			k.ahead.told = true
			k.options.Log.Warn("somebody has been writing to the register for long: readings have no checkpoint since", zap.Duration("waited", waited))
		}
		return nil
	}
	if len(seen.writing) == 0 {
		k.ahead = seen
	}
	k.settled, k.ahead = k.ahead, seen
	return nil
}
