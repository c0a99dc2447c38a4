package conformance_test

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
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

// TestWatermillReconnect is the part of the suite that restarts the broker, which is one of our own: the command that
// the suite runs asks this very process for it.
func TestWatermillReconnect(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("this test of Watermill's shares a slice between goroutines without a lock")
	}
	b := testkit.NewBroker(t)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	done := make(chan struct{})
	t.Cleanup(func() { signal.Stop(asked); close(asked); <-done })
	go func() {
		defer close(done)
		for range asked {
			b.Stop(t)
			b.Start(t)
		}
	}()
	s := suite{broker: b.Broker, partitions: 8, key: ownKey}
	tests.TestReconnect(t, tests.TestContext{TestID: tests.NewTestID(), Features: tests.Features{
		ConsumerGroups: true, Persistent: true,
		RestartServiceCommand: []string{"kill", "-USR1", strconv.Itoa(os.Getpid())},
	}}, s.oneGroup)
}
