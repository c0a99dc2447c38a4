package bankgateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

// people is the accounts service, which knows everybody whose reference is not erased.
type people struct {
	url   string
	away  atomic.Bool
	calls atomic.Int64
	// whole counts the answers that said more of people than their names.
	whole atomic.Int64
	// asked counts the questions; answering keeps them from being answered.
	asked     atomic.Int64
	answering sync.RWMutex

	mu     sync.Mutex
	erased map[string]bool
}

func newPeople(t testing.TB) *people {
	p := &people{erased: map[string]bool{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *people) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var question struct {
		Refs          []string
		Purpose, Case string
		NamesOnly     bool `json:"names_only"`
	}
	p.asked.Add(1)
	p.answering.RLock()
	defer p.answering.RUnlock()
	if p.away.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	err := json.NewDecoder(r.Body).Decode(&question)
	if err != nil || len(question.Refs) > 500 || question.Purpose == "" || question.Case == "" || r.Header.Get("Authorization") != "Bearer secret" {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	p.calls.Add(1)
	if !question.NamesOnly {
		p.whole.Add(1)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	items := make([]object, 0, len(question.Refs))
	for _, ref := range question.Refs {
		item := object{"ref": ref}
		switch {
		case p.erased[ref]:
		case question.NamesOnly:
			item["full_name"] = "Nguyễn Văn An"
		default:
			item["person"] = object{
				"full_name": "Nguyễn Văn An", "birth_date": "1950-01-15", "sex": "male",
				"document":  object{"type": "citizen_id", "number": "001050123456"},
				"residence": object{"text": "18 Trấn Vũ", "unit": "00004"}, "phone": "+84912345678",
			}
		}
		items = append(items, item)
	}
	_ = json.NewEncoder(w).Encode(object{"items": items})
}

// hold lets nobody hear about people until they go on.
func (p *people) hold() (goOn func()) {
	p.answering.Lock()
	return sync.OnceFunc(p.answering.Unlock)
}

// erase makes people forget a reference, or know it again.
func (p *people) erase(ref string, erased bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erased[ref] = erased
}

// fakeBank is a bank's own program: it speaks kafka-go and knows nothing of us but its two topics.
type fakeBank struct {
	bic    string
	client *kafka.Client
	writer *kafka.Writer
	topic  string

	mu  sync.Mutex
	got []kafka.Message
	// answer makes the reports to a message; nil says nothing.
	answer func(kafka.Message) []kafka.Message
}

func newBank(t testing.TB, g *gate, bic string) *fakeBank {
	t.Helper()
	bus, err := kafkabus.Connect(kafkabus.Settings{
		Brokers: g.Config.Brokers, User: g.Config.Topics + ".bank." + bic, Password: g.settings.BankPasswords[bic], ClientID: "bank",
	})
	if err != nil {
		t.Fatal(err)
	}
	prefix := g.Config.Topics + ".bank." + bic
	b := &fakeBank{
		bic: bic, topic: prefix + ".reports.v1",
		client: &kafka.Client{Addr: kafka.TCP(g.Config.Brokers...), Transport: bus.Transport},
		writer: &kafka.Writer{
			Addr: kafka.TCP(g.Config.Brokers...), Transport: bus.Transport, Topic: prefix + ".reports.v1", BatchTimeout: 5 * time.Millisecond,
			Balancer: kafka.Murmur2Balancer{}, RequiredAcks: kafka.RequireAll, BatchSize: 1000,
		},
	}
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: g.Config.Brokers, Dialer: bus.Dialer, GroupID: prefix + ".core", Topic: prefix + ".instructions.v1",
		MaxWait: 100 * time.Millisecond, StartOffset: kafka.FirstOffset, JoinGroupBackoff: 100 * time.Millisecond, QueueCapacity: 1000,
	})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var reading sync.WaitGroup
	reading.Go(func() { b.read(ctx, reader) })
	t.Cleanup(func() { stop(); reading.Wait(); _ = reader.Close(); _ = b.writer.Close(); bus.Close() })
	return b
}

// read takes each record once: whatever becomes of the commit, one that comes again is known by its place.
func (b *fakeBank) read(ctx context.Context, reader *kafka.Reader) {
	type place struct {
		partition int
		offset    int64
		id        string // places are used again where a topic is made anew
	}
	had := map[place]bool{}
	for ctx.Err() == nil {
		m, err := reader.FetchMessage(ctx)
		if err != nil {
			continue
		}
		if at := (place{m.Partition, m.Offset, header(m, "ce_id")}); !had[at] {
			had[at] = true
			b.take(ctx, m)
		}
		_ = reader.CommitMessages(ctx, m) // if not now, then with a later one
	}
}

func (b *fakeBank) take(ctx context.Context, m kafka.Message) {
	b.mu.Lock()
	b.got = append(b.got, m)
	answer := b.answer
	b.mu.Unlock()
	if answer != nil {
		_ = b.writer.WriteMessages(ctx, answer(m)...) // what is missing in the end is seen by the test
	}
}

func (b *fakeBank) answers(f func(kafka.Message) []kafka.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = f
}

// received are the messages of a type for a key.
func (b *fakeBank) received(kind, key string) []kafka.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []kafka.Message
	for _, m := range b.got {
		if header(m, "ce_type") == kind && (key == "" || string(m.Key) == key) {
			list = append(list, m)
		}
	}
	return list
}

func header(m kafka.Message, name string) string {
	for _, h := range m.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// report is a message of a bank.
func report(t testing.TB, key string, e events.Event) kafka.Message {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Error(err)
	}
	return raw(key, e.EventName(), data)
}

func raw(key, kind string, body []byte) kafka.Message {
	return kafka.Message{Key: []byte(key), Value: body, Headers: []kafka.Header{
		{Key: "ce_specversion", Value: []byte("1.0")},
		{Key: "ce_id", Value: []byte("always-the-same")},
		{Key: "ce_type", Value: []byte(kind)},
		{Key: "content-type", Value: []byte("application/json; charset=utf-8")},
	}}
}

func (b *fakeBank) says(t testing.TB, messages ...kafka.Message) {
	t.Helper()
	if err := b.writer.WriteMessages(t.Context(), messages...); err != nil {
		t.Fatalf("bank %s: %v", b.bic, err)
	}
}

// status is what a bank reports of a payment of 540,000.
func status(id, code string) bank.PaymentStatusReported {
	s := bank.PaymentStatusReported{EndToEndID: id, Status: code}
	switch code {
	case "ACSC", "ACCC", "RTND":
		s.BankReference, s.Amount, s.BookedAt = "FT"+code, 540_000, time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	}
	if code == "RJCT" || code == "RTND" || code == "BLCK" {
		s.Reason = "AC04"
	}
	return s
}

// id is an id as the services make them.
func id(name string) string {
	return (name + strings.Repeat("a", 26))[:26]
}

// ref is a reference of a vault.
func ref(n int) string { return fmt.Sprintf("0193a1b2-0000-7000-8000-%012d", n) }

// requested asks for an account.
func requested(account, bic string) accounts.AccountRequested {
	return accounts.AccountRequested{
		Account: account, Beneficiary: strings.TrimSuffix(account, "-1"), Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"},
		Issuance: id("issuance"), Bank: bic, Person: ref(1), Holder: ref(1),
	}
}

// released is a payment of 540,000 into an account that the bank opened.
func released(e2e, bic, number string) disbursement.PaymentReleased {
	return disbursement.PaymentReleased{
		Payable: disbursement.Payable{
			Payment: "p" + e2e[1:], Payroll: id("payroll"), Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"}, Programme: "social_pension",
			Beneficiary: id("beneficiary"), Mark: id("mark"), Month: "2026-11", Kind: "regular", Amount: 540_000,
		},
		Target: disbursement.Target{EndToEndID: e2e, Attempt: 1, Bank: bic, Account: id("account") + "-1", Number: number, Holder: ref(1)},
	}
}

// account has VietinBank open an account, and returns the reference of its number.
func (g *gate) account(t testing.TB) string {
	t.Helper()
	account := id("mai") + "-1"
	g.banks[icb].answers(func(m kafka.Message) []kafka.Message {
		if header(m, "ce_type") != "bank.account_opening_requested.v1" {
			return nil
		}
		return []kafka.Message{report(t, string(m.Key), bank.AccountOpeningReported{
			RequestID: string(m.Key), Status: "opened", AccountNumber: "103872200345", HolderName: "NGUYEN VAN AN",
		})}
	})
	servicetest.Say(t, g.accounts, "beneficiary-"+id("mai"), requested(account, icb))
	g.become(t, "opening-"+account, "opening_sent opening_reported")
	var fact struct{ Number string }
	_, body, _ := strings.Cut(g.recorded(t, "opening-"+account)[1], " ")
	if err := json.Unmarshal([]byte(body), &fact); err != nil || fact.Number == "" {
		t.Fatal(err, body)
	}
	g.banks[icb].answers(nil)
	return fact.Number
}

// waitFor waits until the bank has n messages of a type for a key.
func (b *fakeBank) waitFor(t testing.TB, kind, key string, n int) (list []kafka.Message) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if list = b.received(kind, key); len(list) != n {
			return fmt.Errorf("bank %s has %d %s for %s instead of %d", b.bic, len(list), kind, key, n)
		}
		return nil
	})
	return list
}
