package kafkabus_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

// dull is a fact that nobody wants. Its body does not even make sense, and is not looked at.
type dull struct{}

func (dull) EventName() string { return "ledger.dull.v1" }

func boring(t *testing.T, key string, position, previous int64) kafka.Message {
	t.Helper()
	m := fact(t, key, position, previous)
	for i, h := range m.Headers {
		if h.Key == "ce_type" {
			m.Headers[i].Value = []byte(dull{}.EventName())
		}
	}
	m.Value = []byte("{")
	return m
}

func interesting(typ string) bool { return typ == noted{}.EventName() }

func TestASourcePassesOverWhatIsNotWanted(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	put(t, cfg, topic, 0, boring(t, "a", 1, 0), fact(t, "b", 2, 1), boring(t, "b", 3, 2), fact(t, "a", 4, 3), boring(t, "a", 5, 4))
	seen := newReader()
	both := events.NewCatalog([]events.Event{noted{}, dull{}})
	start(t, seen.run(kafkabus.NewSource(cfg, topic, both, kafkabus.SourceOptions{Wanted: interesting})))
	testkit.Eventually(t, func() error { return reached(seen, 0, kafkabus.Progress{Offset: 5, Sequence: 5}) })
	if diff := cmp.Diff([]int{2, 4}, numbers(seen)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestASourceDoesNotPassOverWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	put(t, cfg, topic, 0, boring(t, "a", 1, 0))
	seen := newReader()
	err := kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{Wanted: interesting}).Run(t.Context(), nil, seen.handle)
	if err == nil || len(numbers(seen)) > 0 || seen.at()[0].Offset > 0 {
		t.Errorf("an unknown fact was passed over: %v, %v", err, seen.at())
	}
}

func TestASubscriberPassesOverWhatIsNotWanted(t *testing.T) {
	t.Parallel()
	cfg, topic := newTopic(t, 1)
	pool := testkit.Postgres(t)
	put(t, cfg, topic, 0, boring(t, "a", 1, 0), fact(t, "a", 2, 1), boring(t, "a", 3, 2), boring(t, "b", 4, 3))
	messages, _ := subscribe(t, pool, cfg, topic, kafkabus.SubscriberOptions{Wanted: interesting, InFlight: 1})
	m, n := next(t, messages)
	if n != 2 {
		t.Errorf("%d came", n)
	}
	testkit.Eventually(t, func() error { return stored(t, pool, topic, kafkabus.Progress{Offset: 1, Sequence: 1}) })
	m.Ack() // what came behind it was passed over before
	testkit.Eventually(t, func() error { return stored(t, pool, topic, kafkabus.Progress{Offset: 4, Sequence: 4}) })
	put(t, cfg, topic, 0, boring(t, "c", 5, 4))
	testkit.Eventually(t, func() error { return stored(t, pool, topic, kafkabus.Progress{Offset: 5, Sequence: 5}) })
}
