package projection

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
)

const (
	// bulkBatch is how many facts are written at once while a projection is behind, liveBatch once it keeps up.
	bulkBatch = 10_000
	liveBatch = 1_000
	// readAhead is how many bulk batches are read and decoded while one is written.
	readAhead = 2
	// logSource is the name of the own log in checkpoints.
	logSource = "log"
)

// Feed is where the facts of a read model come from: [FromLog] or [FromTopic].
type Feed interface {
	// source names the feed in checkpoints.
	source() string
	// follow hands out what comes after a progress, batch by batch, until ctx ends (nil) or handle fails.
	follow(ctx context.Context, from Progress, handle func(context.Context, Batch) error) error
	// lag counts what is there and lies behind a progress.
	lag(ctx context.Context, at Progress) (int64, error)
}

// FromLog feeds a projection from the log of its own service.
func FromLog(store *eventstore.Store) Feed { return logFeed{store} }

type logFeed struct{ store *eventstore.Store }

// errBehind ends the following of the log when it comes in full batches: bulk reading is faster then.
var errBehind = errors.New("behind the log")

func (logFeed) source() string { return logSource }

func (l logFeed) lag(ctx context.Context, at Progress) (int64, error) {
	head, err := l.store.Head(ctx)
	if err != nil {
		return 0, fmt.Errorf("read head of the log: %w", err)
	}
	return head - at[Place{Source: logSource}].Position, nil
}

func (l logFeed) follow(ctx context.Context, from Progress, handle func(context.Context, Batch) error) error {
	after := from[Place{Source: logSource}].Position
	apply := func(ctx context.Context, facts []events.Recorded) error {
		last := facts[len(facts)-1].Position
		if err := handle(ctx, Batch{Facts: facts, After: Progress{{Source: logSource}: {Position: last}}}); err != nil {
			return err
		}
		after = last
		return nil
	}
	for ctx.Err() == nil {
		if err := l.catchUp(ctx, after, apply); err != nil {
			return err
		}
		err := l.store.Follow(ctx, after, liveBatch, func(ctx context.Context, facts []events.Recorded) error {
			if err := apply(ctx, facts); err != nil {
				return err
			}
			if len(facts) == liveBatch {
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
func (l logFeed) catchUp(ctx context.Context, after int64, apply func(context.Context, []events.Recorded) error) error {
	reading, stop := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer stop()
	type result struct {
		facts []events.Recorded
		err   error
	}
	var ahead []chan result
	read := func() {
		done, from := make(chan result, 1), after
		after += bulkBatch
		ahead = append(ahead, done)
		readers.Go(func() {
			facts, err := l.store.Read(reading, from, bulkBatch)
			done <- result{facts, err}
		})
	}
	for range readAhead {
		read()
	}
	for {
		r := <-ahead[0]
		if r.err != nil {
			return fmt.Errorf("read the log: %w", r.err)
		}
		ahead = ahead[1:]
		more := len(r.facts) == bulkBatch
		if more {
			read()
		}
		if len(r.facts) > 0 {
			if err := apply(ctx, r.facts); err != nil {
				return err
			}
		}
		if !more {
			return nil // what was read beyond a short batch may have a hole before it
		}
	}
}

// FromTopic feeds a projection from the facts of another service. topic is the name under which the checkpoint
// keeps its place, and has to be the one that source reads.
func FromTopic(topic string, source *kafkabus.Source) Feed { return topicFeed{topic, source} }

type topicFeed struct {
	topic  string
	reader *kafkabus.Source
}

func (t topicFeed) source() string { return t.topic }

func (t topicFeed) follow(ctx context.Context, from Progress, handle func(context.Context, Batch) error) error {
	start := map[int]kafkabus.Progress{}
	for place, mark := range from {
		if place.Source == t.topic {
			start[place.Partition] = kafkabus.Progress{Offset: mark.Offset, Sequence: mark.Position}
		}
	}
	err := t.reader.Run(ctx, start, func(ctx context.Context, received []kafkabus.Received, progress map[int]kafkabus.Progress) error {
		batch := Batch{Facts: make([]events.Recorded, len(received)), After: Progress{}}
		for i, r := range received {
			batch.Facts[i] = r.Recorded
		}
		for partition, p := range progress {
			batch.After[Place{Source: t.topic, Partition: partition}] = Mark{Position: p.Sequence, Offset: p.Offset}
		}
		return handle(ctx, batch)
	})
	if err != nil {
		return fmt.Errorf("follow topic %s: %w", t.topic, err)
	}
	return nil
}

func (t topicFeed) lag(ctx context.Context, at Progress) (int64, error) {
	ends, err := t.reader.Ends(ctx)
	if err != nil {
		return 0, fmt.Errorf("read ends of topic %s: %w", t.topic, err)
	}
	var lag int64
	for partition, end := range ends {
		lag += max(0, end-at[Place{Source: t.topic, Partition: partition}].Offset)
	}
	return lag, nil
}
