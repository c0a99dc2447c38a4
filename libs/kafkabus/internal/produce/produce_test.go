package produce_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	api "github.com/segmentio/kafka-go/protocol/produce"

	"github.com/songan-vn/songan/libs/kafkabus/internal/produce"
)

// broker takes produce requests, and answers the nth one to a partition as it is told to.
type broker struct {
	mu       sync.Mutex
	requests map[int32][][]string
	codes    map[int32][]int16
	broken   error
}

func (b *broker) RoundTrip(_ context.Context, _ net.Addr, req kafka.Request) (kafka.Response, error) {
	request := req.(*api.Request)
	if request.Acks != int16(kafka.RequireAll) {
		return nil, fmt.Errorf("acks %d", request.Acks)
	}
	partition := &request.Topics[0].Partitions[0]
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return nil, b.broken
	}
	var values []string
	for {
		r, err := partition.RecordSet.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			break
		}
		text, err := protocol.ReadAll(r.Value)
		if err != nil {
			return nil, err
		}
		values = append(values, string(text[:min(len(text), 3)]))
	}
	n := len(b.requests[partition.Partition])
	b.requests[partition.Partition] = append(b.requests[partition.Partition], values)
	code := int16(0)
	if n < len(b.codes[partition.Partition]) {
		code = b.codes[partition.Partition][n]
	}
	return &api.Response{Topics: []api.ResponseTopic{{Partitions: []api.ResponsePartition{{ErrorCode: code}}}}}, nil
}

func newBroker() (*broker, *kafka.Client) {
	b := &broker{requests: map[int32][][]string{}, codes: map[int32][]int16{}}
	return b, &kafka.Client{Addr: kafka.TCP("nowhere:9092"), Transport: b}
}

// messages returns n messages of some size, whose values begin with their numbers.
func messages(n, size int) []kafka.Message {
	list := make([]kafka.Message, n)
	for i := range list {
		list[i] = kafka.Message{Key: []byte("key"), Value: fmt.Appendf(nil, "%03d%s", i, strings.Repeat("x", size-3))}
	}
	return list
}

// names returns the numbers of messages.
func names(all produce.Batches) map[int][]string {
	list := map[int][]string{}
	for partition, batch := range all {
		for _, m := range batch {
			list[partition] = append(list[partition], string(m.Value[:3]))
		}
	}
	return list
}

func TestABatchIsSplitIntoRequestsThatBrokersTake(t *testing.T) {
	t.Parallel()
	b, client := newBroker()
	rest, err := produce.All(t.Context(), client, "topic", produce.Batches{0: messages(5, 400_000), 1: messages(1, 2_000_000)})
	if err != nil || len(rest) > 0 {
		t.Fatal(rest, err)
	}
	want := map[int32][][]string{
		0: {{"000", "001"}, {"002", "003"}, {"004"}},
		1: {{"000"}}, // it is the broker that says whether this is too big
	}
	if diff := cmp.Diff(want, b.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestHeadersCountForTheSize(t *testing.T) {
	t.Parallel()
	b, client := newBroker()
	list := messages(2, 3)
	for i := range list {
		list[i].Headers = []kafka.Header{{Key: "h", Value: make([]byte, 500_000)}}
	}
	if _, err := produce.All(t.Context(), client, "topic", produce.Batches{0: list}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int32][][]string{0: {{"000"}, {"001"}}}, b.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestNothingIsSentAfterARequestThatFailed(t *testing.T) {
	t.Parallel()
	b, client := newBroker()
	b.codes[0] = []int16{0, int16(kafka.NotLeaderForPartition)}
	all := produce.Batches{0: messages(5, 400_000), 1: messages(2, 10)}
	rest, err := produce.All(t.Context(), client, "topic", all)
	if !errors.Is(err, kafka.NotLeaderForPartition) {
		t.Error(err)
	}
	if diff := cmp.Diff(map[int][]string{0: {"002", "003", "004"}}, names(rest)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	rest, err = produce.All(t.Context(), client, "topic", rest)
	if err != nil || len(rest) > 0 {
		t.Error(rest, err)
	}
	want := map[int32][][]string{0: {{"000", "001"}, {"002", "003"}, {"002", "003"}, {"004"}}, 1: {{"000", "001"}}}
	if diff := cmp.Diff(want, b.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestEveryPartitionThatFailedIsTold(t *testing.T) {
	t.Parallel()
	b, client := newBroker()
	b.broken = io.ErrUnexpectedEOF
	all := produce.Batches{3: messages(1, 10), 4: messages(2, 10)}
	rest, err := produce.All(t.Context(), client, "topic", all)
	if diff := cmp.Diff(map[int][]string{3: {"000"}, 4: {"000", "001"}}, names(rest)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	for _, want := range []string{"topic partition 3", "topic partition 4"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

func TestTheSameKeyAlwaysGoesToTheSamePartition(t *testing.T) {
	t.Parallel()
	p := produce.NewPartitioner(7)
	for i := range 100 {
		key := fmt.Append(nil, i)
		if first, second := p.Of(key), p.Of(key); first != second || first < 0 || first > 6 {
			t.Errorf("%s: %d, %d", key, first, second)
		}
	}
}

func TestOnlyWhatBrokersRefusedMayBeSentAgainWithoutRepeats(t *testing.T) {
	t.Parallel()
	refused := fmt.Errorf("produce: %w", kafka.NotLeaderForPartition)
	for err, want := range map[error]bool{
		nil:     false,
		refused: true,
		fmt.Errorf("produce: %w", kafka.UnknownTopicOrPartition): true,
		errors.Join(refused, refused):                            true,
		protocol.NewErrNoTopic("topic"):                          true,
		protocol.NewErrNoLeader("topic", 3):                      true,
		errors.Join(refused, io.ErrUnexpectedEOF):                false,
		io.ErrUnexpectedEOF:                                      false,
		kafka.RequestTimedOut:                                    false,
		kafka.NotEnoughReplicasAfterAppend:                       false,
		kafka.MessageSizeTooLarge:                                false,
	} {
		if got := produce.Refused(err); got != want {
			t.Errorf("%v: %t", err, got)
		}
	}
}
