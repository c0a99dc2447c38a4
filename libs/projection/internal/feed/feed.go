// Package feed brings facts to read models: from the log of the own service, or from the topic of another one.
package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
)

const (
	// bulkBatch is the most facts that are written at once.
	bulkBatch = 2_000
	// readAhead is how many bulk batches are read and decoded while one is written.
	readAhead = 2
)

// Batch is a number of facts in order, and where a reader stands after them. There may be none of them: the place moves all the same.
type Batch struct {
	Facts []events.Recorded
	// After holds the places that this batch moves, and only those.
	After checkpoint.Progress
}

// Feed is where the facts of a read model come from: [FromLog] or [FromTopic].
type Feed interface {
	// Source names the feed in checkpoints.
	Source() string
	// Follow hands out what comes after a progress, batch by batch, until ctx ends (nil) or handle fails.
	Follow(ctx context.Context, from checkpoint.Progress, handle func(context.Context, Batch) error) error
	// End is where a reader stands who has read everything that is there.
	End(ctx context.Context) (checkpoint.Progress, error)
	// Hurry says that somebody waits for what follows this feed.
	Hurry(ctx context.Context)
}

// FromLog feeds a projection from the log of its own service.
func FromLog(store *eventstore.Store) Feed { return logFeed{store: store} }

type logFeed struct {
	store *eventstore.Store
	// wanted are the stored names of the facts that are handed out; nil hands out all.
	wanted map[string]bool
}

// Only makes a feed hand out the facts that somebody wants, if it is one of the own log: the others are not even decoded. What comes
// from a topic was chosen where it is read.
func Only(f Feed, wanted func(events.Catalog) map[string]bool) Feed {
	switch f := f.(type) {
	case logFeed:
		f.wanted = wanted(f.store.Catalog())
		return f
	case *patient:
		return Patient(Only(f.Feed, wanted), f.pace)
	}
	return f
}

// errBehind ends the following of the log when it comes in full batches: bulk reading is faster then.
var errBehind = errors.New("behind the log")

// Source is the own log.
func (logFeed) Source() string { return checkpoint.OwnLog }

// Hurry tells all processes.
func (l logFeed) Hurry(ctx context.Context) { l.store.Hurry(ctx) }

// End is a position.
func (l logFeed) End(ctx context.Context) (checkpoint.Progress, error) {
	head, err := l.store.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("read head of the log: %w", err)
	}
	return checkpoint.Progress{{Source: checkpoint.OwnLog}: {Position: head}}, nil
}

// Follow reads in bulk as long as the reader is behind, and then waits for what is appended.
func (l logFeed) Follow(ctx context.Context, from checkpoint.Progress, handle func(context.Context, Batch) error) error {
	after := from.Own()
	apply := func(ctx context.Context, p eventstore.Piece) error {
		if err := handle(ctx, Batch{Facts: p.Facts, After: checkpoint.Progress{{Source: checkpoint.OwnLog}: {Position: p.Last}}}); err != nil {
			return err
		}
		after = p.Last
		return nil
	}
	for ctx.Err() == nil {
		if err := l.catchUp(ctx, after, apply); err != nil {
			return fmt.Errorf("catch up: %w", err)
		}
		err := l.store.Follow(ctx, after, bulkBatch, l.wanted, func(ctx context.Context, p eventstore.Piece) error {
			if err := apply(ctx, p); err != nil {
				return err
			}
			if p.Read == bulkBatch {
				return errBehind
			}
			return nil
		})
		if err != nil && !errors.Is(err, errBehind) {
			return fmt.Errorf("follow the log: %w", err)
		}
	}
	return nil
}

// catchUp reads the log in bulk until its end. Because the log is dense, it is known without reading where the
// next batches begin, so several are read and decoded at the same time.
func (l logFeed) catchUp(ctx context.Context, after int64, apply func(context.Context, eventstore.Piece) error) error {
	reading, stop := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer stop()
	type result struct {
		piece eventstore.Piece
		took  time.Duration
		err   error
	}
	var ahead []chan result
	read := func() {
		done, from := make(chan result, 1), after
		after += bulkBatch
		ahead = append(ahead, done)
		readers.Go(func() {
			began := time.Now()
			p, err := l.store.ReadPiece(reading, from, bulkBatch, l.wanted)
			done <- result{p, time.Since(began), err}
		})
	}
	for range readAhead {
		read()
	}
	for {
		r := <-ahead[0]
		began := time.Now()
		if r.err != nil {
			return fmt.Errorf("read the log: %w", r.err)
		}
		ahead = ahead[1:]
		more := r.piece.Read == bulkBatch
		if more {
			read()
		}
		if r.piece.Read > 0 {
			if err := apply(ctx, r.piece); err != nil {
				return err
			}
			l.store.GiveWay(ctx, r.took+time.Since(began), r.piece.Since)
		}
		if !more {
			return nil // what was read beyond a short batch may have a hole before it
		}
	}
}

// FromTopic feeds a projection from the facts of another service. topic has to be the one that source reads.
func FromTopic(topic string, source *kafkabus.Source) Feed { return topicFeed{topic, source} }

type topicFeed struct {
	topic  string
	reader *kafkabus.Source
}

// Source is the topic.
func (t topicFeed) Source() string { return t.topic }

// Follow reads all partitions.
func (t topicFeed) Follow(ctx context.Context, from checkpoint.Progress, handle func(context.Context, Batch) error) error {
	start := map[int]kafkabus.Progress{}
	for place, mark := range from {
		if place.Source == t.topic {
			start[place.Partition] = kafkabus.Progress{Offset: mark.Offset, Sequence: mark.Position}
		}
	}
	err := t.reader.Run(ctx, start, func(ctx context.Context, received []kafkabus.Received, progress map[int]kafkabus.Progress) error {
		batch := Batch{Facts: make([]events.Recorded, len(received)), After: checkpoint.Progress{}}
		for i, r := range received {
			batch.Facts[i] = r.Recorded
		}
		for partition, p := range progress {
			batch.After[t.place(partition)] = checkpoint.Mark{Position: p.Sequence, Offset: p.Offset}
		}
		return handle(ctx, batch)
	})
	if err != nil {
		return fmt.Errorf("follow topic %s: %w", t.topic, err)
	}
	return nil
}

// Hurry does nothing: the relay is another service's.
func (topicFeed) Hurry(context.Context) {}

// End has offsets alone: the positions of the last messages are not known before they are read.
func (t topicFeed) End(ctx context.Context) (checkpoint.Progress, error) {
	ends, err := t.reader.Ends(ctx)
	if err != nil {
		return nil, fmt.Errorf("read ends of topic %s: %w", t.topic, err)
	}
	end := checkpoint.Progress{}
	for partition, offset := range ends {
		end[t.place(partition)] = checkpoint.Mark{Offset: offset}
	}
	return end, nil
}

func (t topicFeed) place(partition int) checkpoint.Place {
	return checkpoint.Place{Source: t.topic, Partition: partition}
}
