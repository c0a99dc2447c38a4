package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// broker answers fetches one after the other as it was told to: with an error, a code, or records.
type broker struct {
	answers    []any
	first, end int64
	asked      []int64 // offsets
}

func (b *broker) RoundTrip(_ context.Context, _ net.Addr, req kafka.Request) (kafka.Response, error) {
	if r, ok := req.(*listoffsets.Request); ok {
		p := r.Topics[0].Partitions[0]
		offset := b.end
		if p.Timestamp == kafka.FirstOffset {
			offset = b.first
		}
		return &listoffsets.Response{Topics: []listoffsets.ResponseTopic{{Topic: "topic", Partitions: []listoffsets.ResponsePartition{
			{Partition: p.Partition, Timestamp: p.Timestamp, Offset: offset},
		}}}}, nil
	}
	b.asked = append(b.asked, req.(*fetch.Request).Topics[0].Partitions[0].FetchOffset)
	answer := b.answers[0]
	b.answers = b.answers[1:]
	partition := fetch.ResponsePartition{}
	switch a := answer.(type) {
	case error:
		var code kafka.Error
		if !errors.As(a, &code) {
			return nil, a
		}
		partition.ErrorCode = int16(code)
	case []protocol.Record:
		partition.RecordSet.Records = protocol.NewRecordReader(a...)
	}
	return &fetch.Response{Topics: []fetch.ResponseTopic{{Partitions: []fetch.ResponsePartition{partition}}}}, nil
}

func link(offset, sequence, previous int64) protocol.Record {
	return protocol.Record{Offset: offset, Value: protocol.NewBytes([]byte("{}")), Headers: []protocol.Header{
		{Key: HeaderSequence, Value: []byte(strconv.FormatInt(sequence, 10))},
		{Key: HeaderPrevious, Value: []byte(strconv.FormatInt(previous, 10))},
	}}
}

func newTail(b *broker, at Progress) (*Reader, *observer.ObservedLogs) {
	core, logs := observer.New(zapcore.DebugLevel)
	return &Reader{
		Client: &kafka.Client{Addr: kafka.TCP("nowhere:9092"), Transport: b}, Topic: "topic", Chained: true, At: at,
		Log: zap.New(core), Metrics: NewMetrics(nil, "consumer", "topic"),
	}, logs
}

func sequences(records []Record) (list []int64) {
	for _, r := range records {
		list = append(list, r.After.Sequence)
	}
	return list
}

func TestConnectionsThatIdleAwayAreNoNews(t *testing.T) {
	t.Parallel()
	b := &broker{answers: []any{
		io.EOF, fmt.Errorf("read: %w", io.ErrUnexpectedEOF), fmt.Errorf("write: %w", syscall.EPIPE),
		[]protocol.Record{link(0, 1, 0)},
	}}
	tail, logs := newTail(b, Progress{})
	records, err := tail.Read(t.Context())
	if diff := cmp.Diff([]int64{1}, sequences(records)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if logs.Len() > 0 {
		t.Errorf("logged: %v", logs.All())
	}
	if n := testutil.ToFloat64(tail.Metrics.Errors.WithLabelValues("kafka")); n != 3 {
		t.Errorf("%v errors counted", n)
	}
}

func TestAnOutageIsToldAndNotRepeatedEachTime(t *testing.T) {
	t.Parallel()
	b := &broker{answers: []any{
		syscall.ECONNREFUSED, syscall.ECONNREFUSED, syscall.ECONNREFUSED, kafka.LeaderNotAvailable, syscall.ECONNREFUSED,
		[]protocol.Record{link(0, 1, 0)},
	}}
	tail, logs := newTail(b, Progress{})
	if _, err := tail.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if logs.Len() != 3 { // after 1, 2 and 4 failures
		t.Errorf("logged: %v", logs.All())
	}
}

func TestWhatStandsBeforeAFaultComesFirst(t *testing.T) {
	t.Parallel()
	sent := func() []protocol.Record { return []protocol.Record{link(4, 7, 3), link(5, 9, 8)} }
	b := &broker{first: 4, answers: []any{sent(), sent()}}
	tail, _ := newTail(b, Progress{Offset: 4, Sequence: 3})
	records, err := tail.Read(t.Context())
	if diff := cmp.Diff([]int64{7}, sequences(records)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	records, err = tail.Read(t.Context()) // again from the first record
	var missing *MissingError
	if !errors.As(err, &missing) || missing.After != 7 || missing.Next != 9 || len(records) > 0 {
		t.Error(records, err)
	}
	if diff := cmp.Diff([]int64{4, 4}, b.asked); diff != "" {
		t.Errorf("fetched (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Progress{Offset: 5, Sequence: 7}, tail.At); diff != "" {
		t.Errorf("stands (-want +got):\n%s", diff)
	}
}

func TestAHoleThatFillsAgainIsNoHole(t *testing.T) {
	t.Parallel()
	b := &broker{first: 0, answers: []any{
		[]protocol.Record{link(9, 3, 2)}, // the partition lost its tail and got other offsets
		[]protocol.Record{link(0, 1, 0), link(1, 2, 1), link(2, 3, 2)},
	}}
	tail, _ := newTail(b, Progress{Offset: 9, Sequence: 1})
	if _, err := tail.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	records, err := tail.Read(t.Context())
	if diff := cmp.Diff([]int64{2, 3}, sequences(records)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff([]int64{9, 0}, b.asked); diff != "" {
		t.Errorf("fetched (-want +got):\n%s", diff)
	}
}

func TestAnOffsetThatIsNotThereYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := &broker{first: 0, end: 5, answers: []any{kafka.OffsetOutOfRange, []protocol.Record{link(5, 1, 0)}}}
	tail, _ := newTail(b, Progress{Offset: 5})
	tail.Chained = false
	if records, err := tail.Read(t.Context()); err != nil || len(records) > 0 {
		t.Fatal(records, err)
	}
	if records, err := tail.Read(t.Context()); err != nil || len(records) != 1 {
		t.Error(records, err)
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tail, _ := newTail(&broker{answers: []any{io.EOF, io.EOF}}, Progress{})
	if _, err := tail.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestChainsAreNumbersInOrder(t *testing.T) {
	t.Parallel()
	for _, odd := range [][2]string{{"", "0"}, {"1", ""}, {"0", "0"}, {"3", "3"}, {"3", "-1"}, {"3", "x"}, {"x", "0"}} {
		_, _, err := chain([]kafka.Header{
			{Key: HeaderSequence, Value: []byte(odd[0])}, {Key: HeaderPrevious, Value: []byte(odd[1])},
		})
		var fault *HeaderError
		if !errors.As(err, &fault) {
			t.Errorf("%v: %v", odd, err)
		}
	}
}

func TestProgressIsComparedBySequenceFirst(t *testing.T) {
	t.Parallel()
	got := []bool{
		Progress{Offset: 1, Sequence: 5}.Past(Progress{Offset: 9, Sequence: 4}),
		Progress{Offset: 9, Sequence: 5}.Past(Progress{Offset: 1, Sequence: 5}),
		Progress{Offset: 1, Sequence: 5}.Past(Progress{Offset: 1, Sequence: 5}),
	}
	if diff := cmp.Diff([]bool{true, true, false}, got); diff != "" {
		t.Error(diff)
	}
}
