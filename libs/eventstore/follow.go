package eventstore

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/pg"
)

// pollEvery is how often a follower looks although nobody told it to: a notification may be lost.
const pollEvery = time.Second

// Follow hands all facts after a position to handle, in order and up to limit at a time, and waits for more. It decodes those that
// are wanted, by their stored names, and nil wants all; see [Piece]. It returns nil when ctx ends. If handle fails, its error is
// returned and nothing after that piece was handed out.
//
// While the database is away, Follow waits for it. A hole, or a fact that is not in the catalog, ends it with an error, also if nobody
// wants it: to go on would be to skip something. What this process has appended lately comes from memory, and several followers
// get the same facts: nobody changes them. While many commands are under way, it rests between batches; see package pace.
func (s *Store) Follow(
	ctx context.Context, after int64, limit int, wanted map[string]bool, handle func(context.Context, Piece) error,
) error {
	return s.FollowStored(ctx, after, limit, func(ctx context.Context, batch []Stored) error {
		var p Piece
		for _, r := range batch {
			if err := p.add(s, r, wanted); err != nil {
				return err
			}
		}
		return handle(ctx, p)
	})
}

// FollowStored is [Store.Follow] for whoever does not look into facts. Their names are in the catalog.
func (s *Store) FollowStored(
	ctx context.Context, after int64, limit int, handle func(context.Context, []Stored) error,
) error {
	f := s.Follower(after)
	for {
		from := f.after
		batch, err := f.Next(ctx, limit)
		if err == nil {
			err = handle(ctx, batch)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case s.ctx.Err() != nil:
			return fmt.Errorf("follow after %d: %w", from, ErrClosed)
		case err != nil:
			return fmt.Errorf("follow after %d: %w", from, err)
		}
		s.GiveWay(ctx, time.Since(f.began), batch[0].RecordedAt)
	}
}

// mostOverheard is the most facts that are handed on at a time.
const mostOverheard = 1000

// Overhear hands on facts that this process appends, and those of them that it still remembers, from memory alone and in order,
// until ctx ends or the store is closed. It leaves out facts: those of other processes, those that were forgotten before their
// turn came (see package ring), and after a failover those at positions that it has handed on before. It is for who can read the
// log for the rest.
func (s *Store) Overhear(ctx context.Context, handle func([]Stored)) {
	for after := int64(0); ctx.Err() == nil && s.ctx.Err() == nil; {
		_, changed := s.head.Look() // before the ring: what is added in between has to wake us
		if batch := s.ring.Since(after, mostOverheard); len(batch) > 0 {
			handle(batch)
			after = batch[len(batch)-1].Position
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
	}
}

// Follower reads the log onwards, for who takes it in pieces. It belongs to one goroutine.
type Follower struct {
	store *Store
	after int64
	look  bool      // whether to ask the database although nobody said that there is more
	began time.Time // reading the last piece
}

// Follower returns one that stands after a position.
func (s *Store) Follower(after int64) *Follower { return &Follower{store: s, after: after, look: true} }

// Next waits for facts and returns up to limit of them; see [Store.Follow] about when it fails.
func (f *Follower) Next(ctx context.Context, limit int) ([]Stored, error) {
	s := f.store
	for {
		at, changed := s.head.Look()
		if f.look || at > f.after {
			f.began = time.Now()
			batch, err := s.next(ctx, f.after, limit)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case s.ctx.Err() != nil:
				return nil, ErrClosed
			case err != nil:
				return nil, err
			case len(batch) > 0:
				f.after, f.look = batch[len(batch)-1].Position, false
				return batch, nil
			}
		}
		select {
		case <-changed:
			f.look = false
		case <-time.After(pollEvery):
			f.look = true
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// GiveWay rests after work on facts that took so long, if many commands are under way; since is when the oldest of them was
// recorded. Following does so by itself; who reads the log in pieces calls it after each.
func (s *Store) GiveWay(ctx context.Context, took time.Duration, since time.Time) {
	s.pace.Rest(ctx, took, since)
}

// next returns what follows a position: from memory if it is there, else from the database, for which it waits.
func (s *Store) next(ctx context.Context, after int64, limit int) ([]Stored, error) {
	if batch := s.ring.After(after, limit); len(batch) > 0 {
		s.metrics.remembered.Add(float64(len(batch)))
		return batch, nil
	}
	return s.readPatiently(ctx, after, limit)
}

// readPatiently reads, and waits while the database is away.
func (s *Store) readPatiently(ctx context.Context, after int64, limit int) ([]Stored, error) {
	for try := 0; ; try++ {
		batch, err := s.readStored(ctx, after, limit)
		if !pg.IsDown(err) {
			return batch, err
		}
		if try == 0 {
			s.log.Warn("a follower waits for the database", zap.Int64("after", after), zap.Error(err))
		}
		if !s.pause(ctx, try) {
			return nil, fmt.Errorf("%w: %w", ErrClosed, err)
		}
	}
}

func (s *Store) readStored(ctx context.Context, after int64, limit int) (batch []Stored, err error) {
	err = s.scan(ctx, after, limit, func(r Stored) error {
		if !s.catalog.Knows(r.Name) {
			return fmt.Errorf("position %d: fact %q is not in the catalog", r.Position, r.Name)
		}
		if err := r.complete(); err != nil {
			return fmt.Errorf("position %d: %w", r.Position, err)
		}
		batch = append(batch, r)
		return nil
	})
	return batch, err
}
