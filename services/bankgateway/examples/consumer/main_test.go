package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/kafkabus/grants"
	"github.com/songan-vn/songan/libs/testkit"
)

const soon = 60 * time.Second

// The example runs as a process of its own, which ends when it is told to: one that is killed keeps its place in its group for a while.
func TestMain(m *testing.M) { testkit.Main(m, testkit.Roles{"consumer": play}) }

func play(ctx context.Context, settings []string) error {
	env := map[string]string{}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		env[name] = value
	}
	if err := os.Setenv("SSL_CERT_FILE", env["SSL_CERT_FILE"]); err != nil { // the runtime's own setting
		return err
	}
	if err := run(ctx, func(name string) string { return env[name] }); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the example ended with %w", err)
	}
	return nil
}

// What a bank's engineer starts from has to work as it stands: each payment once and reported, however often it is
// instructed, and after a restart.
func TestTheExampleKeepsTheContract(t *testing.T) {
	t.Parallel()
	b := testkit.Kafka(t)
	bic := rand.Text()[:8] // a cluster may remember another run
	cfg := connect(t, kafkabus.Settings{Brokers: b.Addrs, User: b.User, Password: b.Password}, bic)
	paid := filepath.Join(t.TempDir(), "paid.txt")
	env := map[string]string{
		"BIC": bic, "BROKERS": strings.Join(b.Addrs, ","), "KAFKA_USER": topicsOf(bic).User(), "KAFKA_PASSWORD": "secret", "PAID": paid,
	}
	stop := start(t, env)
	instruct(t, cfg, bic, bank.PaymentInstructed{EndToEndID: "e2e-1", Amount: 540_000}, bank.StatusInquired{EndToEndID: "e2e-1"},
		bank.PaymentInstructed{EndToEndID: "e2e-1", Amount: 540_000}, bank.PaymentInstructed{EndToEndID: "e2e-2", Amount: 810_000})
	first := reports(t, cfg, bic, 3)
	committed(t, cfg, bic, 4) // what is reported and not committed would be reported once more
	stop()
	tear(t, paid)
	stop = start(t, env)
	instruct(t, cfg, bic, bank.PaymentInstructed{EndToEndID: "e2e-2", Amount: 810_000},
		bank.PaymentInstructed{EndToEndID: "e2e-2", Amount: 1})
	got := reports(t, cfg, bic, 5)
	stop()
	want := append(slices.Clone(first), first[2], bank.PaymentStatusReported{EndToEndID: "e2e-2", Status: "RJCT", Reason: "DUPL"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	for i, id := range []string{"e2e-1", "e2e-1", "e2e-2"} {
		if r := got[i]; r.EndToEndID != id || r.Status != "ACCC" || r.BookedAt.IsZero() || r.BankReference == "" {
			t.Errorf("report %d: %+v", i, r)
		}
	}
	if text, err := os.ReadFile(paid); err != nil || strings.Count(string(text), "ACCC") != 2 {
		t.Errorf("paid: %q (%v)", text, err)
	}
}

// A bank may start its program before we let it in. The gateway makes the topics first, and the bank's user and rights
// afterwards: kafka-go may read nothing for ever when it joins a group whose topic comes later.
func TestTheExampleMayBeStartedBeforeTheBankIsLetIn(t *testing.T) {
	t.Parallel()
	b := testkit.Kafka(t)
	bic := rand.Text()[:8]
	start(t, map[string]string{
		"BIC": bic, "BROKERS": strings.Join(b.Addrs, ","), "KAFKA_USER": topicsOf(bic).User(), "KAFKA_PASSWORD": "secret",
		"PAID": filepath.Join(t.TempDir(), "paid.txt"),
	})
	cfg := connect(t, kafkabus.Settings{Brokers: b.Addrs, User: b.User, Password: b.Password}, bic)
	instruct(t, cfg, bic, bank.PaymentInstructed{EndToEndID: "e2e-1", Amount: 540_000})
	if got := reports(t, cfg, bic, 1); got[0].Status != "ACCC" {
		t.Errorf("the report is %+v", got[0])
	}
}

func TestTheExampleIsShortEnoughToRead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	lines := 0
	for _, file := range files {
		text, unread := os.ReadFile(file) //nolint:gosec // our own
		if err = errors.Join(err, unread); !strings.HasSuffix(file, "_test.go") {
			lines += strings.Count(string(text), "\n")
		}
	}
	if err != nil || lines == 0 || lines >= 100 {
		t.Errorf("%d lines (%v), want less than 100 in all", lines, err)
	}
}

// tear leaves what a crash in the middle of a line leaves.
func tear(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the test's own file
	if err == nil {
		_, err = f.WriteString(`{"end_to_end_id":"e2e-3","status":"AC`)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func topicsOf(bic string) bank.Topics { return bank.Topics{Prefix: "songan", BIC: bic} }

// connect makes the topics and the user of the bank.
func connect(t *testing.T, s kafkabus.Settings, bic string) kafkabus.Config {
	t.Helper()
	cfg, err := kafkabus.Connect(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cfg.Close)
	topics := topicsOf(bic)
	in, out := topics.Instructions(), topics.Reports()
	err = errors.Join(
		kafkabus.EnsureTopic(t.Context(), cfg, in, 1, -1), kafkabus.EnsureTopic(t.Context(), cfg, out, 1, -1),
		grants.Allow(t.Context(), cfg, topics.User(), grants.MayRead(in), grants.MayWrite(out), grants.MayJoin(topics.Groups())),
		grants.EnsureUser(t.Context(), cfg, topics.User(), "secret"), // last, as the gateway does it
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: cfg.Transport, Timeout: soon}
		_, err := client.DeleteTopics(context.Background(), &kafka.DeleteTopicsRequest{Topics: []string{in, out}})
		if err = errors.Join(err, grants.CloseUser(context.Background(), cfg, topics.User())); err != nil {
			t.Error(err)
		}
	})
	return cfg
}

// start runs the example until the returned function is called.
func start(t *testing.T, env map[string]string) (stop func()) {
	t.Helper()
	var settings []string
	for name, value := range env {
		settings = append(settings, name+"="+value)
	}
	example := testkit.Child(t, "consumer", settings...)
	return func() {
		if err := example.Stop(); err != nil {
			t.Error(err, example.Stderr())
		}
	}
}

func instruct(t *testing.T, cfg kafkabus.Config, bic string, all ...events.Event) {
	t.Helper()
	testkit.Eventually(t, func() error {
		err := produce(t, cfg, bic, all)
		if err != nil && !testkit.NotWritten(err) { // it may be there, and would be there twice
			t.Fatal(err)
		}
		return err
	})
}

func produce(t *testing.T, cfg kafkabus.Config, bic string, all []events.Event) error {
	t.Helper()
	var records []kafka.Record // read to their ends by each try
	for _, e := range all {
		body, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, kafka.Record{
			Key: kafka.NewBytes([]byte("key")), Value: kafka.NewBytes(body),
			Headers: []kafka.Header{{Key: "ce_type", Value: []byte(e.EventName())}},
		})
	}
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: cfg.Transport, Timeout: soon}
	resp, err := client.Produce(t.Context(), &kafka.ProduceRequest{
		Topic: topicsOf(bic).Instructions(), RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err != nil {
		return err
	}
	return resp.Error
}

// committed waits until the example has noted that it is done with everything before an offset.
func committed(t *testing.T, cfg kafkabus.Config, bic string, want int64) {
	t.Helper()
	in := topicsOf(bic).Instructions()
	testkit.Eventually(t, func() error {
		resp, err := cfg.Client().OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{
			GroupID: "songan.bank." + bic + ".consumer", Topics: map[string][]int{in: {0}},
		})
		if err != nil {
			return err
		}
		if p := resp.Topics[in]; len(p) != 1 || p[0].CommittedOffset != want {
			return fmt.Errorf("committed %+v instead of %d: %w", p, want, resp.Error)
		}
		return nil
	})
}

// reports waits for n of them.
func reports(t *testing.T, cfg kafkabus.Config, bic string, n int) (all []bank.PaymentStatusReported) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: cfg.Brokers, Dialer: cfg.Dialer, Topic: topicsOf(bic).Reports(), MaxWait: 100 * time.Millisecond,
	})
	defer reader.Close()
	for len(all) < n {
		m, err := reader.ReadMessage(ctx)
		if err != nil {
			t.Fatal(fmt.Errorf("%d of %d reports: %w", len(all), n, err))
		}
		headers := map[string]string{}
		for _, h := range m.Headers {
			headers[h.Key] = string(h.Value)
		}
		e, err := events.NewCatalog(bank.Reports()).Decode(headers["ce_type"], m.Value)
		if err != nil {
			t.Fatal(err)
		}
		report, ok := e.(bank.PaymentStatusReported)
		if !ok || string(m.Key) != report.EndToEndID || headers["ce_id"] == "" {
			t.Fatalf("a report of type %s under the key %s", headers["ce_type"], m.Key)
		}
		all = append(all, report)
	}
	return all
}
