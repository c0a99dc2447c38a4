package kafka_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/songan-vn/songan/libs/embedded/kafka"
)

const envBroker = "SONGAN_TEST_BROKER" // the folder of a broker to start and hold

// TestMain makes this binary a broker process which a test may kill.
func TestMain(m *testing.M) {
	if dir := os.Getenv(envBroker); dir != "" {
		os.Exit(hold(dir))
	}
	os.Exit(m.Run())
}

// hold starts a broker, says its address, and waits to be killed.
func hold(dir string) int {
	b, err := kafka.Start(kafka.Options{Dir: dir, Users: []kafka.User{root}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(b.Addr())
	select {}
}

// startProcess starts a broker in a process of its own; the returned function
// is kill -9.
func startProcess(t *testing.T, dir string) (addr string, kill9 func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:noctx // the test kills it
	cmd.Env = append(os.Environ(), envBroker+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill9 = func() { cmd.Process.Kill(); cmd.Wait() } //nolint:errcheck // killed twice, or as asked
	t.Cleanup(kill9)
	line := bufio.NewScanner(out)
	if !line.Scan() {
		t.Fatalf("the broker process didn't start: %v", line.Err())
	}
	return line.Text(), kill9
}

// root is the super user of these tests.
var root = kafka.User{Name: "root", Password: "root's password", Super: true} //nolint:gochecknoglobals,gosec // a constant

func start(t *testing.T, o kafka.Options) *kafka.Broker {
	t.Helper()
	b, err := kafka.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// as is a client logged in as a user.
func as(t *testing.T, addr string, u kafka.User, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	auth := scram.Auth{User: u.Name, Pass: u.Password}
	return connect(t, addr, auth.AsSha512Mechanism(), more...)
}

func connect(t *testing.T, addr string, login sasl.Mechanism, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(more, kgo.SeedBrokers(addr), kgo.SASL(login), kgo.RequestRetries(0),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RecordRetries(0), kgo.UnknownTopicRetries(0))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// login asks for metadata, which needs a login and no right.
func login(t *testing.T, addr string, m sasl.Mechanism) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, connect(t, addr, m))
	return err
}

func makeTopic(t *testing.T, c *kgo.Client, topic string) error {
	t.Helper()
	request := kmsg.NewPtrCreateTopicsRequest()
	wanted := kmsg.NewCreateTopicsRequestTopic()
	wanted.Topic, wanted.NumPartitions, wanted.ReplicationFactor = topic, 2, 1
	request.Topics = append(request.Topics, wanted)
	answer, err := request.RequestWith(t.Context(), c)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(answer.Topics[0].ErrorCode)
}

// produce writes a value to partition 0 and waits for the acknowledgement.
func produce(ctx context.Context, c *kgo.Client, topic, value string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return c.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr()
}

// consume reads n values of a topic from its beginning.
func consume(t *testing.T, addr string, u kafka.User, topic string, n int) ([]string, error) {
	t.Helper()
	client := as(t, addr, u, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var values []string
	for len(values) < n {
		fetched := client.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			return values, err
		}
		fetched.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values, nil
}

// refused says whether an error is one of authorisation.
func refused(err error) bool {
	return errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) ||
		errors.Is(err, kerr.GroupAuthorizationFailed)
}
