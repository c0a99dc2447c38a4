package envelope

import (
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"
)

// headerUUID carries the UUID of a message that is no CloudEvent; the name is that of Watermill's other Kafka drivers.
const headerUUID = "_watermill_message_uuid"

// ToKafka makes a record of a Watermill message. Without a key it takes the one in the metadata, or else the UUID: an
// empty key would go to any partition.
func ToKafka(m *message.Message, key string) kafka.Message {
	if key == "" {
		key = m.Metadata.Get(KeyMetadata)
	}
	if key == "" {
		key = m.UUID
	}
	out := kafka.Message{Key: []byte(key), Value: m.Payload}
	for name, value := range m.Metadata {
		if name != KeyMetadata {
			out.Headers = append(out.Headers, kafka.Header{Key: name, Value: []byte(value)})
		}
	}
	if m.Metadata.Get(HeaderID) == "" {
		out.Headers = append(out.Headers, kafka.Header{Key: headerUUID, Value: []byte(m.UUID)})
	}
	return out
}

// FromKafka makes a Watermill message of a record, without a context. One that nobody named gets a UUID.
func FromKafka(r kafka.Message) *message.Message {
	m := message.NewMessage("", r.Value)
	m.Metadata = make(message.Metadata, len(r.Headers)+1)
	for _, h := range r.Headers {
		switch h.Key {
		case headerUUID:
			m.UUID = string(h.Value)
		case HeaderID:
			m.UUID = string(h.Value)
			fallthrough
		default:
			m.Metadata[h.Key] = string(h.Value)
		}
	}
	if m.UUID == "" {
		m.UUID = watermill.NewUUID()
	}
	m.Metadata[KeyMetadata] = string(r.Key)
	return m
}
