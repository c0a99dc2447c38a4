package grants_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/kafkabus/grants"
	"github.com/songan-vn/songan/libs/testkit"
)

const soon = time.Minute

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// connect returns the way to the broker that all tests share.
func connect(t testing.TB) kafkabus.Config {
	t.Helper()
	b := testkit.Kafka(t)
	cfg, err := kafkabus.Connect(kafkabus.Settings{Brokers: b.Addrs, User: b.User, Password: b.Password, ClientID: "grants-test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cfg.Close)
	testkit.Reachable(t, cfg.Client())
	return cfg
}

// customer is somebody outside with topics of their own, as a bank is.
type customer struct {
	name, password  string
	orders, answers string
	groups          string
	client, root    *kafka.Client
	dialer          *kafka.Dialer
}

func newCustomer(t *testing.T, cfg kafkabus.Config) customer {
	t.Helper()
	b := testkit.Kafka(t)
	c := customer{
		name: "customer-" + rand.Text()[:10], password: rand.Text(),
		orders: testkit.Topic(t, b, 1), answers: testkit.Topic(t, b, 1), groups: "customer." + rand.Text()[:10] + ".",
	}
	t.Cleanup(func() {
		if err := grants.CloseUser(context.Background(), cfg, c.name); err != nil {
			t.Error(err)
		}
	})
	for range 2 { // the second time changes nothing
		err := errors.Join(grants.EnsureUser(t.Context(), cfg, c.name, c.password), grants.Allow(t.Context(), cfg, c.name,
			grants.MayRead(c.orders), grants.MayWrite(c.answers), grants.MayJoin(c.groups)))
		if err != nil {
			t.Fatal(err)
		}
	}
	return c.withPassword(t, c.password)
}

// withPassword is the customer as they come with that password.
func (c customer) withPassword(t *testing.T, password string) customer {
	t.Helper()
	b := testkit.Kafka(t)
	cfg, err := kafkabus.Connect(kafkabus.Settings{Brokers: b.Addrs, User: c.name, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cfg.Close)
	c.dialer, c.root = cfg.Dialer, b.Client()
	c.client = &kafka.Client{Addr: b.Addr(), Transport: cfg.Transport, Timeout: soon}
	return c
}

// at connects a customer straight to the leader of a topic, as somebody would who does not care what metadata says.
func (c customer) at(topic string) (*kafka.Conn, error) {
	resp, err := c.root.Metadata(context.Background(), &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	conn, err := c.dialer.DialPartition(context.Background(), "tcp", "", kafka.Partition{
		Topic: topic, Leader: resp.Topics[0].Partitions[0].Leader,
	})
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(soon))
}

func (c customer) read(topic string) error {
	conn, err := c.at(topic)
	if err != nil {
		return err
	}
	defer conn.Close()
	return readFrom(conn)
}

func readFrom(conn *kafka.Conn) error {
	if _, err := conn.Seek(0, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		return err
	}
	return conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: 1 << 16, MaxWait: time.Millisecond}).Close()
}

func (c customer) write(topic string) error {
	conn, err := c.at(topic)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.WriteMessages(kafka.Message{Value: []byte("x")})
	return err
}

func keepOffset(c *kafka.Client, group, topic string) error {
	resp, err := c.OffsetCommit(context.Background(), &kafka.OffsetCommitRequest{
		GroupID: group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{topic: {{Partition: 0, Offset: 0}}},
	})
	if err != nil {
		return err
	}
	return resp.Topics[topic][0].Error
}

func makeTopicAs(c *kafka.Client, name string) error {
	resp, err := c.CreateTopics(context.Background(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: 1, ReplicationFactor: -1}},
	})
	if err != nil {
		return err
	}
	return resp.Errors[name]
}

func grab(c *kafka.Client, name, topic string) error {
	resp, err := c.CreateACLs(context.Background(), &kafka.CreateACLsRequest{ACLs: []kafka.ACLEntry{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ResourcePatternType: kafka.PatternTypeLiteral,
		Principal: "User:" + name, Host: "*", Operation: kafka.ACLOperationTypeRead, PermissionType: kafka.ACLPermissionTypeAllow,
	}}})
	if err != nil {
		return err
	}
	return errors.Join(resp.Errors...)
}

func refused(err error) bool {
	for _, verdict := range []error{
		kafka.TopicAuthorizationFailed, kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed,
	} {
		if errors.Is(err, verdict) {
			return true
		}
	}
	return false
}

func TestACustomerReachesTheirOwnTopicsAndNoOthers(t *testing.T) {
	t.Parallel()
	cfg := connect(t)
	ours := testkit.Topic(t, testkit.Kafka(t), 1)
	a, b := newCustomer(t, cfg), newCustomer(t, cfg)
	for what, try := range map[string]func() error{
		"read one's orders":   func() error { return a.read(a.orders) },
		"write one's answers": func() error { return a.write(a.answers) },
		"keep an offset":      func() error { return keepOffset(a.client, a.groups+"worker", a.orders) },
		"read b's orders":     func() error { return b.read(b.orders) },
	} {
		testkit.Eventually(t, func() error { // on a cluster rights travel
			if err := try(); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			return nil
		})
	}
	for what, err := range map[string]error{
		"read one's own answers":              a.read(a.answers),
		"write one's own orders":              a.write(a.orders),
		"read another's orders":               a.read(b.orders),
		"write another's orders":              a.write(b.orders),
		"read another's answers":              a.read(b.answers),
		"write another's answers":             a.write(b.answers),
		"read our facts":                      a.read(ours),
		"write our facts":                     a.write(ours),
		"use another's group":                 keepOffset(a.client, b.groups+"worker", a.orders),
		"use our group":                       keepOffset(a.client, "songan", a.orders),
		"use a group of almost one's name":    keepOffset(a.client, strings.TrimSuffix(a.groups, "."), a.orders),
		"keep an offset in another's topic":   keepOffset(a.client, a.groups+"worker", b.orders),
		"make a topic":                        makeTopicAs(a.client, a.orders+".more"),
		"give oneself a right":                grab(a.client, a.name, b.orders),
		"give somebody a right through a lib": grants.Allow(t.Context(), configOf(a), a.name, grants.MayRead(b.orders)),
	} {
		if !refused(err) {
			t.Errorf("%s: %v, want a refusal", what, err)
		}
	}
}

func configOf(c customer) kafkabus.Config {
	return kafkabus.Config{Brokers: strings.Split(c.client.Addr.String(), ","), Transport: c.client.Transport}
}

func TestACustomerDoesNotEvenSeeTheNamesOfOtherTopics(t *testing.T) {
	t.Parallel()
	cfg := connect(t)
	a, _ := newCustomer(t, cfg), newCustomer(t, cfg)
	testkit.Eventually(t, func() error {
		resp, err := a.client.Metadata(t.Context(), &kafka.MetadataRequest{}) // all topics that one may know of
		if err != nil {
			return err
		}
		var got []string
		for _, topic := range resp.Topics {
			got = append(got, topic.Name)
		}
		want := []string{a.orders, a.answers}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("topics (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestANewPasswordEndsTheOldOne(t *testing.T) {
	t.Parallel()
	cfg := connect(t)
	a := newCustomer(t, cfg)
	if err := grants.EnsureUser(t.Context(), cfg, a.name, "another"); err != nil {
		t.Fatal(err)
	}
	if err := a.withPassword(t, "another").read(a.orders); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if err := a.withPassword(t, a.password).read(a.orders); err == nil {
		t.Error("the old password still opens the door")
	}
}

func TestAClosedUserMayDoNothingAnyMore(t *testing.T) {
	t.Parallel()
	cfg := connect(t)
	a := newCustomer(t, cfg)
	testkit.Eventually(t, func() error { return a.read(a.orders) })
	open, err := a.at(a.orders)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for range 2 { // twice is fine
		if err := grants.CloseUser(t.Context(), cfg, a.name); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Within(t, 30*time.Second, func() error {
		if err := readFrom(open); !refused(err) {
			return errors.Join(errors.New("a connection that is open still reads"), err)
		}
		return nil
	})
	if err := a.withPassword(t, a.password).read(a.orders); err == nil {
		t.Error("a closed user still logs in")
	}
}

func TestNamesAndPasswordsThatProgramsReadDifferentlyAreRefused(t *testing.T) {
	t.Parallel()
	cfg := connect(t)
	for _, bad := range []string{"", "two words", "mật-khẩu", "line\nbreak", strings.Repeat("x", 257)} {
		if err := grants.EnsureUser(t.Context(), cfg, bad, "password"); err == nil {
			t.Errorf("the name %q was taken", bad)
		}
		if err := grants.EnsureUser(t.Context(), cfg, "customer", bad); err == nil {
			t.Errorf("the password %q was taken", bad)
		}
	}
}

func TestGrantsSayWhenTheClusterIsAway(t *testing.T) {
	t.Parallel()
	cfg, err := kafkabus.Connect(kafkabus.Settings{Brokers: []string{"127.0.0.1:1"}, User: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	defer cfg.Close()
	for what, err := range map[string]error{
		"user":  grants.EnsureUser(t.Context(), cfg, "customer", "password"),
		"allow": grants.Allow(t.Context(), cfg, "customer", grants.MayRead("topic")),
		"close": grants.CloseUser(t.Context(), cfg, "customer"),
	} {
		if err == nil || strings.Contains(err.Error(), "password ") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
