package kafkabus

import (
	"cmp"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// The times of consumer groups. After a kill -9 nobody reads the partitions of the process for the rest of its session: the
// broker cannot tell it from one that is slow. Whatever else happens is noticed within a heartbeat.
const (
	// DefaultSession stands a process that the machine does not let run for seconds.
	DefaultSession = 10 * time.Second
	// LeastSession is the shortest session: Apache Kafka's own limit unless it is told otherwise, and longer than a
	// member that gives its partitions back waits for its handlers, which is silent then.
	LeastSession = 6 * time.Second

	// heartbeat is how soon the members of a group know that it is dealt anew. It is twelve to a session or more, so that
	// a few may be lost.
	heartbeat = 500 * time.Millisecond
	// rebalanceTimeout is how long the living wait for a member that was told to join again and does not. It gets its
	// heartbeat, five seconds for its handlers and five to save its progress.
	rebalanceTimeout = 15 * time.Second
	// groupTimeout is for one answer of the coordinator; kafka-go adds the session or the rebalance where a broker waits
	// for others, so that its joins never end before the broker's.
	groupTimeout = 5 * time.Second
	// joinPause is between a failed attempt to join and the next. kafka-go's own five seconds would be added to every
	// start of a broker.
	joinPause = 500 * time.Millisecond
	// partitionLook is how often kafka-go counts the partitions of the topic, which never change once it is there.
	partitionLook = 5 * time.Second
)

// session checks how long a member may be silent.
func session(given time.Duration) (time.Duration, error) {
	switch {
	case given == 0:
		return DefaultSession, nil
	case given < LeastSession:
		return 0, fmt.Errorf("connect to kafka: a session of %s is too short, %s is the least", given, LeastSession)
	}
	return given, nil
}

func (s *Subscriber) group(topic string) kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{
		ID: s.options.Group + "." + topic, Brokers: s.cfg.Brokers, Dialer: s.cfg.Dialer, Topics: []string{topic},
		StartOffset: kafka.FirstOffset, WatchPartitionChanges: true, PartitionWatchInterval: partitionLook,
		JoinGroupBackoff: joinPause, Timeout: groupTimeout,
		HeartbeatInterval: heartbeat, SessionTimeout: cmp.Or(s.cfg.Session, DefaultSession), RebalanceTimeout: rebalanceTimeout,
	}
}
