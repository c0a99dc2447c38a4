package envelope_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus/internal/envelope"
)

// some is a message with whatever metadata, and perhaps the id of a CloudEvent, which is its UUID then.
func some(r *rand.Rand) *message.Message {
	m := message.NewMessage(fmt.Sprint("uuid-", r.IntN(100)), fmt.Append(nil, "body ", r.Int()))
	for range r.IntN(4) {
		m.Metadata.Set(fmt.Sprint("name-", r.IntN(10)), fmt.Sprint("value-", r.IntN(10)))
	}
	if r.IntN(2) == 0 {
		m.Metadata.Set(envelope.HeaderID, m.UUID)
	}
	if r.IntN(2) == 0 {
		m.Metadata.Set(envelope.KeyMetadata, fmt.Sprint("key-", r.IntN(10)))
	}
	return m
}

func TestAMessageComesBackFromKafkaAsItWasSent(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same messages every time
	for range 2_000 {
		m, given := some(r), ""
		if r.IntN(3) == 0 {
			given = "given"
		}
		key := given
		for _, next := range []string{m.Metadata.Get(envelope.KeyMetadata), m.UUID} {
			if key == "" {
				key = next
			}
		}
		record := envelope.ToKafka(m, given)
		if string(record.Key) != key {
			t.Fatalf("the key is %s, want %s", record.Key, key)
		}
		want := message.Metadata{envelope.KeyMetadata: key}
		for name, value := range m.Metadata {
			if name != envelope.KeyMetadata {
				want[name] = value
			}
		}
		back := envelope.FromKafka(record)
		if back.UUID != m.UUID || string(back.Payload) != string(m.Payload) {
			t.Fatalf("%s %s comes back as %s %s", m.UUID, m.Payload, back.UUID, back.Payload)
		}
		if diff := cmp.Diff(want, back.Metadata); diff != "" {
			t.Fatalf("metadata (-want +got):\n%s", diff)
		}
	}
}

func TestARecordThatNobodyNamedGetsAUUIDOfItsOwn(t *testing.T) {
	t.Parallel()
	one, other := envelope.FromKafka(kafka.Message{Value: []byte("x")}), envelope.FromKafka(kafka.Message{Value: []byte("x")})
	if one.UUID == "" || one.UUID == other.UUID {
		t.Errorf("%q and %q", one.UUID, other.UUID)
	}
}
