package reaction

import (
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
)

// item is what would be kept of a message.
func (r *Reactor) item(m *message.Message) quarantine.Item {
	at, _ := kafkabus.PlaceOf(m.Context())
	known := r.known(m)
	i := quarantine.Item{Consumer: known.Consumer, Place: at, Key: known.Key, Fact: known.Fact}
	if r.deps.Foreign != nil {
		r.deps.Foreign.fill(&i, r, m)
		return i
	}
	i.Headers = make(map[string]string, len(m.Metadata))
	for name, value := range m.Metadata {
		i.Headers[clean(name)] = clean(value)
	}
	i.Stream, i.Type = clean(m.Metadata.Get(headerSubject)), clean(m.Metadata.Get(headerType))
	i.Payload = append([]byte{}, m.Payload...)
	return i
}

// known is as much of an item as says how its message stands to the quarantine: most of them never go there.
func (r *Reactor) known(m *message.Message) quarantine.Message {
	at, _ := kafkabus.PlaceOf(m.Context())
	if r.deps.Foreign != nil {
		return quarantine.Message{Consumer: r.name, Topic: at.Topic, Key: m.UUID, Fact: m.UUID}
	}
	fact := clean(m.Metadata.Get(headerID))
	if fact == "" {
		fact = fmt.Sprintf("%d@%d", at.Partition, at.Offset)
	}
	return quarantine.Message{Consumer: r.name, Topic: at.Topic, Key: clean(m.Metadata.Get(kafkabus.KeyMetadata)), Fact: fact}
}
