// Package consume reads the partitions of a topic: one by one, for a batch source, or as a member of a consumer group
// that hands single messages to Watermill.
//
//  1. A [Tail] reads one partition onwards from a [Progress], drops repeats, and stops before what must not be passed.
//  2. A window decides which records may run: the first unfinished one of each key; and how far all are finished.
//  3. A delivery runs the records of one partition, each until it is acknowledged.
//  4. A [Member] delivers the partitions that its group gives it, and keeps their progress.
package consume

import (
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus/internal/meter"
)

// The two headers which prove that nothing is missing.
const (
	HeaderSequence = "ce_sequence"
	HeaderPrevious = "ce_previous"
)

// Progress is how far a consumer has come in one partition. The zero value is the start of the partition.
type Progress struct {
	// Offset is the Kafka offset to read next.
	Offset int64
	// Sequence is the position, in the log of the publishing service, of the last fact seen.
	Sequence int64
}

// Past tells whether p is further than q. The sequence decides, because offsets start anew with a topic made anew.
func (p Progress) Past(q Progress) bool {
	return p.Sequence > q.Sequence || p.Sequence == q.Sequence && p.Offset > q.Offset
}

// Record is a message, and how far its partition has come when it is done.
type Record struct {
	kafka.Message
	After Progress
}

// Header returns the last header of that name, as a map of headers would.
func Header(headers []kafka.Header, name string) (string, bool) {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i].Key == name {
			return string(headers[i].Value), true
		}
	}
	return "", false
}

// chain reads where a record stands in the chain of its partition.
func chain(headers []kafka.Header) (sequence, previous int64, err error) {
	if sequence, err = number(headers, HeaderSequence, 1); err != nil {
		return 0, 0, err
	}
	if previous, err = number(headers, HeaderPrevious, 0); err != nil {
		return 0, 0, err
	}
	if previous >= sequence {
		return 0, 0, &HeaderError{Header: HeaderPrevious, Reason: "is not less than " + HeaderSequence}
	}
	return sequence, previous, nil
}

func number(headers []kafka.Header, name string, least int64) (int64, error) {
	text, ok := Header(headers, name)
	if !ok {
		return 0, &HeaderError{Header: name, Reason: "is missing"}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least {
		return 0, &HeaderError{Header: name, Reason: "is not a number from " + strconv.FormatInt(least, 10)}
	}
	return n, nil
}

// Metrics belong to one consumer of one topic.
type Metrics struct {
	// Consumed counts new records, Duplicates those that were dropped, Nacked refusals.
	Consumed, Duplicates, Nacked prometheus.Counter
	// Errors counts failures by kind: kafka, topic, group, progress, halted.
	Errors *prometheus.CounterVec
	// Missing is 1 while the consumer waits for a topic that is not there.
	Missing prometheus.Gauge
	// Halted is 1 for a partition that stands still.
	Halted *prometheus.GaugeVec
	// Position is how far one that is read alone has come.
	Position *prometheus.GaugeVec
}

// NewMetrics returns those of a consumer.
func NewMetrics(reg prometheus.Registerer, consumer, topic string) *Metrics {
	by := prometheus.Labels{"consumer": consumer, "topic": topic}
	one := func(name, help string) prometheus.Counter {
		return meter.Counter(reg, name, help, "consumer", "topic").With(by)
	}
	return &Metrics{
		Consumed:   one("consumed_total", "Records that were read and were new."),
		Duplicates: one("duplicates_total", "Records that had been seen before and were dropped."),
		Nacked:     one("nacked_total", "Messages that a handler refused and that were delivered again."),
		Errors: meter.Counter(reg, "consumer_errors_total",
			"Failures to read Kafka, to join the group, to keep progress, and records that must not be passed.",
			"consumer", "topic", "kind").MustCurryWith(by),
		Missing: meter.Gauge(reg, "topic_missing", "1 while a consumer waits for a topic that is not there.",
			"consumer", "topic").With(by),
		Halted: meter.Gauge(reg, "halted",
			"1 while a partition stands still before a hole or a record that cannot be understood.",
			"consumer", "topic", "partition").MustCurryWith(by),
		Position: meter.Gauge(reg, "own_log_position",
			"How far the consumer has come in the log of its own service, where this process reads it.", "consumer", "topic").MustCurryWith(by),
	}
}

// Halt says whether a partition stands still.
func (m *Metrics) Halt(partition int, halted bool) {
	value := 0.0
	if halted {
		value = 1
		m.Errors.WithLabelValues("halted").Inc()
	}
	m.Halted.WithLabelValues(strconv.Itoa(partition)).Set(value)
}

// final tells whether an error says that the next record must not be passed.
func final(err error) bool {
	var missing *MissingError
	var header *HeaderError
	var truncated *TruncatedError
	return errors.As(err, &missing) || errors.As(err, &header) || errors.As(err, &truncated)
}
