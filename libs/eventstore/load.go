package eventstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/pg"
)

const loadTries = 4 // of one query while the database is away

// loading is one caller's wish for a stream, and what was found.
type loading struct {
	stream string
	rows   []row
	err    error
}

// row is a fact as it lies in the table.
type row struct {
	position   int64
	version    int
	name       string
	data       []byte
	meta       []byte
	as         events.Meta // what meta says, if meta is nil
	recordedAt time.Time
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

func (s *Store) rows(ctx context.Context, stream string) ([]row, error) {
	l := &loading{stream: stream}
	t := &ticket[*loading]{work: l, size: 1, bytes: len(stream), done: make(chan struct{})}
	if err := s.loads.enter(ctx, t); err != nil {
		return nil, fmt.Errorf("load %s: %w", stream, err)
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		s.loads.leave(t)
		return nil, fmt.Errorf("load %s: %w", stream, ctx.Err())
	}
	if l.err != nil {
		return nil, fmt.Errorf("load %s: %w", stream, l.err)
	}
	return l.rows, nil
}

// history decodes in the caller's goroutine, so that a long or broken stream holds up nobody else.
func (s *Store) history(stream string, rows []row) ([]events.Recorded, error) {
	history := make([]events.Recorded, len(rows))
	for i, r := range rows {
		if r.version != i+1 {
			return nil, fmt.Errorf("load %s: %w: version %d is missing", stream, ErrHole, i+1)
		}
		var err error
		if history[i], err = s.decode(stream, r); err != nil {
			return nil, fmt.Errorf("load %s: version %d: %w", stream, r.version, err)
		}
	}
	return history, nil
}

// read is the life of one loader: take what waits, ask once, answer.
func (s *Store) read() {
	for {
		tickets := s.loads.take()
		if len(tickets) == 0 {
			return
		}
		s.fetch(tickets)
		for _, t := range tickets {
			close(t.done)
		}
	}
}

func (s *Store) fetch(tickets []*ticket[*loading]) {
	streams := make([]string, len(tickets))
	for i, t := range tickets {
		streams[i] = t.work.stream
	}
	var found [][]row
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
	for i, t := range tickets {
		if t.work.err = err; err == nil {
			t.work.rows = found[i]
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

func (s *Store) fetchStreams(streams []string) ([][]row, error) {
	ctx, cancel := context.WithTimeout(s.ctx, tripLimit)
	defer cancel()
	rows, err := s.own.Query(ctx, loadStreams, streams)
	if err != nil {
		return nil, fmt.Errorf("query %d streams: %w", len(streams), err)
	}
	found := make([][]row, len(streams))
	var n int
	var r row
	_, err = pgx.ForEachRow(rows, []any{&n, &r.position, &r.version, &r.name, &r.data, &r.meta, &r.recordedAt}, func() error {
		found[n-1] = append(found[n-1], r)
		r.data, r.meta = nil, nil
		return nil
	})
	for _, rows := range found {
		if byVersion := func(a, b row) int { return a.version - b.version }; !slices.IsSortedFunc(rows, byVersion) {
			slices.SortFunc(rows, byVersion)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read %d streams: %w", len(streams), err)
	}
	return found, nil
}
