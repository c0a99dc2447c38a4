package kafkabus

import (
	"context"
	"fmt"
	"time"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus/internal/envelope"
	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
	"github.com/songan-vn/songan/libs/pg"
)

// OwnLog is subscribed to instead of a topic by who reacts to facts of its own service. They come from the log itself, as
// messages like those of the relay, private facts too: a service whose facts are many and of which a few concern itself need not read
// them all over Kafka again. Progress and quarantine name this in place of a topic, and a position in place of an offset.
const OwnLog = "own-log"

// ownBatch is the most facts that are read at once.
const ownBatch = 1_000

// ownLog reads the log of a service.
type ownLog struct {
	store    *eventstore.Store
	wanted   func(typ string) bool
	at       tail.Progress
	follower *eventstore.Follower
	lost     error // a LostError, until somebody moves at
}

// Stands is how far reading has come: Sequence is a position in the log, and Offset the next one.
func (l *ownLog) Stands() tail.Progress { return l.at }

// GoOn reads on from another place.
func (l *ownLog) GoOn(from tail.Progress) { l.at, l.follower, l.lost = from, nil, nil }

// Read waits for facts and returns those that are wanted.
func (l *ownLog) Read(ctx context.Context) ([]tail.Record, error) {
	if l.follower == nil {
		if err := l.begin(ctx); err != nil {
			return nil, err
		}
	}
	batch, err := l.follower.Next(ctx, ownBatch)
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", l.at.Sequence, err)
	}
	began := time.Now()
	var records []tail.Record
	for _, fact := range batch {
		previous := l.at.Sequence
		l.at = tail.Progress{Sequence: fact.Position, Offset: fact.Position + 1}
		if l.wanted != nil && !l.wanted(fact.Name) {
			continue
		}
		m := envelope.Wrap(fact, previous)
		m.Topic, m.Offset = OwnLog, fact.Position
		records = append(records, tail.Record{Message: m, After: l.at})
	}
	if n := len(records); n > 0 {
		records[n-1].After = l.at // nobody wants what follows
	}
	l.store.GiveWay(ctx, time.Since(began), batch[0].RecordedAt)
	return records, nil
}

// LostError says that a service's own log ends before a position that was read of it, as when a standby took over that had
// not heard of the last facts. Their positions are given to other facts then, and to go on would be to skip those, however
// far the log has grown meanwhile: an operator has to move the consumer back, before the process that knows of it ends.
type LostError struct {
	// After is the last position that was read.
	After int64
	// End is the last position of the log.
	End int64
}

// Error says what was read and where the log ends.
func (e *LostError) Error() string {
	return fmt.Sprintf("the log was read up to %d and ends at %d; what stood behind is lost", e.After, e.End)
}

// begin stands at the place to read on from, unless that is lost.
func (l *ownLog) begin(ctx context.Context) error {
	if l.lost != nil {
		return l.lost
	}
	head, err := l.store.Head(ctx)
	for wait := pause.Retry(); pg.IsDown(err) && wait.Wait(ctx) == nil; {
		head, err = l.store.Head(ctx)
	}
	if err != nil {
		return fmt.Errorf("begin to read the own log: %w", err)
	}
	if l.at.Sequence > head {
		l.lost = &LostError{After: l.at.Sequence, End: head}
		return l.lost
	}
	l.follower = l.store.Follower(l.at.Sequence)
	return nil
}
