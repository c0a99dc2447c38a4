package kafkabus_test

import (
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/songan-vn/songan/libs/kafkabus"
)

// initializing makes the topics of Watermill's suite; ours are made explicitly, when a service starts.
type initializing struct {
	*kafkabus.Subscriber
	t          *testing.T
	cfg        kafkabus.Config
	partitions int
}

func (s initializing) SubscribeInitialize(topic string) error {
	return kafkabus.EnsureTopic(s.t.Context(), s.cfg, topic, s.partitions, 1)
}

func runSuite(t *testing.T, features tests.Features, partitions int, key func(string, *message.Message) string) {
	create := func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
		cfg := connect(t)
		sub, err := kafkabus.NewSubscriber(cfg, kafkabus.SubscriberOptions{
			Group: group, NackWait: 40 * time.Millisecond, // the suite refuses one message 300 times
		})
		if err != nil {
			t.Fatal(err)
		}
		pub := kafkabus.NewPublisher(cfg, kafkabus.PublisherOptions{Key: key})
		return pub, initializing{sub, t, cfg, partitions}
	}
	tests.TestPubSub(t, features,
		func(t *testing.T) (message.Publisher, message.Subscriber) { return create(t, "test") }, create)
}

func TestWatermillSuiteWithOneKeyPerPayload(t *testing.T) {
	t.Parallel()
	runSuite(t, tests.Features{
		ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, NewSubscriberReceivesOldMessages: false,
	}, 3, func(_ string, m *message.Message) string { return string(m.Payload) })
}

func TestWatermillSuiteWithOneKeyPerMessage(t *testing.T) {
	t.Parallel()
	runSuite(t, tests.Features{ConsumerGroups: true, Persistent: true}, 8,
		func(string, *message.Message) string { return watermill.NewUUID() })
}
