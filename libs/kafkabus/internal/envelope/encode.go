// Package envelope turns recorded facts into CloudEvents, in the binary mode of the Kafka protocol binding, and back.
package envelope

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus/internal/consume"
)

// The headers of a message: CloudEvents 1.0, Kafka protocol binding, binary mode. traceparent is W3C's, so that any
// tracing library finds it; ce_recordedtime, ce_sequence, ce_previous, ce_version and the two ids are extensions.
const (
	// HeaderID names the fact for ever and everywhere.
	HeaderID = "ce_id"

	headerSpecVersion  = "ce_specversion"
	headerType         = "ce_type"
	headerSource       = "ce_source"
	headerSubject      = "ce_subject"
	headerTime         = "ce_time"
	headerRecordedTime = "ce_recordedtime"
	headerSequence     = consume.HeaderSequence
	headerPrevious     = consume.HeaderPrevious
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
	return kafka.Message{Key: []byte(r.Stream), Value: body, Headers: headers(r, previous), Time: r.RecordedAt}, nil
}

func headers(r events.Recorded, previous int64) []kafka.Header {
	name := r.Event.EventName()
	list := []kafka.Header{
		{Key: headerSpecVersion, Value: []byte(specVersion)},
		{Key: HeaderID, Value: []byte(r.ID())},
		{Key: headerType, Value: []byte(name)},
		{Key: headerSource, Value: []byte(sourcePrefix + events.Service(name))},
		{Key: headerSubject, Value: []byte(r.Stream)},
		{Key: headerTime, Value: instant(r.Meta.OccurredAt)},
		{Key: headerRecordedTime, Value: instant(r.RecordedAt)},
		{Key: headerSequence, Value: number(r.Position)},
		{Key: headerPrevious, Value: number(previous)},
		{Key: headerVersion, Value: number(int64(r.Version))},
		{Key: headerContentType, Value: []byte(contentType)},
	}
	for _, h := range [...]struct{ key, value string }{
		{headerCorrelation, r.Meta.Correlation}, {headerCausation, r.Meta.Cause}, {headerTrace, r.Meta.Trace},
	} {
		if h.value != "" {
			list = append(list, kafka.Header{Key: h.key, Value: []byte(h.value)})
		}
	}
	return list
}

func instant(t time.Time) []byte { return t.UTC().AppendFormat(nil, time.RFC3339Nano) }

func number(n int64) []byte { return strconv.AppendInt(nil, n, 10) }
