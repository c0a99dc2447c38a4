package kafkabus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"go.uber.org/zap"
)

const (
	fetchBytes = 1 << 20                // most bytes of records in one answer
	fetchWait  = 500 * time.Millisecond // how long the broker holds a fetch when there is nothing new; new records end it

	retryFirst = 50 * time.Millisecond
	retryMost  = 5 * time.Second
	// quietAttempts is how often a connection may break in a row before somebody hears of it: brokers close idle ones.
	quietAttempts = 3
)

// Progress is how far a consumer has come in one partition. The zero value is the start of the partition.
type Progress struct {
	// Offset is the Kafka offset to read next.
	Offset int64
	// Sequence is the position, in the log of the publishing service, of the last fact seen.
	Sequence int64
}

// past tells whether p is further than q. The sequence decides, because offsets start anew with a topic made anew.
func (p Progress) past(q Progress) bool {
	return p.Sequence > q.Sequence || p.Sequence == q.Sequence && p.Offset > q.Offset
}

// record is a message, and how far its partition has come when it is done.
type record struct {
	kafka.Message
	after Progress
}

// tail reads one partition onwards from where its consumer stands, drops repeats and stops at holes.
type tail struct {
	client    *kafka.Client
	topic     string
	partition int
	// chained records carry sequence and previous.
	chained bool
	at      Progress
	// rewound is set when the partition is read again from its first offset, which is done once, to find records
	// that have moved to other offsets.
	rewound bool

	log     *zap.Logger
	metrics *consumerMetrics
}

// read returns the next records; there are none when only repeats were met, or nothing for a while. It waits while
// Kafka is away. Its error is final: the context has ended, or the next record is one that must not be passed.
func (t *tail) read(ctx context.Context) ([]record, error) {
	pause := backoff{first: retryFirst, most: retryMost}
	for attempt := 1; ; attempt++ {
		records, err := t.next(ctx)
		if err == nil || ctx.Err() != nil || final(err) {
			return records, errors.Join(err, ctx.Err())
		}
		t.metrics.errors.WithLabelValues("kafka").Inc()
		if attempt > quietAttempts || !hangup(err) {
			t.log.Warn("kafka cannot be read, trying again", zap.Int("partition", t.partition), zap.Error(err))
		}
		if err := pause.wait(ctx); err != nil {
			return nil, err
		}
	}
}

func final(err error) bool {
	var missing *MissingError
	var header *HeaderError
	var truncated *TruncatedError
	return errors.As(err, &missing) || errors.As(err, &header) || errors.As(err, &truncated)
}

// hangup tells whether a connection was closed, which happens to idle ones and means nothing by itself.
func hangup(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (t *tail) next(ctx context.Context) ([]record, error) {
	if t.at.Offset < 0 {
		// Fetch would resolve it too, but not say to what, and the batch it sends may begin before.
		first, err := t.offset(ctx, t.at.Offset)
		if err != nil {
			return nil, err
		}
		t.at.Offset = first
	}
	resp, err := t.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: t.topic, Partition: t.partition, Offset: t.at.Offset,
		MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait, IsolationLevel: kafka.ReadCommitted,
	})
	if err == nil {
		err = resp.Error
	}
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return nil, t.relocate(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", t.place(t.at.Offset), err)
	}
	records, err := t.take(ctx, resp.Records)
	if len(records) > 0 {
		return records, nil // what stopped it comes first in the next answer
	}
	return nil, err
}

func (t *tail) place(offset int64) Place {
	return Place{Topic: t.topic, Partition: t.partition, Offset: offset}
}

// take reads what the broker sent, up to the first record that must not be passed.
func (t *tail) take(ctx context.Context, sent kafka.RecordReader) ([]record, error) {
	var records []record
	for {
		raw, err := sent.ReadRecord()
		if errors.Is(err, io.EOF) {
			t.passControl(sent)
			return records, nil
		}
		if err != nil {
			return records, fmt.Errorf("read records of %s: %w", t.place(t.at.Offset), err)
		}
		m, err := t.message(raw)
		if err != nil {
			return records, err
		}
		if m.Offset < t.at.Offset {
			continue // brokers send whole batches, from before the offset that was asked for
		}
		fresh, err := t.follow(ctx, m)
		if err != nil || t.at.Offset <= m.Offset {
			return records, err // not passed, or rewound
		}
		if fresh {
			records = append(records, record{Message: m, after: t.at})
		}
	}
}

// follow moves past a record. It tells whether the record is new, and does not move if one is missing before it.
func (t *tail) follow(ctx context.Context, m kafka.Message) (bool, error) {
	if !t.chained {
		t.at.Offset = m.Offset + 1
		return true, nil
	}
	sequence, previous, err := chain(m.Headers)
	switch {
	case err != nil:
		return false, fmt.Errorf("follow %s: %w", t.place(m.Offset), err)
	case sequence <= t.at.Sequence:
		t.at.Offset = m.Offset + 1
		t.metrics.duplicates.Inc()
		return false, nil
	case previous == t.at.Sequence:
		t.at = Progress{Offset: m.Offset + 1, Sequence: sequence}
		t.rewound = false
		return true, nil
	case !t.rewound:
		return false, t.rewind(ctx)
	}
	return false, &MissingError{
		Topic: t.topic, Partition: t.partition, After: t.at.Sequence, Next: sequence, Previous: previous,
	}
}

// relocate decides where to go on when the partition does not hold the offset that comes next.
func (t *tail) relocate(ctx context.Context) error {
	if t.chained {
		return t.rewind(ctx) // the chain will tell whether anything is missing
	}
	first, err := t.offset(ctx, kafka.FirstOffset)
	if err != nil {
		return err
	}
	end, err := t.offset(ctx, kafka.LastOffset)
	if err != nil {
		return err
	}
	if first <= t.at.Offset && t.at.Offset <= end {
		return nil // a moment ago it was not there yet
	}
	return &TruncatedError{Place: t.place(t.at.Offset), First: first, End: end}
}

func (t *tail) rewind(ctx context.Context) error {
	first, err := t.offset(ctx, kafka.FirstOffset)
	if err != nil {
		return err
	}
	t.log.Warn("reading a partition again from its first record, to find what seems to be missing",
		zap.Int("partition", t.partition), zap.Int64("after", t.at.Sequence), zap.Int64("from_offset", first))
	t.at.Offset, t.rewound = first, true
	return nil
}

// offset asks for the first or the last offset alone: asked for both, kafka-go answers 0 for one that failed.
func (t *tail) offset(ctx context.Context, which int64) (int64, error) {
	offset, err := boundary(ctx, t.client, t.place(which))
	if err != nil {
		return 0, fmt.Errorf("list offsets of %s: %w", t.place(t.at.Offset), err)
	}
	return offset, nil
}

// boundary resolves a place whose Offset is kafka.FirstOffset or kafka.LastOffset.
func boundary(ctx context.Context, client *kafka.Client, p Place) (int64, error) {
	resp, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{p.Topic: {{Partition: p.Partition, Timestamp: p.Offset}}},
	})
	if err != nil {
		return 0, err
	}
	for _, answer := range resp.Topics[p.Topic] {
		switch {
		case answer.Partition != p.Partition:
		case answer.Error != nil:
			return 0, answer.Error
		case p.Offset == kafka.FirstOffset:
			return answer.FirstOffset, nil
		default:
			return answer.LastOffset, nil
		}
	}
	return 0, kafka.UnknownTopicOrPartition
}

func (t *tail) message(raw *kafka.Record) (kafka.Message, error) {
	key, err := drain(raw.Key)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("read key at %s: %w", t.place(raw.Offset), err)
	}
	value, err := drain(raw.Value)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("read value at %s: %w", t.place(raw.Offset), err)
	}
	return kafka.Message{
		Topic: t.topic, Partition: t.partition, Offset: raw.Offset,
		Key: key, Value: value, Headers: raw.Headers, Time: raw.Time,
	}, nil
}

// drain copies the bytes out of kafka-go's pages and gives the pages back.
func drain(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	data, err := kafka.ReadAll(b)
	return data, errors.Join(err, b.Close())
}

// passControl moves past transaction markers, which kafka-go hides: a fetch that holds nothing else would otherwise be
// repeated for ever.
func (t *tail) passControl(sent kafka.RecordReader) {
	stream, ok := sent.(*protocol.RecordStream)
	if !ok {
		return
	}
	for _, batch := range stream.Records {
		control, ok := batch.(*protocol.ControlBatch)
		for ok {
			marker, err := control.ReadRecord()
			if err != nil {
				break
			}
			t.at.Offset = max(t.at.Offset, marker.Offset+1)
		}
	}
}
