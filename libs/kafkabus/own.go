package kafkabus

import (
	"context"
	"errors"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus/internal/consume"
	"github.com/songan-vn/songan/libs/kafkabus/internal/envelope"
)

// OwnLog is subscribed to instead of a topic by who reacts to facts of its own service. They come from the log itself, as
// the messages that the relay makes of them: a service whose facts are many and of which a few concern itself need not read
// them all over Kafka again. Progress and quarantine name this in place of a topic, and a position in place of an offset.
const OwnLog = "own-log"

// errGot ends a look at the log that has found something.
var errGot = errors.New("got a batch")

// ownBatch is the most facts that are read at once.
const ownBatch = 1_000

// ownLog reads the log of a service.
type ownLog struct {
	store  *eventstore.Store
	wanted func(typ string) bool
	at     consume.Progress
}

// Stands is how far reading has come: Sequence is a position in the log, and Offset the next one.
func (l *ownLog) Stands() consume.Progress { return l.at }

// GoOn reads on from another place.
func (l *ownLog) GoOn(from consume.Progress) { l.at = from }

// Read waits for facts and returns those that are wanted.
func (l *ownLog) Read(ctx context.Context) (records []consume.Record, err error) {
	err = l.store.FollowStored(ctx, l.at.Sequence, ownBatch, func(_ context.Context, batch []eventstore.Stored) error {
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
		return errGot
	})
	if errors.Is(err, errGot) {
		err = nil
	}
	return records, errors.Join(err, ctx.Err())
}
