package eventstore

import (
	"context"

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
	last = after
	err = r.store.scan(ctx, after, limit, func(w Stored) error {
		last = w.Position
		if !r.store.catalog.Knows(w.Name) {
			return nil
		}
		fact, err := r.store.Decode(w)
		if err != nil {
			return err
		}
		facts = append(facts, fact)
		return nil
	})
	if err != nil {
		return nil, after, err
	}
	return facts, last, nil
}
