package kafkabus_test

import (
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus"
)

// Opened is a fact of a service called shop.
type Opened struct {
	Place string `json:"place"`
}

// EventName is the stored name of the fact.
func (Opened) EventName() string { return "shop.opened.v1" }

// A fact goes out as a CloudEvent, and the consumer gets it back with its place in the log of the service and with the
// position that came before it in the same partition.
func ExampleEncode() {
	at := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	message, err := kafkabus.Encode(events.Recorded{
		Position: 42, Stream: "shop-7", Version: 1, RecordedAt: at,
		Meta:  events.Meta{OccurredAt: at, Actor: "officer:9", Fingerprint: "never published"},
		Event: Opened{Place: "Da Lat"},
	}, 40)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s\n", message.Key, message.Value)

	received, err := kafkabus.Decode(events.NewCatalog([]events.Event{Opened{}}), message)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(received.Source, received.ID(), received.Position, "follows", received.Previous)
	fmt.Printf("%+v\n", received.Event)

	_, err = kafkabus.Decode(events.Catalog{}, message)
	fmt.Println(err)
	// Output:
	// shop-7 {"place":"Da Lat"}
	// songan/shop shop/shop-7/1 42 follows 40
	// {Place:Da Lat}
	// decode /0@0: header ce_type is not in the catalog
}
