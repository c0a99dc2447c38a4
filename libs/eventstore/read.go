package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
)

// Read returns up to limit facts after a position, in order. It returns fewer only at the end of the log, and [ErrHole]
// if one is missing between them.
func (s *Store) Read(ctx context.Context, after int64, limit int) ([]events.Recorded, error) {
	const query = `select stream, position, version, type, data, meta, recorded_at
		from events where position > $1 order by position limit $2`
	if limit < 1 {
		return nil, errors.New("read the log: the limit is at least 1")
	}
	rows, err := s.pool.Query(ctx, query, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	var stream string
	var r row
	var list []events.Recorded
	_, err = pgx.ForEachRow(rows, []any{&stream, &r.position, &r.version, &r.name, &r.data, &r.meta, &r.recordedAt}, func() error {
		if want := after + int64(len(list)) + 1; r.position != want {
			return fmt.Errorf("%w: position %d is missing", ErrHole, want)
		}
		recorded, err := s.decode(stream, r)
		if err != nil {
			return fmt.Errorf("position %d: %w", r.position, err)
		}
		list = append(list, recorded)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	return list, nil
}

// Head returns the last position of the log; 0 when it is empty.
func (s *Store) Head(ctx context.Context) (int64, error) {
	var position int64
	if err := s.pool.QueryRow(ctx, `select coalesce(max(position), 0) from events`).Scan(&position); err != nil {
		return 0, fmt.Errorf("read the log's head: %w", err)
	}
	s.head.advance(position)
	return position, nil
}

func (s *Store) decode(stream string, r row) (events.Recorded, error) {
	fact, err := s.catalog.Decode(r.name, r.data)
	if err != nil {
		return events.Recorded{}, err //nolint:wrapcheck // the caller says where
	}
	recorded := events.Recorded{
		Position: r.position, Stream: stream, Version: r.version, Meta: r.as, RecordedAt: r.recordedAt.UTC(), Event: fact,
	}
	if r.meta == nil {
		return recorded, nil
	}
	if err := json.Unmarshal(r.meta, &recorded.Meta); err != nil {
		return events.Recorded{}, fmt.Errorf("decode the meta: %w", err)
	}
	return recorded, nil
}
