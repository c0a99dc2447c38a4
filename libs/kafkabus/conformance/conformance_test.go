package conformance_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
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

// suite makes publishers and subscribers for Watermill's conformance suite.
type suite struct {
	broker     testkit.Broker
	partitions int
	key        func(topic string, m *message.Message) string
}

func (s suite) create(t *testing.T, group string) (message.Publisher, message.Subscriber) {
	cfg, err := kafkabus.Connect(kafkabus.Settings{
		Brokers: s.broker.Addrs, User: s.broker.User, Password: s.broker.Password, ClientID: "conformance",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cfg.Close)
	sub, err := kafkabus.NewSubscriber(cfg, kafkabus.SubscriberOptions{
		Group: group, NackWait: 20 * time.Millisecond, // the suite refuses one message 300 times
	})
	if err != nil {
		t.Fatal(err)
	}
	return kafkabus.NewPublisher(cfg, kafkabus.PublisherOptions{Key: s.key}), initializing{sub, t, cfg, s.partitions}
}

func (s suite) oneGroup(t *testing.T) (message.Publisher, message.Subscriber) {
	return s.create(t, "suite")
}

func (s suite) groupsOfTheirOwn(t *testing.T) (message.Publisher, message.Subscriber) {
	return s.create(t, watermill.NewUUID())
}

func ownKey(string, *message.Message) string { return watermill.NewUUID() }

func payloadAsKey(_ string, m *message.Message) string { return string(m.Payload) }

func TestWatermillSuiteWithOneKeyPerPayload(t *testing.T) {
	t.Parallel()
	s := suite{broker: testkit.Kafka(t), partitions: 3, key: payloadAsKey}
	features := tests.Features{ConsumerGroups: true, GuaranteedOrder: true, Persistent: true}
	tests.TestPubSub(t, features, s.oneGroup, s.create)
}

func TestWatermillSuiteWithOneKeyPerMessage(t *testing.T) {
	t.Parallel()
	s := suite{broker: testkit.Kafka(t), partitions: 8, key: ownKey}
	tests.TestPubSub(t, tests.Features{ConsumerGroups: true, Persistent: true}, s.oneGroup, s.create)
}

func TestWatermillNewGroupsReceiveOldMessages(t *testing.T) {
	t.Parallel()
	s := suite{broker: testkit.Kafka(t), partitions: 3, key: ownKey}
	tests.TestNewSubscriberReceivesOldMessages(t, tests.TestContext{
		TestID: tests.NewTestID(), Features: tests.Features{Persistent: true, NewSubscriberReceivesOldMessages: true},
	}, s.groupsOfTheirOwn)
}

// TestWhatWasPublishedThroughRestartsIsReceived is in the place of Watermill's TestReconnect. That one compares what was
// received with a list it still writes to, without a lock: a message may be received before its publisher has its answer,
// and then counts as one nobody sent.
func TestWhatWasPublishedThroughRestartsIsReceived(t *testing.T) {
	t.Parallel()
	const publishers, each = 20, 500
	b := testkit.NewBroker(t)
	pub, sub := suite{broker: b.Broker, partitions: 8, key: ownKey}.oneGroup(t)
	t.Cleanup(func() {
		if err := errors.Join(pub.Close(), sub.Close()); err != nil {
			t.Error(err)
		}
	})
	topic := watermill.NewUUID()
	if err := sub.(message.SubscribeInitializer).SubscribeInitialize(topic); err != nil {
		t.Fatal(err)
	}
	messages, err := sub.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}

	published := make(chan string, publishers*each) // whoever publishes does not wait for the broker that is restarted here
	var publishing sync.WaitGroup
	var failed atomic.Int64
	for range publishers {
		publishing.Go(func() {
			for range each {
				m := message.NewMessage(watermill.NewUUID(), []byte("x"))
				for pub.Publish(topic, m) != nil { // it may be there all the same, and is received twice then
					failed.Add(1)
					if t.Context().Err() != nil {
						return // the test has failed
					}
				}
				published <- m.UUID
			}
		})
	}
	t.Cleanup(publishing.Wait)

	missing := map[string]bool{} // published and not yet received
	sent, received := 0, map[string]bool{}
	patience := time.After(2 * time.Minute)
	for sent < publishers*each || len(missing) > 0 {
		select {
		case id := <-published:
			if sent++; !received[id] {
				missing[id] = true
			}
			if sent == publishers*each/10 || sent == publishers*each/3 {
				b.Stop(t)
				b.Start(t)
			}
		case m, open := <-messages:
			if !open {
				t.Fatal("the subscription has ended")
			}
			received[m.UUID] = true
			delete(missing, m.UUID)
			m.Ack()
		case <-patience:
			t.Fatalf("%d published, %d of them not received", sent, len(missing))
		}
	}
	if len(received) != sent { // each has an id of its own, however often it came
		t.Errorf("%d received of %d published", len(received), sent)
	}
	if failed.Load() == 0 {
		t.Error("nobody met the broker while it was away")
	}
}
