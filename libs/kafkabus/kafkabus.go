// Package kafkabus carries facts from one service to the others over Kafka, in order, and proves that none is missing.
//
// The way of a fact: a [Relay] tails the log of its service and publishes every fact as a CloudEvent; a [Source] hands
// batches of facts to a projection; a [Subscriber] hands single facts to a Watermill router. A service that reacts to facts
// of its own subscribes to [OwnLog] and reads them where they stand, without Kafka. Rules:
//
//  1. A message is a CloudEvent in Kafka's binary mode: attributes in headers, the fact as JSON in the body. Its key is
//     the stream, its partition follows from the key by Murmur2, so that all facts of one stream stand in one partition
//     in their order, for a Java program too.
//  2. ce_sequence is the position of the fact in the log of its service, ce_previous is the position that was published
//     before it to the same partition. Who remembers the last sequence per partition sees a repeat (lower or equal: it is
//     dropped) and a hole (previous is not the last one seen: [MissingError], the partition stands still).
//  3. The relay may send a fact twice and never skips one. A repeat carries the same sequence and previous, whoever sends
//     it and however the batches fall, because both follow from the log and the checkpoint alone.
//  4. The truth about progress is the database of the consumer. What Kafka's consumer group says is a hint for tools.
//  5. A message waits only for an earlier unfinished one of the same key. Progress is the lowest unfinished one.
//  6. What cannot be understood is told, never skipped: [HeaderError], [BodyError], [TruncatedError]. Errors name the
//     header or the place, never a value.
//  7. Facts marked [events.Private] and the fingerprint of a request never leave their service. Its own log shows it the
//     private ones too.
//  8. Topics are created explicitly, with a fixed number of partitions. Those of facts keep their records for ever.
//  9. The own log is one partition, whose chain is the log's own: dense. One process of a service reads it at a time, by a
//     lock in the database. A log that is shorter than what was read of it has lost facts: [LostError], reading stands still.
//
// It stands on segmentio/kafka-go, around its traps: Client.Produce instead of Writer (which sends the next batch after
// one has failed), Client.Fetch instead of Reader (which jumps over truncated data without a word and waits for ever
// behind the end of a topic), ConsumerGroup generations instead of a Reader with a group. What kafka-go does not do, and
// we therefore do not promise: records of aborted transactions are not filtered (those of open ones are held back).
package kafkabus

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/kafkabus/internal/topics"
)

const (
	dialTimeout    = 5 * time.Second
	requestTimeout = 10 * time.Second // of one request to a broker; the broker itself is given half of it
	metadataTTL    = 2 * time.Second  // how long a moved partition leader may go unnoticed
	idleTimeout    = 5 * time.Minute
)

// Settings is what an operator says about the Kafka cluster.
type Settings struct {
	// Brokers are the host:port addresses to start from; one that answers is enough.
	Brokers []string
	// User and Password log in by SCRAM-SHA-512. An empty User means no login.
	User, Password string
	// TLS encrypts the connections when it is not nil.
	TLS *certificate.Client
	// ClientID is the name under which the broker's logs and quotas know this process.
	ClientID string
	// Session is how long a member of a consumer group may be silent before others take its partitions: as long stands
	// what a process that was killed had. [DefaultSession] if zero, [LeastSession] at least.
	Session time.Duration
}

// Config is how this process talks to the cluster. It may be shared by everything in the package.
type Config struct {
	Brokers   []string
	Transport kafka.RoundTripper
	Dialer    *kafka.Dialer
	ClientID  string
	Session   time.Duration
}

// Connect prepares the way to the cluster. It opens no connection yet: a cluster that is away is met, and waited for,
// by the first request.
func Connect(s Settings) (Config, error) {
	if len(s.Brokers) == 0 {
		return Config{}, errors.New("connect to kafka: no broker address is given")
	}
	mechanism, err := login(s)
	if err != nil {
		return Config{}, err
	}
	silence, err := session(s.Session)
	if err != nil {
		return Config{}, err
	}
	return Config{
		Brokers:  s.Brokers,
		ClientID: s.ClientID,
		Session:  silence,
		Transport: &kafka.Transport{
			Dial: s.TLS.DialContext, DialTimeout: dialTimeout, IdleTimeout: idleTimeout, MetadataTTL: metadataTTL,
			ClientID: s.ClientID, SASL: mechanism,
		},
		Dialer: &kafka.Dialer{
			Timeout: dialTimeout, ClientID: s.ClientID, DialFunc: s.TLS.DialContext, SASLMechanism: mechanism,
		},
	}, nil
}

func login(s Settings) (sasl.Mechanism, error) {
	if s.User == "" {
		return nil, nil
	}
	mechanism, err := scram.Mechanism(scram.SHA512, s.User, s.Password)
	if err != nil {
		// The text of err may hold what was prepared from the password.
		return nil, errors.New("connect to kafka: user or password cannot be used for SCRAM")
	}
	return mechanism, nil
}

// Close closes connections that nobody uses at the moment. Those in use are closed when their request is answered.
func (c Config) Close() {
	if t, ok := c.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Client asks the cluster for what this package has no words for.
func (c Config) Client() *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(c.Brokers...), Transport: c.Transport, Timeout: requestTimeout}
}

// EnsureTopic creates a topic unless it is there, and waits until every partition has a leader that answers. Its records are kept
// for ever, unless [KeepFor] says otherwise. With three replicas or more, two have to hold a record before it counts as written. A topic that is there
// with another number of partitions is an error: streams would change partition and their order would be lost.
func EnsureTopic(ctx context.Context, cfg Config, name string, partitions, replication int) error {
	return topics.Ensure(ctx, cfg.Client(), name, partitions, replication)
}

// KeepFor has a topic that is there keep its records for so long, and no longer: a topic of facts keeps them for ever, one of
// messages with personal data must not. Kafka removes whole segments of its log, so the oldest may stay for some days more.
func KeepFor(ctx context.Context, cfg Config, name string, keep time.Duration) error {
	return topics.Keep(ctx, cfg.Client(), name, keep)
}
