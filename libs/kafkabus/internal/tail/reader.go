package tail

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

	// quietHangups is how often a connection may break in a row before somebody hears of it: brokers close idle ones.
	quietHangups = 3
)

// Reader reads one partition onwards from where its consumer stands. It belongs to one goroutine.
type Reader struct {
	Client    *kafka.Client
	Topic     string
	Partition int
	// Chained says that records carry sequence and previous.
	Chained bool
	// At is how far reading has come.
	At Progress
	// Searched is set when the partition is read again from its first offset, which is done once before a hole, to find
	// records that have moved to other offsets.
	Searched bool
	Log      *zap.Logger
	Metrics  *Metrics
}

// Stands is [Reader.At].
func (r *Reader) Stands() Progress { return r.At }

// GoOn reads on from another place.
func (r *Reader) GoOn(from Progress) { r.At = from }

// Read returns the next records, without repeats; there are none when nothing came for a while, or reading has only moved on. It
// waits while Kafka is away: its error is final.
func (r *Reader) Read(ctx context.Context) ([]Record, error) {
	wait := pause.Retry()
	for {
		records, err := r.next(ctx)
		if err == nil || ctx.Err() != nil || final(err) {
			return records, errors.Join(err, ctx.Err())
		}
		r.Metrics.Errors.WithLabelValues("kafka").Inc()
		if wait.Loud() && (wait.Failures() >= quietHangups || !hangup(err)) {
			r.Log.Warn("kafka cannot be read, trying again", zap.Int("partition", r.Partition), zap.Error(err))
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

func (r *Reader) next(ctx context.Context) ([]Record, error) {
	if r.At.Offset < 0 {
		// Fetch would resolve it too, but not say to what, and the batch it sends may begin before.
		first, err := r.offset(ctx, r.At.Offset)
		if err != nil {
			return nil, err
		}
		r.At.Offset = first
	}
	resp, err := r.Client.Fetch(ctx, &kafka.FetchRequest{
		Topic: r.Topic, Partition: r.Partition, Offset: r.At.Offset,
		MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait, IsolationLevel: kafka.ReadCommitted,
	})
	if err == nil {
		err = resp.Error
	}
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return nil, r.relocate(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", r.place(r.At.Offset), err)
	}
	records, err := r.take(ctx, resp.Records)
	if len(records) > 0 {
		return records, nil // what stopped it comes first in the next answer
	}
	return nil, err
}

func (r *Reader) place(offset int64) Place {
	return Place{Topic: r.Topic, Partition: r.Partition, Offset: offset}
}

// take reads what the broker sent, up to the first record that must not be passed.
func (r *Reader) take(ctx context.Context, sent kafka.RecordReader) ([]Record, error) {
	var records []Record
	for {
		raw, err := sent.ReadRecord()
		if errors.Is(err, io.EOF) {
			r.passControl(sent)
			return records, nil
		}
		if err != nil {
			return records, fmt.Errorf("read records of %s: %w", r.place(r.At.Offset), err)
		}
		m, err := r.message(raw)
		if err != nil {
			return records, err
		}
		if m.Offset < r.At.Offset {
			continue // brokers send whole batches, from before the offset that was asked for
		}
		fresh, err := r.follow(ctx, m)
		if err != nil || r.At.Offset <= m.Offset {
			return records, err // not passed, or rewound
		}
		if fresh {
			records = append(records, Record{Message: m, After: r.At})
		}
	}
}

// follow moves past a record. It tells whether the record is new, and does not move if one is missing before it.
func (r *Reader) follow(ctx context.Context, m kafka.Message) (bool, error) {
	if !r.Chained {
		r.At.Offset = m.Offset + 1
		return true, nil
	}
	sequence, previous, err := chain(m.Headers)
	switch {
	case err != nil:
		return false, fmt.Errorf("follow %s: %w", r.place(m.Offset), err)
	case sequence <= r.At.Sequence:
		r.At.Offset = m.Offset + 1
		r.Metrics.Duplicates.Inc()
		return false, nil
	case previous == r.At.Sequence:
		r.At = Progress{Offset: m.Offset + 1, Sequence: sequence}
		r.Searched = false
		return true, nil
	case !r.Searched:
		return false, r.rewind(ctx)
	}
	return false, &MissingError{
		Topic: r.Topic, Partition: r.Partition, After: r.At.Sequence, Next: sequence, Previous: previous,
	}
}

// relocate decides where to go on when the partition does not hold the offset that comes next.
func (r *Reader) relocate(ctx context.Context) error {
	if r.Chained {
		return r.rewind(ctx) // the chain will tell whether anything is missing
	}
	first, err := r.offset(ctx, kafka.FirstOffset)
	if err != nil {
		return err
	}
	end, err := r.offset(ctx, kafka.LastOffset)
	if err != nil {
		return err
	}
	if first <= r.At.Offset && r.At.Offset <= end {
		return nil // a moment ago it was not there yet
	}
	return &TruncatedError{Place: r.place(r.At.Offset), First: first, End: end}
}

func (r *Reader) rewind(ctx context.Context) error {
	first, err := r.offset(ctx, kafka.FirstOffset)
	if err != nil {
		return err
	}
	r.Log.Warn("reading a partition again from its first record, to find what seems to be missing",
		zap.Int("partition", r.Partition), zap.Int64("after", r.At.Sequence), zap.Int64("from_offset", first))
	r.At.Offset, r.Searched = first, true
	return nil
}

// offset asks for the first or the last offset alone: asked for both, kafka-go answers 0 for one that failed.
func (r *Reader) offset(ctx context.Context, which int64) (int64, error) {
	offset, err := Boundary(ctx, r.Client, r.place(which))
	if err != nil {
		return 0, fmt.Errorf("list offsets of %s: %w", r.place(r.At.Offset), err)
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

func (r *Reader) message(raw *kafka.Record) (kafka.Message, error) {
	key, err := drain(raw.Key)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("read key at %s: %w", r.place(raw.Offset), err)
	}
	value, err := drain(raw.Value)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("read value at %s: %w", r.place(raw.Offset), err)
	}
	return kafka.Message{
		Topic: r.Topic, Partition: r.Partition, Offset: raw.Offset,
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
func (r *Reader) passControl(sent kafka.RecordReader) {
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
			r.At.Offset = max(r.At.Offset, marker.Offset+1)
		}
	}
}
