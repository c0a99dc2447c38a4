package reaction

import (
	"context"
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
)

// Foreign says how messages are read that others write, such as a bank's reports. Nothing in them is believed: they have
// no sequence, their ids may repeat, and they may hold personal data anywhere.
//
//  1. A message has no name but its place in Kafka and the time that it has there (topic/partition@offset@milliseconds, for
//     a topic may be made anew). That is the Cause in the Meta of the fact which a handler gets; its Stream is the message's
//     key as Show shows it.
//  2. Of one in quarantine only place, type and reason are kept. Body and headers stay in Kafka, and are read there again
//     when an operator releases it; logs name the place alone.
//  3. One in quarantine holds up no other, whatever its key: else one wrong message could silence a payment for ever. The
//     handlers have to bear any order.
//  4. A message that makes no sense, one of an unknown type too, is quarantined at once and never passes by.
type Foreign struct {
	// Decode reads a message. Its error says what is wrong and holds no value of the message.
	Decode func(Message) (events.Event, error)
	// Show returns what may be kept and logged of a key: itself if it is an id of ours, else a keyed name.
	Show func(key string) string
}

// Message is what others wrote.
type Message struct {
	Key     string
	Headers map[string]string
	Body    []byte
}

// Nonsense marks an error that trying again cannot mend, so that the message is quarantined at once.
func Nonsense(err error) error {
	if err == nil {
		return nil
	}
	return &nonsenseError{err}
}

type nonsenseError struct{ err error }

func (e *nonsenseError) Error() string { return e.err.Error() }
func (e *nonsenseError) Unwrap() error { return e.err }

// hopeless tells whether trying again is no use.
func hopeless(err error) bool {
	_, ok := errors.AsType[*nonsenseError](err)
	return ok || isUndecodable(err)
}

// unknownType stands for a type that the catalog does not know: its text is theirs, and may be anything.
const unknownType = "unknown"

// dispatch decodes the message and hands it to its handler.
func (f *Foreign) dispatch(r *Reactor, m *message.Message) error {
	ctx := m.Context()
	place, _ := kafkabus.PlaceOf(ctx)
	key := m.Metadata.Get(kafkabus.KeyMetadata)
	fact, err := f.Decode(Message{Key: key, Headers: m.Metadata, Body: m.Payload})
	if err != nil {
		return &undecodableError{err}
	}
	return r.handle(ctx, events.Recorded{
		Stream: clean(f.Show(key)), Position: place.Offset, Event: fact,
		Meta: events.Meta{Cause: m.UUID, Correlation: m.UUID},
	})
}

// fill adds what may be kept of a message of others.
func (f *Foreign) fill(i *quarantine.Item, r *Reactor, m *message.Message) {
	i.Type, i.Stream = f.typeOf(r, m), clean(f.Show(m.Metadata.Get(kafkabus.KeyMetadata)))
	i.Payload, i.Headers = []byte{}, map[string]string{}
}

func (f *Foreign) typeOf(r *Reactor, m *message.Message) string {
	if name := m.Metadata.Get(headerType); r.deps.Catalog.Knows(name) {
		return name
	}
	return unknownType
}

// again reads the message at the place of an item once more. In a topic that was made anew another one stands there.
func (f *Foreign) again(ctx context.Context, r *Reactor, i quarantine.Item) error {
	m, err := kafkabus.ReadAt(ctx, r.deps.Bus, i.Place)
	if err == nil && m.UUID != i.Fact {
		err = &kafkabus.TruncatedError{Place: i.Place, First: i.Place.Offset + 1, End: i.Place.Offset + 1}
	}
	if err != nil {
		return fmt.Errorf("read the message again: %w", err)
	}
	return safely(func() error { return f.dispatch(r, m) }) //nolint:contextcheck // m carries it, as Watermill wants it
}

// names are what logs say of a message: its id and its type.
func (r *Reactor) names(m *message.Message) (id, typ string) {
	if r.deps.Foreign == nil {
		return m.Metadata.Get(headerID), m.Metadata.Get(headerType)
	}
	at, _ := kafkabus.PlaceOf(m.Context())
	return at.String(), r.deps.Foreign.typeOf(r, m)
}
