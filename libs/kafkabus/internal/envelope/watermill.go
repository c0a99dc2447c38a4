package envelope

import (
	"strings"

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
	values := texts(r.Headers)
	for _, h := range r.Headers {
		value := values[:len(h.Value)]
		values = values[len(h.Value):]
		switch h.Key {
		case headerUUID:
			m.UUID = value
		case HeaderID:
			m.UUID = value
			fallthrough
		default:
			m.Metadata[h.Key] = value
		}
	}
	if m.UUID == "" {
		m.UUID = watermill.NewUUID()
	}
	m.Metadata[KeyMetadata] = string(r.Key)
	return m
}

// texts are the values of all headers in one string: one piece of memory instead of a dozen.
func texts(headers []kafka.Header) string {
	var all strings.Builder
	size := 0
	for _, h := range headers {
		size += len(h.Value)
	}
	all.Grow(size)
	for _, h := range headers {
		all.Write(h.Value)
	}
	return all.String()
}
