// Package envelope turns recorded facts into CloudEvents, in the binary mode of the Kafka protocol binding, and back.
package envelope

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

// The headers of a message: CloudEvents 1.0, Kafka protocol binding, binary mode. traceparent is W3C's, so that any
// tracing library finds it; ce_recordedtime, ce_sequence, ce_previous, ce_version and the two ids are extensions.
const (
	// HeaderID names the fact for ever and everywhere.
	HeaderID = "ce_id"
	// HeaderType names its kind.
	HeaderType = "ce_type"

	headerSpecVersion  = "ce_specversion"
	headerSource       = "ce_source"
	headerSubject      = "ce_subject"
	headerTime         = "ce_time"
	headerRecordedTime = "ce_recordedtime"
	headerSequence     = tail.HeaderSequence
	headerPrevious     = tail.HeaderPrevious
	headerVersion      = "ce_version"
	headerCorrelation  = "ce_correlationid"
	headerCausation    = "ce_causationid"
	headerTrace        = "traceparent"
	headerContentType  = "content-type"

	specVersion  = "1.0"
	sourcePrefix = "songan/"
	contentType  = "application/json"
)

// Encode returns the message that carries a fact; previous is the position that was published before it to the same
// partition, 0 if there is none. Actor and fingerprint stay behind. A private fact is an error.
func Encode(r events.Recorded, previous int64) (kafka.Message, error) {
	name := r.Event.EventName()
	if _, private := r.Event.(events.Private); private {
		return kafka.Message{}, fmt.Errorf("encode %s at %d: it is private", name, r.Position)
	}
	body, err := json.Marshal(r.Event)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("encode %s at %d: it has no JSON", name, r.Position)
	}
	return Wrap(eventstore.Stored{
		Position: r.Position, Stream: r.Stream, Version: r.Version, Name: name, Data: body, Meta: r.Meta, RecordedAt: r.RecordedAt,
	}, previous), nil
}

// Wrap is [Encode] for a fact whose JSON is there already. The caller knows that it is neither private nor of an old
// shape, and does not change the JSON any more.
func Wrap(r eventstore.Stored, previous int64) kafka.Message {
	l := list{headers: make([]kafka.Header, 0, mostHeaders), buf: make([]byte, 0, headerBytes+2*len(r.Stream))}
	service := events.Service(r.Name)
	l.add(headerSpecVersion, specVersion)
	l.add(HeaderID, service, "/", r.Stream, "/", strconv.Itoa(r.Version))
	l.add(HeaderType, r.Name)
	l.add(headerSource, sourcePrefix, service)
	l.add(headerSubject, r.Stream)
	l.instant(headerTime, r.Meta.OccurredAt)
	l.instant(headerRecordedTime, r.RecordedAt)
	l.number(headerSequence, r.Position)
	l.number(headerPrevious, previous)
	l.number(headerVersion, int64(r.Version))
	l.add(headerContentType, contentType)
	l.addUnlessEmpty(headerCorrelation, r.Meta.Correlation)
	l.addUnlessEmpty(headerCausation, r.Meta.Cause)
	l.addUnlessEmpty(headerTrace, r.Meta.Trace)
	return kafka.Message{Key: []byte(r.Stream), Value: r.Data, Headers: l.headers, Time: r.RecordedAt}
}

const (
	mostHeaders = 14
	headerBytes = 512 // of the values of most facts; more is no harm
)

// list collects headers. Their values lie in one piece of memory: a relay makes a million of them a second.
type list struct {
	headers []kafka.Header
	buf     []byte
}

func (l *list) add(key string, parts ...string) {
	from := len(l.buf)
	for _, part := range parts {
		l.buf = append(l.buf, part...)
	}
	l.end(key, from)
}

func (l *list) addUnlessEmpty(key, value string) {
	if value != "" {
		l.add(key, value)
	}
}

func (l *list) instant(key string, t time.Time) {
	from := len(l.buf)
	l.buf = t.UTC().AppendFormat(l.buf, time.RFC3339Nano)
	l.end(key, from)
}

func (l *list) number(key string, n int64) {
	from := len(l.buf)
	l.buf = strconv.AppendInt(l.buf, n, 10)
	l.end(key, from)
}

// end makes a header of what was written since from. Its value keeps its place if the buffer grows later.
func (l *list) end(key string, from int) {
	l.headers = append(l.headers, kafka.Header{Key: key, Value: l.buf[from:len(l.buf):len(l.buf)]})
}
