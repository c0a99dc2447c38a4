package consume

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

	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
)

const (
	fetchBytes = 1 << 18                // most bytes of records in one answer
	fetchWait  = 500 * time.Millisecond // how long the broker holds a fetch when there is nothing new; new records end it

	retryFirst = 50 * time.Millisecond
	retryMost  = 5 * time.Second
	// quietHangups is how often a connection may break in a row before somebody hears of it: brokers close idle ones.
	quietHangups = 3
)

// Tail reads one partition onwards from where its consumer stands. It belongs to one goroutine.
type Tail struct {
	Client    *kafka.Client
	Topic     string
	Partition int
	// Chained says that records carry sequence and previous.
	Chained bool
	// At is how far reading has come.
	At      Progress
	Log     *zap.Logger
	Metrics *Metrics

	// rewound is set when the partition is read again from its first offset, which is done once, to find records
	// that have moved to other offsets.
	rewound bool
}

// Stands is [Tail.At].
func (t *Tail) Stands() Progress { return t.At }

// GoOn reads on from another place.
func (t *Tail) GoOn(from Progress) { t.At = from }

// Read is that of [Source]; it drops repeats.
func (t *Tail) Read(ctx context.Context) ([]Record, error) {
	wait := pause.Backoff{First: retryFirst, Most: retryMost}
	for {
		records, err := t.next(ctx)
		if err == nil || ctx.Err() != nil || final(err) {
			return records, errors.Join(err, ctx.Err())
		}
		t.Metrics.Errors.WithLabelValues("kafka").Inc()
		if wait.Loud() && (wait.Failures() >= quietHangups || !hangup(err)) {
			t.Log.Warn("kafka cannot be read, trying again", zap.Int("partition", t.Partition), zap.Error(err))
		}
		if err := wait.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// hangup tells whether a connection was closed, which happens to idle ones and means nothing by itself.
func hangup(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (t *Tail) next(ctx context.Context) ([]Record, error) {
	if t.At.Offset < 0 {
		// Fetch would resolve it too, but not say to what, and the batch it sends may begin before.
		first, err := t.offset(ctx, t.At.Offset)
		if err != nil {
			return nil, err
		}
		t.At.Offset = first
	}
	resp, err := t.Client.Fetch(ctx, &kafka.FetchRequest{
		Topic: t.Topic, Partition: t.Partition, Offset: t.At.Offset,
		MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait, IsolationLevel: kafka.ReadCommitted,
	})
	if err == nil {
		err = resp.Error
	}
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return nil, t.relocate(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", t.place(t.At.Offset), err)
	}
	records, err := t.take(ctx, resp.Records)
	if len(records) > 0 {
		return records, nil // what stopped it comes first in the next answer
	}
	return nil, err
}

func (t *Tail) place(offset int64) Place {
	return Place{Topic: t.Topic, Partition: t.Partition, Offset: offset}
}

// take reads what the broker sent, up to the first record that must not be passed.
func (t *Tail) take(ctx context.Context, sent kafka.RecordReader) ([]Record, error) {
	var records []Record
	for {
		raw, err := sent.ReadRecord()
		if errors.Is(err, io.EOF) {
			t.passControl(sent)
			return records, nil
		}
		if err != nil {
			return records, fmt.Errorf("read records of %s: %w", t.place(t.At.Offset), err)
		}
		m, err := t.message(raw)
		if err != nil {
			return records, err
		}
		if m.Offset < t.At.Offset {
			continue // brokers send whole batches, from before the offset that was asked for
		}
		fresh, err := t.follow(ctx, m)
		if err != nil || t.At.Offset <= m.Offset {
			return records, err // not passed, or rewound
		}
		if fresh {
			records = append(records, Record{Message: m, After: t.At})
		}
	}
}

// follow moves past a record. It tells whether the record is new, and does not move if one is missing before it.
func (t *Tail) follow(ctx context.Context, m kafka.Message) (bool, error) {
	if !t.Chained {
		t.At.Offset = m.Offset + 1
		return true, nil
	}
	sequence, previous, err := chain(m.Headers)
	switch {
	case err != nil:
		return false, fmt.Errorf("follow %s: %w", t.place(m.Offset), err)
	case sequence <= t.At.Sequence:
		t.At.Offset = m.Offset + 1
		t.Metrics.Duplicates.Inc()
		return false, nil
	case previous == t.At.Sequence:
		t.At = Progress{Offset: m.Offset + 1, Sequence: sequence}
		t.rewound = false
		return true, nil
	case !t.rewound:
		return false, t.rewind(ctx)
	}
	return false, &MissingError{
		Topic: t.Topic, Partition: t.Partition, After: t.At.Sequence, Next: sequence, Previous: previous,
	}
}

// relocate decides where to go on when the partition does not hold the offset that comes next.
func (t *Tail) relocate(ctx context.Context) error {
	if t.Chained {
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
	if first <= t.At.Offset && t.At.Offset <= end {
		return nil // a moment ago it was not there yet
	}
	return &TruncatedError{Place: t.place(t.At.Offset), First: first, End: end}
}

func (t *Tail) rewind(ctx context.Context) error {
	first, err := t.offset(ctx, kafka.FirstOffset)
	if err != nil {
		return err
	}
	t.Log.Warn("reading a partition again from its first record, to find what seems to be missing",
		zap.Int("partition", t.Partition), zap.Int64("after", t.At.Sequence), zap.Int64("from_offset", first))
	t.At.Offset, t.rewound = first, true
	return nil
}

// offset asks for the first or the last offset alone: asked for both, kafka-go answers 0 for one that failed.
func (t *Tail) offset(ctx context.Context, which int64) (int64, error) {
	offset, err := Boundary(ctx, t.Client, t.place(which))
	if err != nil {
		return 0, fmt.Errorf("list offsets of %s: %w", t.place(t.At.Offset), err)
	}
	return offset, nil
}

// Boundary resolves a place whose Offset is kafka.FirstOffset or kafka.LastOffset.
func Boundary(ctx context.Context, client *kafka.Client, p Place) (int64, error) {
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

func (t *Tail) message(raw *kafka.Record) (kafka.Message, error) {
	key, err := drain(raw.Key)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("read key at %s: %w", t.place(raw.Offset), err)
	}
	value, err := drain(raw.Value)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("read value at %s: %w", t.place(raw.Offset), err)
	}
	return kafka.Message{
		Topic: t.Topic, Partition: t.Partition, Offset: raw.Offset,
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
func (t *Tail) passControl(sent kafka.RecordReader) {
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
			t.At.Offset = max(t.At.Offset, marker.Offset+1)
		}
	}
}
