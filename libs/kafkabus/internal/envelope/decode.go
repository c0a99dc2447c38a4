package envelope

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	jsonv1 "github.com/go-json-experiment/json/v1" // reads as encoding/json does, in less than half of the time
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

// BodyError says that the body of a record does not hold the fact which its headers name. It never holds the value.
type BodyError struct{ Type, Reason string }

// Error names the fact that was expected and what is wrong with the body.
func (e *BodyError) Error() string { return fmt.Sprintf("body of %s %s", e.Type, e.Reason) }

// Received is a fact of a service as it arrived over Kafka.
type Received struct {
	events.Recorded
	// Previous is the position that was published before this one to the same partition; 0 for the first.
	Previous int64
	// Source names the service that recorded the fact: "songan/accommodation".
	Source string
	// Place is where the message stands in Kafka.
	Place tail.Place
}

// Decode reads a fact out of a message. It believes no header: what is missing, odd or at odds with another header is
// a [tail.HeaderError], a body that does not hold the fact is a [BodyError]. A fact that the catalog does not know is an
// error as well: it comes from a newer version of its service, and skipping it would be guessing.
func Decode(catalog events.Catalog, m kafka.Message) (Received, error) {
	e := envelope{
		header: func(key string) (string, bool) { return tail.Header(m.Headers, key) },
		key:    string(m.Key), body: m.Value,
		place: tail.Place{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset},
	}
	return e.decode(catalog)
}

// FromMessage is [Decode] for a message that came from a subscriber.
func FromMessage(catalog events.Catalog, m *message.Message) (Received, error) {
	place, _ := PlaceOf(m.Context())
	e := envelope{
		header: func(key string) (string, bool) { v, ok := m.Metadata[key]; return v, ok },
		key:    m.Metadata.Get(KeyMetadata), body: m.Payload, place: place,
	}
	return e.decode(catalog)
}

// KeyMetadata is the metadata entry of a Watermill message that holds its Kafka key.
const KeyMetadata = "songan_key"

type placeKey struct{}

// placed is the context of a message. Its place is one piece of memory with it: every message has one.
type placed struct {
	context.Context

	place tail.Place
}

// Value knows the place.
func (p *placed) Value(key any) any {
	if key == (placeKey{}) {
		return &p.place
	}
	return p.Context.Value(key)
}

// WithPlace returns a context that knows where in Kafka its message came from.
func WithPlace(ctx context.Context, p tail.Place) context.Context { return &placed{ctx, p} }

// PlaceOf returns where in Kafka the message with this context came from.
func PlaceOf(ctx context.Context) (tail.Place, bool) {
	place, ok := ctx.Value(placeKey{}).(*tail.Place)
	if !ok {
		return tail.Place{}, false
	}
	return *place, true
}

// envelope is a message before it is believed. The first fault wins and is kept in err.
type envelope struct {
	header func(key string) (string, bool)
	key    string
	body   []byte
	place  tail.Place
	err    error
}

func (e *envelope) decode(catalog events.Catalog) (Received, error) {
	r := Received{Place: e.place}
	e.require(headerSpecVersion, specVersion)
	name := e.text(HeaderType)
	e.check(catalog.Knows(name), HeaderType, "is not in the catalog")
	r.Source = e.require(headerSource, sourcePrefix+events.Service(name))
	r.Stream = e.require(headerSubject, e.key)
	r.Position = e.number(headerSequence, 1)
	r.Previous = e.number(headerPrevious, 0)
	r.Version = int(e.number(headerVersion, 1))
	r.Meta.OccurredAt = e.instant(headerTime)
	r.RecordedAt = e.instant(headerRecordedTime)
	r.Meta.Correlation, _ = e.header(headerCorrelation)
	r.Meta.Cause, _ = e.header(headerCausation)
	r.Meta.Trace, _ = e.header(headerTrace)
	e.check(r.Previous < r.Position, headerPrevious, "is not less than "+headerSequence)
	e.check(r.Stream != "", headerSubject, "is empty")
	if media := e.text(headerContentType); media != contentType { // which is how our relays write it
		media, _, err := mime.ParseMediaType(media)
		e.check(err == nil && media == contentType, headerContentType, "is not "+contentType)
	}
	if e.err == nil {
		r.Event, e.err = body(catalog, name, e.body)
	}
	if e.err == nil {
		e.require(HeaderID, r.ID())
	}
	if e.err != nil {
		return Received{}, fmt.Errorf("decode %s: %w", e.place, e.err)
	}
	return r, nil
}

func (e *envelope) check(ok bool, header, reason string) {
	if !ok && e.err == nil {
		e.err = &tail.HeaderError{Header: header, Reason: reason}
	}
}

func (e *envelope) text(header string) string {
	value, ok := e.header(header)
	e.check(ok, header, "is missing")
	return value
}

func (e *envelope) require(header, want string) string {
	value := e.text(header)
	e.check(value == want, header, "does not fit the rest of the message")
	return value
}

func (e *envelope) number(header string, least int64) int64 {
	n, err := strconv.ParseInt(e.text(header), 10, 64)
	if err != nil || n < least { // its text costs more than the look
		e.check(false, header, "is not a number from "+strconv.FormatInt(least, 10))
	}
	return n
}

func (e *envelope) instant(header string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, e.text(header))
	e.check(err == nil, header, "is not a time of RFC 3339")
	return t
}

// body decodes the fact. What it reports names fields, never what stands in them.
func body(catalog events.Catalog, name string, data []byte) (events.Event, error) {
	fact, err := catalog.ReadBy(jsonv1.Unmarshal).Decode(name, data)
	if err == nil {
		return fact, nil
	}
	if fact, err = catalog.Decode(name, data); err == nil { // its errors are those that we know how to tell
		return fact, nil
	}
	reason := "is not the JSON of this fact"
	var mismatch *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &mismatch):
		reason = fmt.Sprintf("has another type than %s in %q", mismatch.Type, mismatch.Field)
	case errors.As(err, &syntax):
		reason = fmt.Sprintf("breaks off being JSON at byte %d", syntax.Offset)
	}
	return nil, &BodyError{Type: name, Reason: reason}
}
