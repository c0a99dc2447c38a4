package bank_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	contract "github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/kafkabus/grants"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/simulators/bank"
)

const (
	soon       = time.Minute
	partitions = 2
)

func TestMain(m *testing.M) {
	testkit.Main(m, testkit.Roles{"bank": func(ctx context.Context, args []string) error {
		env := map[string]string{}
		for _, pair := range args {
			name, value, _ := strings.Cut(pair, "=")
			env["SONGAN_BANK_"+name] = value
		}
		return bank.Run(ctx, func(name string) string { return env[name] }, os.Stdout)
	}})
}

// gateway is our side of one bank: it writes instructions as the real one does, and reads reports.
type gateway struct {
	t             *testing.T
	cfg           kafkabus.Config
	client        *kafka.Client
	bic, password string
	topics        contract.Topics
}

// newGateway makes the topics and the user of a bank with a BIC of its own.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	b := testkit.Kafka(t)
	return gatewayAt(t, kafkabus.Settings{Brokers: b.Addrs, User: b.User, Password: b.Password})
}

func gatewayAt(t *testing.T, s kafkabus.Settings) *gateway {
	t.Helper()
	cfg, err := kafkabus.Connect(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cfg.Close)
	letters := rand.Text()
	client := &kafka.Client{Addr: kafka.TCP(s.Brokers...), Transport: cfg.Transport, Timeout: soon}
	g := &gateway{t: t, cfg: cfg, client: client, bic: letters[len(letters)-8:], password: "password-of-the-bank"}
	g.topics = contract.Topics{Prefix: "songan", BIC: g.bic}
	user := g.topics.User()
	for _, topic := range []string{g.topics.Instructions(), g.topics.Reports()} {
		if err := kafkabus.EnsureTopic(t.Context(), cfg, topic, partitions, -1); err != nil {
			t.Fatal(err)
		}
	}
	err = errors.Join(
		grants.Allow(t.Context(), cfg, user,
			grants.MayRead(g.topics.Instructions()), grants.MayWrite(g.topics.Reports()), grants.MayJoin(g.topics.Groups())),
		grants.EnsureUser(t.Context(), cfg, user, g.password), // last, as the gateway does it
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := client.DeleteTopics(context.Background(), &kafka.DeleteTopicsRequest{
			Topics: []string{g.topics.Instructions(), g.topics.Reports()},
		})
		if err = errors.Join(err, grants.CloseUser(context.Background(), cfg, user)); err != nil {
			t.Error(err)
		}
	})
	return g
}

// options are those of the bank at the other end.
func (g *gateway) options(dir string, s bank.Scenario) bank.Options {
	return bank.Options{
		BIC: g.bic, Brokers: testkit.Kafka(g.t).Addrs, User: g.topics.User(), Password: g.password,
		Dir: dir, Seed: 7, Scenario: s, Log: g.t.Output(),
	}
}

// open starts the bank; the returned function stops it.
func (g *gateway) open(o bank.Options) (*bank.Simulator, func()) {
	g.t.Helper()
	s, err := bank.New(o)
	if err != nil {
		g.t.Fatal(err)
	}
	return s, g.run(s)
}

// run starts a bank that was made; the returned function stops it.
func (g *gateway) run(s *bank.Simulator) (stop func()) {
	g.t.Helper()
	if err := s.Start(g.t.Context()); err != nil {
		g.t.Fatal(err)
	}
	stop = func() {
		if err := s.Close(context.Background()); err != nil {
			g.t.Error(err)
		}
	}
	g.t.Cleanup(stop)
	return stop
}

// start is a bank with a scenario.
func (g *gateway) start(s bank.Scenario) *bank.Simulator {
	g.t.Helper()
	simulator, _ := g.open(g.options(g.t.TempDir(), s))
	return simulator
}

// key is what a message is about.
func key(e events.Event) string {
	switch m := e.(type) {
	case contract.PaymentInstructed:
		return m.EndToEndID
	case contract.PaymentRecallRequested:
		return m.EndToEndID
	case contract.StatusInquired:
		return m.EndToEndID
	case contract.AccountOpeningRequested:
		return m.RequestID
	case contract.AccountVerificationRequested:
		return m.RequestID
	default:
		return ""
	}
}

func letter(e events.Event) kafka.Message {
	body, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return kafka.Message{
		Key: []byte(key(e)), Value: body,
		Headers: []kafka.Header{
			{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_type", Value: []byte(e.EventName())},
		},
	}
}

// instruct writes messages to the bank's topic, each to the partition of its key.
func (g *gateway) instruct(all ...events.Event) {
	g.t.Helper()
	batches := map[int][]kafka.Message{}
	for _, e := range all {
		m := letter(e)
		p := kafka.Murmur2Balancer{Consistent: true}.Balance(m, 0, 1)
		batches[p] = append(batches[p], m)
	}
	for p, letters := range batches {
		for some := range slices.Chunk(letters, 1000) {
			g.write(p, some)
		}
	}
}

// write tries again only where nothing can have been written: the tests count what a bank is told.
func (g *gateway) write(partition int, letters []kafka.Message) {
	g.t.Helper()
	testkit.Eventually(g.t, func() error {
		err := g.produce(partition, letters)
		if err != nil && !testkit.NotWritten(err) {
			g.t.Fatal(err)
		}
		return err
	})
}

func (g *gateway) produce(partition int, letters []kafka.Message) error {
	resp, err := g.client.Produce(g.t.Context(), &kafka.ProduceRequest{
		Topic: g.topics.Instructions(), Partition: partition, RequiredAcks: kafka.RequireAll, Records: records(letters),
	})
	if err != nil {
		return err
	}
	return resp.Error
}

// records makes them anew for each try, which reads them to their ends.
func records(letters []kafka.Message) kafka.RecordReader {
	var all []kafka.Record
	for _, m := range letters {
		all = append(all, kafka.Record{Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Headers: m.Headers})
	}
	return kafka.NewRecordReader(all...)
}

// message is a record of the reports topic.
type message struct {
	key, kind, id string
	body          []byte
}

// reports is everything that the bank has said so far, by partition in its order.
func (g *gateway) reports() []message {
	g.t.Helper()
	return g.atLeast(0)
}

func (g *gateway) read() (all []message, err error) {
	for p := range partitions {
		for offset := int64(0); ; {
			resp, err := g.client.Fetch(g.t.Context(), &kafka.FetchRequest{
				Topic: g.topics.Reports(), Partition: p, Offset: offset, MinBytes: 1, MaxBytes: 4 << 20, MaxWait: time.Millisecond,
			})
			if err == nil {
				err = resp.Error
			}
			if err != nil {
				return nil, err
			}
			before := offset
			if all, offset, err = drain(all, resp.Records, offset); err != nil {
				return nil, err
			}
			if offset == before {
				break
			}
		}
	}
	return all, nil
}

func drain(all []message, sent kafka.RecordReader, offset int64) ([]message, int64, error) {
	for {
		r, err := sent.ReadRecord()
		if errors.Is(err, io.EOF) {
			return all, offset, nil
		}
		if err != nil {
			return nil, 0, err
		}
		name, _ := kafka.ReadAll(r.Key)
		body, _ := kafka.ReadAll(r.Value)
		if r.Offset < offset {
			continue
		}
		m := message{key: string(name), body: body}
		for _, h := range r.Headers {
			switch h.Key {
			case "ce_type":
				m.kind = string(h.Value)
			case "ce_id":
				m.id = string(h.Value)
			}
		}
		all, offset = append(all, m), r.Offset+1
	}
}

// said waits until the bank has said at least n things, and returns them in the words of the contract, as texts by key.
// Where more than one payment was made, the partitions race for the numbers of bookings: they are hidden.
func (g *gateway) said(n int) map[string][]string {
	g.t.Helper()
	said, paid := words(g.atLeast(n)), 0
	for _, texts := range said {
		if strings.Contains(strings.Join(texts, " "), "ACTC") {
			paid++
		}
	}
	for _, texts := range said {
		for i := range texts {
			if paid > 1 {
				texts[i] = bookings.ReplaceAllString(texts[i], "FT*$1")
			}
		}
	}
	return said
}

var bookings = regexp.MustCompile(`FT\d+(R?)`)

func (g *gateway) atLeast(n int) (all []message) {
	g.t.Helper()
	testkit.Eventually(g.t, func() (err error) {
		if all, err = g.read(); err != nil || len(all) < n {
			return fmt.Errorf("%d of %d reports: %w", len(all), n, err)
		}
		return nil
	})
	return all
}

func words(all []message) map[string][]string {
	said := map[string][]string{}
	for _, m := range all {
		said[m.key] = append(said[m.key], word(m))
	}
	return said
}

// word is a report in short: "ACCC FT1 100000", "RJCT AC01", "opened", or the type for what cannot be read.
func word(m message) string {
	e, err := events.NewCatalog(contract.Reports()).Decode(m.kind, m.body)
	if err != nil {
		return "unreadable"
	}
	switch r := e.(type) {
	case contract.PaymentStatusReported:
		if r.EndToEndID != m.key {
			return "about another payment"
		}
		parts := []string{r.Status, r.Reason, r.BankReference}
		if r.Amount != 0 {
			parts = append(parts, fmt.Sprint(r.Amount))
		}
		return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
	case contract.AccountOpeningReported:
		return strings.Join(strings.Fields(r.Status+" "+r.Reason+" "+r.HolderName), " ")
	case contract.AccountVerified:
		return r.Answer + " " + r.Status
	default:
		return "unknown"
	}
}

// opening asks for the one account of a test.
func opening(name string) contract.AccountOpeningRequested {
	return contract.AccountOpeningRequested{RequestID: "request-1", Holder: contract.Party{FullName: name}}
}

func payment(id string, amount int64) contract.PaymentInstructed {
	return contract.PaymentInstructed{
		EndToEndID: id, UETR: "0f0e6a1e-7a5e-4c53-9f0e-0123456789ab", Amount: amount, CreditorName: "Nguyễn Văn An",
		CreditorAccount: "102030405060", CategoryPurpose: "SSBE", Programme: "social_pension", Month: "2026-11",
		InstructedAt: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC),
	}
}

func inquiry(id string) contract.StatusInquired {
	return contract.StatusInquired{EndToEndID: id, Inquiry: 1}
}

// number returns the account that the bank opened.
func (g *gateway) number() string {
	g.t.Helper()
	for _, m := range g.atLeast(1) {
		var r contract.AccountOpeningReported
		if m.key == "request-1" && json.Unmarshal(m.body, &r) == nil && r.AccountNumber != "" {
			return r.AccountNumber
		}
	}
	g.t.Fatal("no account was reported")
	return ""
}
