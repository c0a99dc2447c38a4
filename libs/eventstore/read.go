package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
)

// Piece is some of the log for who wants some kinds of facts: the others are not looked into.
type Piece struct {
	Facts []events.Recorded // that are wanted
	Read  int               // wanted or not
	Last  int64             // position of the last one that was read
	Since time.Time         // when the first one was recorded
}

// add reads one more fact. A nil map wants all.
func (p *Piece) add(s *Store, r Stored, wanted map[string]bool) error {
	if p.Read == 0 {
		p.Since = r.RecordedAt
	}
	p.Read, p.Last = p.Read+1, r.Position
	passed := wanted != nil && !wanted[r.Name]
	if passed && s.catalog.Knows(r.Name) { // of one that nobody knows, Decode says so
		return nil
	}
	recorded, err := s.Decode(r)
	if err != nil {
		return err
	}
	p.Facts = append(p.Facts, recorded)
	return nil
}

// ReadPiece reads up to limit facts after a position, in order, and decodes those that are wanted, by their stored names; nil
// wants all. It reads fewer only at the end of the log, and returns [ErrHole] if one is missing between them.
func (s *Store) ReadPiece(ctx context.Context, after int64, limit int, wanted map[string]bool) (Piece, error) {
	p := Piece{Last: after}
	err := s.scan(ctx, after, limit, func(r Stored) error { return p.add(s, r, wanted) })
	return p, err
}

// Read returns up to limit facts after a position; see [Store.ReadPiece].
func (s *Store) Read(ctx context.Context, after int64, limit int) ([]events.Recorded, error) {
	p, err := s.ReadPiece(ctx, after, limit, nil)
	return p.Facts, err
}

// scan reads facts and hands them on one by one, while more of them are on their way.
func (s *Store) scan(ctx context.Context, after int64, limit int, hand func(Stored) error) error {
	const query = `select stream, position, version, type, data, meta, recorded_at
		from events where position > $1 order by position limit $2`
	if limit < 1 {
		return errors.New("read the log: the limit is at least 1")
	}
	rows, err := s.pool.Query(ctx, query, after, limit)
	if err != nil {
		return fmt.Errorf("read the log after %d: %w", after, err)
	}
	var r Stored
	last := after
	_, err = pgx.ForEachRow(rows, []any{&r.Stream, &r.Position, &r.Version, &r.Name, &r.Data, &r.meta, &r.RecordedAt}, func() error {
		if last++; r.Position != last {
			return fmt.Errorf("%w: position %d is missing", ErrHole, last)
		}
		r.decoded = &batch.Decoded{}
		err := hand(r)
		r.Data, r.meta = nil, nil
		return err
	})
	if err != nil {
		return fmt.Errorf("read the log after %d: %w", after, err)
	}
	return nil
}

// Head returns the last position of the log; 0 when it is empty.
func (s *Store) Head(ctx context.Context) (int64, error) {
	var position int64
	if err := s.pool.QueryRow(ctx, `select coalesce(max(position), 0) from events`).Scan(&position); err != nil {
		return 0, fmt.Errorf("read the log's head: %w", err)
	}
	s.head.Advance(position)
	return position, nil
}

// LastOf returns the head of the log, and the last position after a position at which one of some facts stands; 0 if none
// does. It is for those who have seen the log up to there and ask whether anything that matters has come since.
func (s *Store) LastOf(ctx context.Context, after int64, names ...string) (head, last int64, err error) {
	const query = `
select coalesce(max(position), $1), coalesce(max(position) filter (where type = any($2)), 0) from events where position > $1`
	if err := s.pool.QueryRow(ctx, query, after, names).Scan(&head, &last); err != nil {
		return 0, 0, fmt.Errorf("look for facts after %d: %w", after, err)
	}
	return head, last, nil
}

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
