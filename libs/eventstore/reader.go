package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
)

// Reader reads a log from outside its service: for auditors, not for services. It starts nothing, cannot write, and
// passes over facts that are not in its catalog, which an auditor need not know. It proves all the same that no position
// is missing.
type Reader struct{ store Store }

// NewReader returns a reader of the log in the pool's schema.
func NewReader(pool *pgxpool.Pool, catalog events.Catalog) *Reader {
	return &Reader{store: Store{pool: pool, catalog: catalog}}
}

// Read returns the known ones of up to limit facts after a position, in order, and the last position that was looked at:
// that given when the log ends there. It returns [ErrHole] if a position is missing.
func (r *Reader) Read(ctx context.Context, after int64, limit int) (facts []events.Recorded, last int64, err error) {
	const query = `select stream, position, version, type, data, meta, recorded_at
		from events where position > $1 order by position limit $2`
	if limit < 1 {
		return nil, after, errors.New("read the log: the limit is at least 1")
	}
	rows, err := r.store.pool.Query(ctx, query, after, limit)
	if err != nil {
		return nil, after, fmt.Errorf("read the log after %d: %w", after, err)
	}
	last = after
	var stream string
	var w row
	_, err = pgx.ForEachRow(rows, []any{&stream, &w.position, &w.version, &w.name, &w.data, &w.meta, &w.recordedAt}, func() error {
		if last++; w.position != last {
			return fmt.Errorf("%w: position %d is missing", ErrHole, last)
		}
		if !r.store.catalog.Knows(w.name) {
			return nil
		}
		fact, err := r.store.decode(stream, w)
		if err != nil {
			return fmt.Errorf("position %d: %w", w.position, err)
		}
		facts = append(facts, fact)
		return nil
	})
	if err != nil {
		return nil, after, fmt.Errorf("read the log after %d: %w", after, err)
	}
	return facts, last, nil
}
