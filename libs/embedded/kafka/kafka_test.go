package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/songan-vn/songan/libs/embedded/kafka"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system's temporary folder
	broker, err := kafka.Start(kafka.Options{
		Dir: filepath.Join(dir, "kafka"),
		Users: []kafka.User{
			{Name: "songan", Password: "from a file of mode 0600", Super: true},
			{Name: "bank", Password: "the bank's own", Rights: []kafka.Right{
				{On: kafka.Topic, Name: "songan.settlement.*", May: []kafka.Operation{kafka.Read}},
				{On: kafka.Group, Name: "bank.*", May: []kafka.Operation{kafka.Read}},
			}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	host, _, err := net.SplitHostPort(broker.Addr())
	fmt.Println(host, err)
	fmt.Println(broker.Close())
	// Output:
	// 127.0.0.1 <nil>
	// <nil>
}

func TestWhatWasAcknowledgedIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	o := kafka.Options{Dir: t.TempDir(), Users: []kafka.User{root}}
	b := start(t, o)
	client := as(t, b.Addr(), root)
	if err := makeTopic(t, client, "notices"); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"one", "two"} {
		if err := produce(t.Context(), client, "notices", value); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	o.Addr = b.Addr() // the same address again
	b = start(t, o)
	if b.Addr() != o.Addr {
		t.Errorf("the broker listens on %s, want %s", b.Addr(), o.Addr)
	}
	got, err := consume(t, b.Addr(), root, "notices", 2)
	if diff := cmp.Diff([]string{"one", "two"}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestWhatWasAcknowledgedIsThereAfterKill9(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var want []string
	for round := range 3 {
		addr, kill9 := startProcess(t, dir)
		client := as(t, addr, root, byName)
		if err := makeTopic(t, client, "notices"); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			t.Fatal(err)
		}
		for n := range 50 {
			value := fmt.Sprintf("%d-%d", round, n)
			if err := produce(t.Context(), client, "notices", value); err != nil {
				t.Fatal(err)
			}
			want = append(want, value)
		}
		commit(t, client, "readers", "notices", int64(len(want)))
		kill9()
	}
	b := start(t, kafka.Options{Dir: dir, Users: []kafka.User{root}})
	got, err := consume(t, b.Addr(), root, "notices", len(want))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if at := committed(t, as(t, b.Addr(), root, byName), "readers", "notices"); at != int64(len(want)) {
		t.Errorf("the group is at %d, want %d", at, len(want))
	}
}

// byName makes a client speak a protocol in which offsets name their topic,
// and not its id: the one that kafka-go speaks too.
var byName = kgo.MaxVersions(kversion.V2_4_0()) //nolint:gochecknoglobals // a constant

// commit stores a group's offset of partition 0.
func commit(t *testing.T, c *kgo.Client, group, topic string, offset int64) {
	t.Helper()
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.Generation = group, -1
	of := kmsg.NewOffsetCommitRequestTopic()
	of.Topic = topic
	partition := kmsg.NewOffsetCommitRequestTopicPartition()
	partition.Offset = offset
	of.Partitions = append(of.Partitions, partition)
	request.Topics = append(request.Topics, of)
	answer, err := request.RequestWith(t.Context(), c)
	if err == nil {
		err = kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("commit %d: %v", offset, err)
	}
}

func committed(t *testing.T, c *kgo.Client, group, topic string) int64 {
	t.Helper()
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Group = group
	of := kmsg.NewOffsetFetchRequestTopic()
	of.Topic, of.Partitions = topic, []int32{0}
	request.Topics = append(request.Topics, of)
	answer, err := request.RequestWith(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Topics[0].Partitions[0].Offset
}

func TestBothMechanismsAskForThePassword(t *testing.T) {
	t.Parallel()
	b := start(t, kafka.Options{Dir: t.TempDir(), Users: []kafka.User{root}})
	right, wrong := scram.Auth{User: root.Name, Pass: root.Password}, scram.Auth{User: root.Name, Pass: "x"}
	if err := errors.Join(login(t, b.Addr(), right.AsSha256Mechanism()), login(t, b.Addr(), right.AsSha512Mechanism())); err != nil {
		t.Errorf("the right password: %v", err)
	}
	for name, err := range map[string]error{
		"SHA-256":      login(t, b.Addr(), wrong.AsSha256Mechanism()),
		"SHA-512":      login(t, b.Addr(), wrong.AsSha512Mechanism()),
		"unknown user": login(t, b.Addr(), scram.Auth{User: "nobody", Pass: "x"}.AsSha512Mechanism()),
	} {
		if err == nil { // kfake closes the connection; Apache Kafka says why before that
			t.Errorf("%s was let in", name)
		}
	}
	anonymous, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.RequestRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer anonymous.Close()
	if answer, err := kmsg.NewPtrMetadataRequest().RequestWith(t.Context(), anonymous); err == nil {
		t.Errorf("without a login: %v", answer)
	}
}

func TestAUserMayDoOnlyWhatItsRightsSay(t *testing.T) {
	t.Parallel()
	bank := kafka.User{Name: "bank", Password: "b", Rights: []kafka.Right{
		{On: kafka.Topic, Name: "orders.*", May: []kafka.Operation{kafka.Read}},
		{On: kafka.Topic, Name: "answers", May: []kafka.Operation{kafka.Write}},
	}}
	b := start(t, kafka.Options{Dir: t.TempDir(), Users: []kafka.User{root, bank}})
	boss, client := as(t, b.Addr(), root), as(t, b.Addr(), bank)
	for _, topic := range []string{"orders.bank", "answers", "answers.more", "people"} {
		if err := errors.Join(makeTopic(t, boss, topic), produce(t.Context(), boss, topic, "first")); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := consume(t, b.Addr(), bank, "orders.bank", 1); err != nil || len(got) != 1 {
		t.Errorf("read orders.bank: %v, %v", got, err)
	}
	if err := produce(t.Context(), client, "answers", "second"); err != nil {
		t.Errorf("write to answers: %v", err)
	}
	for what, err := range map[string]error{
		"write to orders.bank":  produce(t.Context(), client, "orders.bank", "x"),
		"write to answers.more": produce(t.Context(), client, "answers.more", "x"),
		"write to people":       produce(t.Context(), client, "people", "x"),
		"make a topic":          makeTopic(t, client, "orders.new"),
	} {
		if !refused(err) {
			t.Errorf("%s: %v, want a refusal", what, err)
		}
	}
	if got, err := consume(t, b.Addr(), bank, "people", 1); !refused(err) {
		t.Errorf("read people: %v, %v, want a refusal", got, err)
	}
}

func TestTheUsersOfTheOptionsAreAuthoritativeAtEachStart(t *testing.T) {
	t.Parallel()
	right := func(topic string) []kafka.Right {
		return []kafka.Right{{On: kafka.Topic, Name: topic, May: []kafka.Operation{kafka.Write}}}
	}
	bank := kafka.User{Name: "bank", Password: "old", Rights: right("old")}
	dir := t.TempDir()
	b := start(t, kafka.Options{Dir: dir, Users: []kafka.User{root, bank}})
	boss := as(t, b.Addr(), root)
	if err := errors.Join(makeTopic(t, boss, "old"), makeTopic(t, boss, "new"),
		produce(t.Context(), as(t, b.Addr(), bank), "old", "x")); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	changed := kafka.User{Name: "bank", Password: "new", Rights: right("new")}
	chief := kafka.User{Name: root.Name, Password: "changed", Super: true}
	fresh := kafka.User{Name: "fresh", Password: "f", Rights: right("*")}
	b = start(t, kafka.Options{Dir: dir, Users: []kafka.User{chief, changed, fresh}})
	for what, err := range map[string]error{
		"the bank with its new right":     produce(t.Context(), as(t, b.Addr(), changed), "new", "x"),
		"the super user's new password":   produce(t.Context(), as(t, b.Addr(), chief), "old", "x"),
		"the user who was not there then": produce(t.Context(), as(t, b.Addr(), fresh), "old", "x"),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := produce(t.Context(), as(t, b.Addr(), changed), "old", "x"); !refused(err) {
		t.Errorf("the bank's old right: %v, want a refusal", err)
	}
	for _, u := range []kafka.User{root, bank} {
		err := login(t, b.Addr(), scram.Auth{User: u.Name, Pass: u.Password}.AsSha512Mechanism())
		if err == nil {
			t.Errorf("the old password of %s still opens the door", u.Name)
		}
	}
}

func TestTopicsAreNotMadeByUsingThem(t *testing.T) {
	t.Parallel()
	b := start(t, kafka.Options{Dir: t.TempDir(), Users: []kafka.User{root}})
	client := as(t, b.Addr(), root, kgo.AllowAutoTopicCreation())
	if err := produce(t.Context(), client, "nobody-made-this", "x"); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("got %v, want %v", err, kerr.UnknownTopicOrPartition)
	}
}

func TestMistakesInTheOptionsAreOneSentence(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	start(t, kafka.Options{Dir: taken, Users: []kafka.User{root}})
	users := []kafka.User{root}
	for want, o := range map[string]kafka.Options{
		"the folder for Kafka isn't given":                                        {Users: users},
		"the Kafka broker needs a super user":                                     {Dir: t.TempDir(), Users: []kafka.User{{Name: "a", Password: "b"}}},
		"a user of the Kafka broker needs a name and a password":                  {Dir: t.TempDir(), Users: []kafka.User{{Name: "a", Super: true}}},
		`the embedded Kafka broker listens on 127.0.0.1 only, not on "0.0.0.0:0"`: {Dir: t.TempDir(), Users: users, Addr: "0.0.0.0:0"},
		fmt.Sprintf("port %d is taken by another process: stop it, or choose another address for the Kafka broker", port): {
			Dir: t.TempDir(), Users: users, Addr: "127.0.0.1:" + strconv.Itoa(port),
		},
		foreign + " isn't empty and isn't a Kafka folder of Song An: it's left as it is, choose another folder": {Dir: foreign, Users: users},
		fmt.Sprintf("another process (%d) has its Kafka in %s: stop it first, or choose another folder", os.Getpid(), taken): {
			Dir: taken, Users: users,
		},
	} {
		b, err := kafka.Start(o)
		if err == nil {
			b.Close() //nolint:errcheck // it shouldn't be there
		}
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestStateOfAnUnknownVersionIsRefusedAndLeftAsItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := kafka.Options{Dir: dir, Users: []kafka.User{root}}
	if err := start(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sasl.json", "acls.json"} {
		file := filepath.Join(dir, "data", name)
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{`{"version":2}`, `{"vers`} {
			if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := kafka.Start(o); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s with %s: %v", name, bad, err)
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != bad {
				t.Errorf("%s has become %s (%v)", name, text, err)
			}
		}
		if err := os.WriteFile(file, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, o)
}

func TestStrangersCannotEndTheBroker(t *testing.T) {
	t.Parallel()
	b := start(t, kafka.Options{Dir: t.TempDir(), Users: []kafka.User{root}})
	for name, text := range map[string][]byte{
		"a request of 4 GiB":      {0xff, 0xff, 0xff, 0xff},
		"an unknown API key":      {0, 0, 0, 20, 0x70, 0x70, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"a request of two bytes":  {0, 0, 0, 2, 0, 18},
		"a request of HTTP":       []byte("GET / HTTP/1.1\r\n\r\n"),
		"a key in a second piece": {0, 0, 0, 8, 0x7f},
	} {
		conn, err := net.Dial("tcp", b.Addr()) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(append(text, bytes.Repeat([]byte{0x7f}, 16)...)); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: the broker answered %d bytes", name, n)
		}
		conn.Close() //nolint:errcheck,gosec // the broker has closed it
	}
	if err := makeTopic(t, as(t, b.Addr(), root), "alive"); err != nil {
		t.Errorf("after that: %v", err)
	}
}

func TestALargeRequestComesThroughInPieces(t *testing.T) {
	t.Parallel()
	b := start(t, kafka.Options{Dir: t.TempDir(), Users: []kafka.User{root}, Volatile: true})
	client := as(t, b.Addr(), root, kgo.ProducerBatchMaxBytes(1<<20))
	if err := makeTopic(t, client, "large"); err != nil {
		t.Fatal(err)
	}
	value := strings.Repeat("0123456789abcdef", 60_000)
	for range 3 {
		if err := client.ProduceSync(context.Background(), &kgo.Record{Topic: "large", Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := consume(t, b.Addr(), root, "large", 3)
	if diff := cmp.Diff([]string{value, value, value}, got); err != nil || diff != "" {
		t.Errorf("%v; the values differ", err)
	}
}
