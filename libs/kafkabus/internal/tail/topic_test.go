package tail

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// cluster has a topic of three partitions from an instant on; before, it says what is wrong.
type cluster struct {
	from  time.Time
	wrong error
}

func (c cluster) RoundTrip(context.Context, net.Addr, kafka.Request) (kafka.Response, error) {
	topic := metadata.ResponseTopic{Name: "topic"}
	var code kafka.Error
	switch early := time.Now().Before(c.from); {
	case early && errors.As(c.wrong, &code):
		topic.ErrorCode = int16(code)
	case early:
		return nil, c.wrong
	default:
		topic.Partitions = []metadata.ResponsePartition{{PartitionIndex: 0}, {PartitionIndex: 1}, {PartitionIndex: 2}}
	}
	return &metadata.Response{Topics: []metadata.ResponseTopic{topic}}, nil
}

// waited is what somebody sees of waiting for a topic: the loudest line in the log, and the gauge at the end of patience.
type waited struct {
	Partitions int
	Err        error
	Loudest    zapcore.Level
	Missing    float64 // before it was there
}

func wait(t *testing.T, after time.Duration, wrong error) (w waited) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.DebugLevel)
		client := &kafka.Client{Addr: kafka.TCP("nowhere:9092"), Transport: cluster{time.Now().Add(after), wrong}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		metrics := NewMetrics(nil, "consumer", "topic")
		timer := time.AfterFunc(after/2, func() { w.Missing = testutil.ToFloat64(metrics.Missing) })
		defer timer.Stop()
		w.Partitions, w.Err = Await(ctx, client, "topic", metrics, zap.New(core))
		w.Loudest = zapcore.DebugLevel
		for _, line := range logs.All() {
			w.Loudest = max(w.Loudest, line.Level)
		}
		if left := testutil.ToFloat64(metrics.Missing); left != 0 {
			t.Errorf("nobody waits any more, and the gauge is %v", left)
		}
	})
	return w
}

func TestATopicThatComesSoonIsNoFaultAndOneThatDoesNotIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after time.Duration
		wrong error
		want  waited
	}{
		"there":         {0, nil, waited{Partitions: 3, Loudest: zapcore.DebugLevel}},
		"made just now": {10 * time.Second, kafka.UnknownTopicOrPartition, waited{Partitions: 3, Loudest: zapcore.InfoLevel, Missing: 1}},
		"made late":     {2 * time.Minute, kafka.UnknownTopicOrPartition, waited{Partitions: 3, Loudest: zapcore.WarnLevel, Missing: 1}},
		"Kafka is away": {10 * time.Second, syscall.ECONNREFUSED, waited{Partitions: 3, Loudest: zapcore.WarnLevel}},
		"not ours":      {10 * time.Second, kafka.TopicAuthorizationFailed, waited{Partitions: 3, Loudest: zapcore.WarnLevel}},
		"misspelt":      {90 * time.Minute, kafka.UnknownTopicOrPartition, waited{Err: context.DeadlineExceeded, Loudest: zapcore.WarnLevel, Missing: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := wait(t, c.after, c.wrong)
			if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
