package kafkabus_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

// Services of one installation start together, and each makes its own topic: a consumer may come first. It reads the topic
// as soon as it is there, whatever it was doing just then. kafka-go alone now and then joins a group without partitions,
// and never sees them come.
func TestASubscriberReadsATopicThatIsMadeWhileItJoins(t *testing.T) {
	t.Parallel()
	cfg := connect(t)
	const consumers = 40
	var heard atomic.Int64
	name := strings.ToLower(rand.Text())
	topic := func(i int) string { return fmt.Sprintf("test.late.%s.%d", name, i) }
	for i := range consumers {
		messages, _ := subscribe(t, nil, cfg, topic(i), kafkabus.SubscriberOptions{})
		go func() { // ends with the subscriber
			for m := range messages {
				m.Ack()
				heard.Add(1)
			}
		}()
	}
	for i := range consumers {
		if err := kafkabus.EnsureTopic(t.Context(), cfg, topic(i), 1, -1); err != nil {
			t.Fatal(err)
		}
		put(t, cfg, topic(i), 0, fact(t, "a", 1, 0))
	}
	testkit.Eventually(t, func() error {
		if n := heard.Load(); n < consumers {
			return fmt.Errorf("%d of %d consumers have heard something", n, consumers)
		}
		return nil
	})
}
