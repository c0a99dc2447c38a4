package projection

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
	"github.com/songan-vn/songan/libs/projection/internal/views"
)

// Verified is what [Verify] found.
type Verified struct {
	// Facts were folded, up to the checkpoint of the read model; Rows are in its tables.
	Facts, Rows int64
	// Differences name tables and rows that are not what the facts come to; a bounded number of them.
	Differences []string
}

const (
	// verifyBatch is how many facts are folded at a time, and differencesShown how many differing rows a table shows.
	verifyBatch      = 10_000
	differencesShown = 5
)

// Read returns facts after a position and the last position that was looked at; see eventstore.Reader.
type Read func(ctx context.Context, after int64, limit int) (facts []events.Recorded, last int64, err error)

var errVerified = errors.New("verified: taken back")

// Verify folds the own log from zero into tables aside, as far as the read model has come, and compares them with the read
// model's, row by row and byte by byte. Both happen in one transaction that is taken back: nothing is changed, and the read
// model goes on meanwhile. p has to be a value of its own, not one that a [Runner] has.
func Verify(ctx context.Context, pool *pgxpool.Pool, p *Projection, read Read) (Verified, error) {
	var v Verified
	err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		m := &Model{projection: p}
		if err := tx.QueryRow(ctx, `select current_schema()`).Scan(&m.schema); err != nil {
			return fmt.Errorf("read schema: %w", err)
		}
		progress, err := checkpoint.Load(ctx, tx, p.name)
		if err != nil {
			return err
		}
		if err := m.foldAside(ctx, tx, &v, verifying{read: read, until: progress.Own()}); err != nil {
			return fmt.Errorf("fold the log aside: %w", err)
		}
		if err := m.compareAside(ctx, tx, &v); err != nil {
			return fmt.Errorf("compare: %w", err)
		}
		return errVerified
	})
	if !errors.Is(err, errVerified) {
		return Verified{}, fmt.Errorf("verify %s: %w", p.name, err)
	}
	return v, nil
}

// verifying is where facts come from, and up to which position.
type verifying struct {
	read  Read
	until int64
}

func (m *Model) foldAside(ctx context.Context, tx pgx.Tx, v *Verified, from verifying) error {
	if err := m.createAside(ctx, tx, m.schemaFor("verify")); err != nil {
		return fmt.Errorf("make a place aside: %w", err)
	}
	if err := m.projection.prepare(ctx, tx); err != nil {
		return err
	}
	for after := int64(0); after < from.until; {
		batch, last, err := from.read(ctx, after, int(min(verifyBatch, from.until-after)))
		if err != nil {
			return fmt.Errorf("read facts after %d: %w", after, err)
		}
		if last == after {
			return fmt.Errorf("the log ends at %d, and the read model is at %d", after, from.until)
		}
		if len(batch) > 0 {
			if err := m.projection.apply(ctx, tx, batch); err != nil {
				return fmt.Errorf("apply %d facts: %w", len(batch), err)
			}
		}
		v.Facts += int64(len(batch))
		after = last
	}
	return nil
}

func (m *Model) compareAside(ctx context.Context, tx pgx.Tx, v *Verified) error {
	aside := m.schemaFor("verify")
	var tables []string
	if err := tx.QueryRow(ctx, tablesOf, views.Quote(aside)).Scan(&tables); err != nil {
		return fmt.Errorf("read tables: %w", err)
	}
	for _, table := range tables {
		served, folded := views.Quote(m.schema)+"."+views.Quote(table), views.Quote(aside)+"."+views.Quote(table)
		var rows int64
		if err := tx.QueryRow(ctx, `select count(*) from `+served).Scan(&rows); err != nil {
			return fmt.Errorf("count %s: %w", table, err)
		}
		v.Rows += rows
		for what, sides := range map[string][2]string{"is served and not in the log": {served, folded}, "is in the log and not served": {folded, served}} {
			found, err := only(ctx, tx, sides)
			if err != nil {
				return fmt.Errorf("compare %s: %w", table, err)
			}
			for _, key := range found {
				v.Differences = append(v.Differences, fmt.Sprintf("%s: the row that begins with %s %s", table, key, what))
			}
		}
	}
	return nil
}

// only returns the first column of rows that are on the first side alone. Rows hold no people, but need not be shown.
func only(ctx context.Context, tx pgx.Tx, sides [2]string) ([]string, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(`
select left(split_part(trim(leading '(' from r), ',', 1), 64)
  from (select t::text as r from %s t except all select t::text from %s t) as differing
 order by 1
 limit %d`, sides[0], sides[1], differencesShown))
	if err != nil {
		return nil, fmt.Errorf("list differences: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
