package reaction

import (
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
)

// item is what would be kept of a message.
func (r *Reactor) item(m *message.Message) quarantine.Item {
	if r.deps.Foreign != nil {
		return r.deps.Foreign.item(r, m)
	}
	i := r.place(m)
	i.Headers = make(map[string]string, len(m.Metadata))
	for name, value := range m.Metadata {
		i.Headers[clean(name)] = clean(value)
	}
	i.Stream, i.Type = clean(m.Metadata.Get(headerSubject)), clean(m.Metadata.Get(headerType))
	i.Payload = append([]byte{}, m.Payload...)
	return i
}

// place is as much of an item as says how its message stands to the quarantine: most of them never go there.
func (r *Reactor) place(m *message.Message) quarantine.Item {
	if r.deps.Foreign != nil {
		return r.deps.Foreign.place(r, m)
	}
	at, _ := kafkabus.PlaceOf(m.Context())
	fact := clean(m.Metadata.Get(headerID))
	if fact == "" {
		fact = fmt.Sprintf("%d@%d", at.Partition, at.Offset)
	}
	return quarantine.Item{Consumer: r.name, Place: at, Key: clean(m.Metadata.Get(kafkabus.KeyMetadata)), Fact: fact}
}
