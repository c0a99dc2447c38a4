package kafkabus_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

// soonAgain is longer than a group takes to notice two dead members, one after the other.
const soonAgain = time.Minute

// lifeline is the network of one process towards its group.
type lifeline struct {
	// sent sees what is sent, and may change it in place.
	sent func([]byte)

	mu    sync.Mutex
	conns []net.Conn
	cut   bool
}

// on is cfg with the lifeline between its consumer groups and the brokers.
func (l *lifeline) on(cfg kafkabus.Config) kafkabus.Config {
	dialer := *cfg.Dialer
	dialer.DialFunc = l.dial
	cfg.Dialer = &dialer
	return cfg
}

func (l *lifeline) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return nil, net.ErrClosed
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.conns = append(l.conns, conn)
	return &strand{Conn: conn, sent: l.sent}, nil
}

// kill ends everything at once, without a word, as the system does with the connections of a process that was killed.
func (l *lifeline) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for _, c := range l.conns {
		_ = c.Close()
	}
}

// strand is one connection.
type strand struct {
	net.Conn
	sent func([]byte)
}

// Write shows what is sent.
func (s *strand) Write(p []byte) (int, error) {
	if s.sent == nil {
		return s.Conn.Write(p)
	}
	changed := bytes.Clone(p)
	s.sent(changed)
	return s.Conn.Write(changed)
}

// inGroup waits until a group has a member with that client id, living or dead, and returns how many members it has then.
func inGroup(t *testing.T, cfg kafkabus.Config, group, clientID string) (members int) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: cfg.Transport, Timeout: soon}
	testkit.Eventually(t, func() error {
		found, err := client.DescribeGroups(t.Context(), &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})
		if err != nil {
			return err
		}
		if len(found.Groups) != 1 || !slices.ContainsFunc(found.Groups[0].Members, func(m kafka.DescribeGroupsResponseMember) bool { return m.ClientID == clientID }) {
			return fmt.Errorf("%s is no member: %+v", clientID, found.Groups)
		}
		members = len(found.Groups[0].Members)
		return nil
	})
	return members
}

func TestASessionThatBrokersRefuseIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for given, want := range map[time.Duration]time.Duration{
		0: kafkabus.DefaultSession, kafkabus.LeastSession: kafkabus.LeastSession, time.Minute: time.Minute, time.Second: 0, -time.Minute: 0,
	} {
		cfg, err := kafkabus.Connect(kafkabus.Settings{Brokers: []string{"127.0.0.1:1"}, Session: given})
		if cfg.Session != want || (err == nil) != (want > 0) {
			t.Errorf("a session of %s becomes %s, %v", given, cfg.Session, err)
		}
	}
}

// A service that is killed, started, and killed again before the group has let it in, has left two dead members behind.
// Its third life reads all partitions, once the group has found out. The embedded broker alone never found out about the
// second one, unless that happened to lead the group; so there are several.
func TestWhoIsKilledTwiceWhileItJoinsReadsOn(t *testing.T) {
	t.Parallel()
	const groups, partitions = 6, 2
	cfg := connect(t)
	var topics []string
	var first, second lifeline
	for range groups {
		topic := testkit.Topic(t, testkit.Kafka(t), partitions)
		topics = append(topics, topic)
		messages, _ := subscribe(t, nil, first.on(cfg), topic, kafkabus.SubscriberOptions{})
		for p := range partitions {
			put(t, cfg, topic, p, fact(t, "first", int64(1+p), 0))
		}
		heardOf(t, messages, 1, 2)
	}
	first.kill()
	again := second.on(cfg)
	again.Dialer.ClientID = "second"
	dead := 0 // groups in which the first life has not been missed yet: a slow machine takes longer than its session
	for _, topic := range topics {
		subscribe(t, nil, again, topic, kafkabus.SubscriberOptions{})
		if inGroup(t, cfg, "reader."+topic+"."+topic, "second") == 2 {
			dead++
		}
	}
	second.kill()
	if dead == 0 {
		t.Error("no group had two dead members")
	}
	var all []<-chan *message.Message
	for _, topic := range topics {
		messages, _ := subscribe(t, nil, cfg, topic, kafkabus.SubscriberOptions{})
		all = append(all, messages)
		for p := range partitions {
			put(t, cfg, topic, p, fact(t, "second", int64(11+p), int64(1+p)))
		}
	}
	for _, messages := range all {
		heardOf(t, messages, 11, 12)
	}
}

// heardOf waits until all of these have come, others and repeats between them.
func heardOf(t *testing.T, messages <-chan *message.Message, want ...int) {
	t.Helper()
	late := time.NewTimer(soonAgain)
	defer late.Stop()
	for len(want) > 0 {
		select {
		case m := <-messages:
			fact, err := kafkabus.FromMessage(catalog(), m)
			if err != nil {
				t.Fatal(err)
			}
			m.Ack()
			want = slices.DeleteFunc(want, func(n int) bool { return n == fact.Event.(noted).N })
		case <-late.C:
			t.Fatalf("%d were not heard of", want)
		}
	}
}

// The leader of a group deals the partitions that it sees. In a cluster it may ask a broker that has not heard of the topic
// yet, although the consumer has seen it elsewhere: then it deals nothing, and kafka-go never looks again.
func TestAGroupWhoseLeaderDidNotSeeTheTopicReadsIt(t *testing.T) {
	t.Parallel()
	const partitions = 3
	cfg := connect(t)
	topic := testkit.Topic(t, testkit.Kafka(t), partitions)
	var blind sync.Once
	line := lifeline{sent: func(request []byte) {
		const metadata = 3 // the key of the request
		if len(request) > 6 && binary.BigEndian.Uint16(request[4:]) == metadata && bytes.Contains(request, []byte(topic)) {
			blind.Do(func() { copy(request[bytes.Index(request, []byte(topic)):], strings.Repeat("x", len(topic))) })
		}
	}}
	messages, _ := subscribe(t, nil, line.on(cfg), topic, kafkabus.SubscriberOptions{})
	for p := range partitions {
		put(t, cfg, topic, p, fact(t, "a", int64(1+p), 0))
	}
	heardOf(t, messages, 1, 2, 3)
}
