package eventstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
	"github.com/songan-vn/songan/libs/eventstore/internal/queue"
	"github.com/songan-vn/songan/libs/pg"
)

const loadTries = 4 // of one query while the database is away

// loading is one caller's wish for streams, and what was found of each.
type loading struct {
	streams []string
	rows    [][]Stored
	err     error
}

// Load returns the facts of a stream, oldest first, and none for a stream that does not exist. It sees everything that
// was answered before it was called. Concurrent loads share queries.
func (s *Store) Load(ctx context.Context, stream string) ([]events.Recorded, error) {
	rows, err := s.rows(ctx, stream)
	if err != nil {
		return nil, err
	}
	return s.history(stream, rows)
}

// LoadAll is [Store.Load] of many streams in one piece, in their order: for who would ask for them one after the other, or with a
// goroutine for each. It waits for room in the queue instead of being refused.
func (s *Store) LoadAll(ctx context.Context, streams []string) ([][]events.Recorded, error) {
	histories := make([][]events.Recorded, 0, len(streams))
	for chunk := range slices.Chunk(streams, queue.BatchSize) {
		found, err := s.rowsOf(ctx, s.loads.EnterLate, chunk)
		if err != nil {
			return nil, fmt.Errorf("load %d streams: %w", len(chunk), err)
		}
		for i, rows := range found {
			history, err := s.history(chunk[i], rows)
			if err != nil {
				return nil, err
			}
			histories = append(histories, history)
		}
	}
	return histories, nil
}

func (s *Store) rows(ctx context.Context, stream string) ([]Stored, error) {
	found, err := s.rowsOf(ctx, s.loads.Enter, []string{stream})
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", stream, err)
	}
	return found[0], nil
}

func (s *Store) rowsOf(
	ctx context.Context, enter func(context.Context, *queue.Ticket[*loading]) error, streams []string,
) ([][]Stored, error) {
	l := &loading{streams: streams}
	t := &queue.Ticket[*loading]{Work: l, Size: len(streams), Done: make(chan struct{})}
	for _, stream := range streams {
		t.Bytes += len(stream)
	}
	if err := enter(ctx, t); err != nil {
		return nil, err
	}
	select {
	case <-t.Done:
	case <-ctx.Done():
		s.loads.Leave(t)
		return nil, ctx.Err() //nolint:wrapcheck // the caller wraps
	}
	return l.rows, l.err
}

// history decodes in the caller's goroutine, so that a long or broken stream holds up nobody else.
func (s *Store) history(stream string, rows []Stored) ([]events.Recorded, error) {
	history := make([]events.Recorded, len(rows))
	for i, r := range rows {
		if r.Version != i+1 {
			return nil, fmt.Errorf("load %s: %w: version %d is missing", stream, ErrHole, i+1)
		}
		err := rows[i].complete() // for whoever gets the rows after us; those that are kept for others are complete
		if err == nil {
			history[i], err = s.decode(rows[i])
		}
		if err != nil {
			return nil, fmt.Errorf("load %s: version %d: %w", stream, r.Version, err)
		}
	}
	return history, nil
}

// load is the life of one loader: take what waits, ask once, answer.
func (s *Store) load() {
	for {
		tickets := s.loads.Take()
		if len(tickets) == 0 {
			return
		}
		s.fetch(tickets)
		for _, t := range tickets {
			close(t.Done)
		}
	}
}

func (s *Store) fetch(tickets []*queue.Ticket[*loading]) {
	streams := make([]string, 0, len(tickets))
	for _, t := range tickets {
		streams = append(streams, t.Work.streams...)
	}
	var found [][]Stored
	var err error
	for try := range loadTries {
		found, err = s.fetchStreams(streams)
		if !pg.IsDown(err) || !s.pause(s.ctx, try) {
			break
		}
	}
	if pg.IsDown(err) {
		err = fmt.Errorf("%w: %w", away(), err)
	}
	for _, t := range tickets {
		if t.Work.err = err; err == nil {
			n := len(t.Work.streams)
			t.Work.rows, found = found[:n:n], found[n:]
		}
	}
}

// One scan of the index per stream: "offset 0" keeps the planner from joining in a way that looks cheap while the table
// is small. Without "order by", long streams are not sorted through a file; their rows lie in order anyway, nearly always.
const loadStreams = `select s.n, e.position, e.version, e.type, e.data, e.meta, e.recorded_at
	from unnest($1::text[]) with ordinality as s(stream, n)
	cross join lateral (
		select position, version, type, data, meta, recorded_at from events where events.stream = s.stream offset 0
	) as e`

func (s *Store) fetchStreams(streams []string) ([][]Stored, error) {
	ctx, cancel := context.WithTimeout(s.ctx, tripLimit)
	defer cancel()
	rows, err := s.own.Query(ctx, loadStreams, streams)
	if err != nil {
		return nil, fmt.Errorf("query %d streams: %w", len(streams), err)
	}
	found := make([][]Stored, len(streams))
	var n int
	var r Stored
	_, err = pgx.ForEachRow(rows, []any{&n, &r.Position, &r.Version, &r.Name, &r.Data, &r.meta, &r.RecordedAt}, func() error {
		r.Stream, r.decoded = streams[n-1], &batch.Decoded{}
		found[n-1] = append(found[n-1], r)
		r.Data, r.meta = nil, nil
		return nil
	})
	for _, rows := range found {
		if byVersion := func(a, b Stored) int { return a.Version - b.Version }; !slices.IsSortedFunc(rows, byVersion) {
			slices.SortFunc(rows, byVersion)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read %d streams: %w", len(streams), err)
	}
	return found, nil
}
