package kafkabus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

func newTopic(t testing.TB, partitions int) (kafkabus.Config, string) {
	t.Helper()
	b := testkit.Kafka(t)
	return connectTo(t, b), testkit.Topic(t, b, partitions)
}

func TestSourceDropsRepeats(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	put(t, cfg, topic, 0, fact(t, "a", 1, 0), fact(t, "b", 4, 1))
	put(t, cfg, topic, 0, fact(t, "a", 1, 0), fact(t, "b", 4, 1), fact(t, "a", 7, 4)) // a batch whose answer was lost
	put(t, cfg, topic, 0, fact(t, "b", 4, 1))                                         // one that came late
	seen := newReader()
	start(t, seen.run(kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{})))
	testkit.Eventually(t, func() error { return reached(seen, 0, kafkabus.Progress{Offset: 6, Sequence: 7}) })
	if diff := cmp.Diff([]int{1, 4, 7}, numbers(seen)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func reached(r *reader, partition int, want kafkabus.Progress) error {
	if at := r.at()[partition]; at != want {
		return fmt.Errorf("at %+v instead of %+v", at, want)
	}
	return nil
}

func numbers(r *reader) []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []int
	for _, fact := range r.facts {
		list = append(list, fact.Event.(noted).N)
	}
	return list
}

// stops runs a source until it stops by itself, and returns why.
func stops(t *testing.T, seen *reader, cfg kafkabus.Config, topic string) error {
	t.Helper()
	err := kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{}).Run(t.Context(), seen.at(), seen.handle)
	if err == nil {
		t.Error("the source ended without an error")
	}
	return err
}

func TestSourceStopsAtAHoleAndSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 2)
	put(t, cfg, topic, 1, fact(t, "a", 1, 0), fact(t, "a", 3, 1), fact(t, "a", 9, 8), fact(t, "a", 10, 9))
	seen := newReader()
	core, said := observer.New(zap.WarnLevel)
	source := kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{Log: zap.New(core)})
	for range 3 { // trying again does not help
		err := seen.run(source)(t.Context())
		var missing *kafkabus.MissingError
		if !errors.As(err, &missing) {
			t.Fatal(err)
		}
		want := &kafkabus.MissingError{Topic: topic, Partition: 1, After: 3, Next: 9, Previous: 8}
		if diff := cmp.Diff(want, missing); diff != "" {
			t.Errorf("missing (-want +got):\n%s", diff)
		}
		if text := missing.Error(); !strings.HasSuffix(text, "positions after 3 up to 8 are missing: 9 follows 8") {
			t.Error(text)
		}
	}
	if n := said.FilterMessageSnippet("from its first record").Len(); n != 1 {
		t.Errorf("the whole partition was read %d times for one hole", n)
	}
	if diff := cmp.Diff([]int{1, 3}, numbers(seen)); diff != "" {
		t.Errorf("facts before the hole, and none after it (-want +got):\n%s", diff)
	}
	if err := reached(seen, 1, kafkabus.Progress{Offset: 2, Sequence: 3}); err != nil {
		t.Error(err)
	}
}

func TestSourceNoticesRecordsThatKafkaRemoved(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	put(t, cfg, topic, 0, fact(t, "a", 1, 0), fact(t, "a", 2, 1), fact(t, "a", 3, 2), fact(t, "a", 4, 3))
	remove(t, topic, 2)
	var missing *kafkabus.MissingError
	if err := stops(t, newReader(), cfg, topic); !errors.As(err, &missing) {
		t.Fatal(err)
	}
	want := &kafkabus.MissingError{Topic: topic, After: 0, Next: 3, Previous: 2}
	if diff := cmp.Diff(want, missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}

	seen := newReader() // one that had read what was removed goes on
	seen.progress[0] = kafkabus.Progress{Offset: 1, Sequence: 2}
	start(t, seen.run(kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{})))
	testkit.Eventually(t, func() error { return reached(seen, 0, kafkabus.Progress{Offset: 4, Sequence: 4}) })
	if diff := cmp.Diff([]int{3, 4}, numbers(seen)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestSourceFindsItsPlaceInATopicThatWasMadeAnew(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	put(t, cfg, topic, 0, fact(t, "a", 1, 0), fact(t, "a", 2, 1), fact(t, "a", 3, 2))
	seen := newReader()
	seen.progress[0] = kafkabus.Progress{Offset: 5000, Sequence: 2} // in the old one there were more repeats
	start(t, seen.run(kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{})))
	testkit.Eventually(t, func() error { return reached(seen, 0, kafkabus.Progress{Offset: 3, Sequence: 3}) })
	if diff := cmp.Diff([]int{3}, numbers(seen)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestSourceDoesNotSkipWhatItCannotUnderstand(t *testing.T) {
	t.Parallel()
	broken := func(t *testing.T, change func(*kafka.Message)) kafka.Message {
		m := fact(t, "a", 2, 1)
		change(&m)
		return m
	}
	for name, poison := range map[string]func(*kafka.Message){
		"a body that is no JSON":      func(m *kafka.Message) { m.Value = []byte("{") },
		"a fact nobody knows":         func(m *kafka.Message) { m.Headers[2].Value = []byte("ledger.unheard.v1") },
		"no sequence":                 func(m *kafka.Message) { m.Headers = m.Headers[:7] },
		"a message that is no fact":   func(m *kafka.Message) { m.Headers = nil },
		"another key than its stream": func(m *kafka.Message) { m.Key = []byte("b") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, topic := newTopic(t, 1)
			put(t, cfg, topic, 0, fact(t, "a", 1, 0), broken(t, poison), fact(t, "a", 3, 2))
			seen := newReader()
			err := stops(t, seen, cfg, topic)
			var header *kafkabus.HeaderError
			var body *kafkabus.BodyError
			if !errors.As(err, &header) && !errors.As(err, &body) || !strings.Contains(err.Error(), topic+"/0@1") {
				t.Error(err)
			}
			if diff := cmp.Diff([]int{1}, numbers(seen)); diff != "" {
				t.Errorf("facts before it, and none after it (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSourceHandsOverNoMoreThanABatch(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 2)
	var messages [2][]kafka.Message
	for n := range int64(100) {
		messages[n%2] = append(messages[n%2], fact(t, fmt.Sprint(n), n+1, max(0, n-1)))
	}
	put(t, cfg, topic, 0, messages[0]...)
	put(t, cfg, topic, 1, messages[1]...)
	var largest, calls int
	seen := newReader()
	start(t, func(ctx context.Context) error {
		source := kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{Batch: 7})
		return source.Run(ctx, nil, func(ctx context.Context, b []kafkabus.Received, p map[int]kafkabus.Progress) error {
			largest, calls = max(largest, len(b)), calls+1
			return seen.handle(ctx, b, p)
		})
	})
	testkit.Eventually(t, func() error {
		return errors.Join(reached(seen, 0, kafkabus.Progress{Offset: 50, Sequence: 99}),
			reached(seen, 1, kafkabus.Progress{Offset: 50, Sequence: 100}))
	})
	if largest != 7 || calls < 15 {
		t.Errorf("largest batch %d in %d calls", largest, calls)
	}
}

func TestSourceReturnsWhatTheProjectionSays(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	put(t, cfg, topic, 0, fact(t, "a", 1, 0))
	full := errors.New("disk full")
	source := kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{})
	err := source.Run(t.Context(), nil, func(context.Context, []kafkabus.Received, map[int]kafkabus.Progress) error {
		return full
	})
	if !errors.Is(err, full) {
		t.Error(err)
	}
}

func TestEndsAreWhereARebuildHasCaughtUp(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 2)
	put(t, cfg, topic, 1, fact(t, "a", 1, 0), fact(t, "a", 1, 0))
	source := kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{})
	ends, err := source.Ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: 0, 1: 2}, ends); diff != "" {
		t.Errorf("ends (-want +got):\n%s", diff)
	}
	seen := newReader()
	start(t, seen.run(source))
	testkit.Eventually(t, func() error { return reached(seen, 1, kafkabus.Progress{Offset: ends[1], Sequence: 1}) })
}

func TestSourceKnowsOnlyItsCatalog(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	put(t, cfg, topic, 0, fact(t, "a", 1, 0))
	source := kafkabus.NewSource(cfg, topic, events.Catalog{}, kafkabus.SourceOptions{})
	err := source.Run(t.Context(), nil, newReader().handle)
	var header *kafkabus.HeaderError
	if !errors.As(err, &header) || header.Header != "ce_type" {
		t.Error(err)
	}
}
