// Package tail reads one partition of a topic onwards, for as long as it goes on.
//
//  1. A [Reader] reads from a [Progress], drops repeats, and stops before what must not be passed: a hole, a header that
//     nobody understands, a place that is gone. Its errors say which, and never a value.
//  2. Everything else it waits out, and says so in the log and in [Metrics].
package tail

import (
	"errors"
	"strconv"

	"github.com/segmentio/kafka-go"
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

// final tells whether an error says that the next record must not be passed.
func final(err error) bool {
	var missing *MissingError
	var header *HeaderError
	var truncated *TruncatedError
	return errors.As(err, &missing) || errors.As(err, &header) || errors.As(err, &truncated)
}
