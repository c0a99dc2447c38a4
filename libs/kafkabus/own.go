package kafkabus

import (
	"context"
	"fmt"
	"time"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus/internal/consume"
	"github.com/songan-vn/songan/libs/kafkabus/internal/envelope"
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
	at       consume.Progress
	follower *eventstore.Follower
	lost     error // what stood before at is not there any more; until somebody moves at
}

// Stands is how far reading has come: Sequence is a position in the log, and Offset the next one.
func (l *ownLog) Stands() consume.Progress { return l.at }

// GoOn reads on from another place.
func (l *ownLog) GoOn(from consume.Progress) { l.at, l.follower, l.lost = from, nil, nil }

// Read waits for facts and returns those that are wanted.
func (l *ownLog) Read(ctx context.Context) ([]consume.Record, error) {
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
	var records []consume.Record
	for _, fact := range batch {
		previous := l.at.Sequence
		l.at = consume.Progress{Sequence: fact.Position, Offset: fact.Position + 1}
		if l.wanted != nil && !l.wanted(fact.Name) {
			continue
		}
		m := envelope.Wrap(fact, previous)
		m.Topic, m.Offset = OwnLog, fact.Position
		records = append(records, consume.Record{Message: m, After: l.at})
	}
	if n := len(records); n > 0 {
		records[n-1].After = l.at // nobody wants what follows
	}
	l.store.GiveWay(ctx, time.Since(began), batch[0].RecordedAt)
	return records, nil
}

// begin stands at the place to read on from. A log that ends before it has lost facts, as when a standby took over that had not
// heard of the last ones; their positions are given to other facts then, and to go on would be to skip those, however far
// the log has grown meanwhile.
func (l *ownLog) begin(ctx context.Context) error {
	if l.lost != nil {
		return l.lost
	}
	head, err := l.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("begin to read the own log: %w", err)
	}
	if l.at.Sequence > head {
		l.lost = fmt.Errorf("read the log after %d: it ends at %d; what stood behind is lost", l.at.Sequence, head)
		return l.lost
	}
	l.follower = l.store.Follower(l.at.Sequence)
	return nil
}
