package eventstore

import (
	"context"
	"fmt"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
	"github.com/songan-vn/songan/libs/eventstore/internal/queue"
	"github.com/songan-vn/songan/libs/vault"
)

// Append is some facts for the end of one stream: all of them are stored, or none.
type Append struct {
	Stream string
	// Expected is the version that the stream has; 0 for a new one.
	Expected int
	Facts    []events.Event
	// Meta is stored with each fact. An OccurredAt of zero becomes the store's Now.
	Meta events.Meta
	// Secrets are what the facts refer to. They are stored with the facts or not at all.
	Secrets []vault.Row
	// OneCause remembers the cause, and refuses the append with [ErrKeyUsed] if it has changed another stream.
	OneCause bool
}

// Result is what became of one append of many.
type Result struct {
	Recorded []events.Recorded
	Err      error
}

// Append stores facts and returns them as they were recorded. When it returns, they are durable.
//
// It returns [ErrConflict] if the stream is at another version, [ErrKeyUsed] as [Append.OneCause] says, [ErrUnstorable] if
// the database refuses what the facts hold, and a problem of kind Unavailable if too much is waiting or the database is
// away. If ctx ends while the append waits for its turn, nothing was stored and the error is ctx's. If it was sent already
// it may have been stored: then the error is [ErrUnknown] as well.
func (s *Store) Append(ctx context.Context, a Append) ([]events.Recorded, error) {
	c, err := s.append(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("append to %s: %w", a.Stream, err)
	}
	return recorded(c), nil
}

func (s *Store) append(ctx context.Context, a Append) (*batch.Command, error) {
	c := s.encode(a, 0)
	if err := s.send(ctx, s.appends.Enter, c); err != nil {
		return nil, err
	}
	return c, c.Err
}

// AppendAll stores many appends, each for itself, and answers for each of them. Several may go to one stream; they are
// tried in the order given. It sends chunk after chunk, and waits for room instead of taking the place of others.
//
// An error of its own means that ctx ended or the store was closed before all was done. The results are there
// nevertheless: whatever has no facts says why.
func (s *Store) AppendAll(ctx context.Context, all []Append) ([]Result, error) {
	results := make([]Result, len(all))
	for from := 0; from < len(all); {
		chunk := s.chunk(all[from:])
		if err := s.send(ctx, s.appends.EnterLate, chunk...); err != nil {
			err = fmt.Errorf("append %d of %d: %w", from+1, len(all), err)
			for i := range results[from:] {
				results[from+i].Err = err
			}
			return results, err
		}
		for i, c := range chunk {
			results[from+i] = result(c)
		}
		from += len(chunk)
	}
	return results, nil
}

// chunk encodes as many appends as go into one batch.
func (s *Store) chunk(all []Append) []*batch.Command {
	var chunk []*batch.Command
	bytes := 0
	for _, a := range all[:min(len(all), queue.BatchSize)] {
		c := s.encode(a, 0)
		chunk = append(chunk, c)
		if bytes += c.Bytes; bytes > queue.BatchBytes {
			break
		}
	}
	return chunk
}

// send queues commands as one piece and waits until all of them are answered. When it fails, they are not to be
// looked at: the writer may have them.
func (s *Store) send(ctx context.Context, enter entrance, commands ...*batch.Command) error {
	t := ticketOf(commands...)
	if t.Size == 0 {
		return nil
	}
	if err := enter(ctx, t); err != nil {
		return err
	}
	return s.await(ctx, t)
}

// ticketOf is for those of the commands that can be stored.
func ticketOf(commands ...*batch.Command) *queue.Ticket[[]*batch.Command] {
	t := &queue.Ticket[[]*batch.Command]{Done: make(chan struct{})}
	for _, c := range commands {
		if c.Err == nil {
			t.Work = append(t.Work, c)
			t.Size++
			t.Bytes += c.Bytes
		}
	}
	return t
}

// await waits until the writer has answered.
func (s *Store) await(ctx context.Context, t *queue.Ticket[[]*batch.Command]) error {
	select {
	case <-t.Done: // in time, even if ctx has ended meanwhile
		return nil
	default:
	}
	select {
	case <-t.Done:
		return nil
	case <-ctx.Done():
	}
	if s.appends.Leave(t) {
		return ctx.Err() //nolint:wrapcheck // the caller wraps
	}
	return fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
}

// encode prepares a for the database.
func (s *Store) encode(a Append, session int64) *batch.Command {
	if a.Meta.OccurredAt.IsZero() {
		a.Meta.OccurredAt = s.now()
	}
	return s.form.New(batch.Draft{
		Stream: a.Stream, Expected: a.Expected, Facts: a.Facts, Meta: a.Meta, Secrets: a.Secrets, OneCause: a.OneCause, Session: session,
	})
}

// entrance is how one gets into the queue: refused at once, or waiting for room.
type entrance func(context.Context, *queue.Ticket[[]*batch.Command]) error

// recorded are the facts of a command that was stored.
func recorded(c *batch.Command) []events.Recorded {
	list := make([]events.Recorded, len(c.Facts))
	for i, fact := range c.Facts {
		list[i] = events.Recorded{
			Position: c.Position + int64(i), Stream: c.Stream, Version: c.Expected + 1 + i,
			Meta: c.As, RecordedAt: c.At, Event: fact,
		}
	}
	return list
}

func result(c *batch.Command) Result {
	if c.Err != nil {
		return Result{Err: fmt.Errorf("append to %s: %w", c.Stream, c.Err)}
	}
	return Result{Recorded: recorded(c)}
}

// stored are the facts as they now lie in the table.
func stored(c *batch.Command) []Stored {
	list := make([]Stored, len(c.Facts))
	meta := c.As
	meta.OccurredAt = meta.OccurredAt.Round(0) // without the monotonic clock, as it is stored
	for i := range c.Facts {
		list[i] = Stored{
			Position: c.Position + int64(i), Stream: c.Stream, Version: c.Expected + 1 + i, Name: c.Types[i],
			Data: c.Data[i], Meta: meta, RecordedAt: c.At, Written: c.Written, Session: c.Session, decoded: &c.Decoded[i],
		}
	}
	return list
}
