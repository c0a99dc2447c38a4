package reaction_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
	"github.com/songan-vn/songan/libs/testkit"
)

// The facts of another service, which has desks where things are noted.
type (
	noted struct {
		Desk string `json:"desk"`
		Step int    `json:"step"`
		Text string `json:"text,omitempty"`
	}
	notedV0 struct {
		Desk string `json:"desk"`
		Step string `json:"step"`
	}
	opened struct{}
)

func (noted) EventName() string   { return "desk.noted.v1" }
func (notedV0) EventName() string { return "desk.noted.v0" }
func (opened) EventName() string  { return "desk.opened.v1" }

func (n notedV0) Upcast() events.Event { return noted{Desk: n.Desk, Step: len(n.Step)} }

func catalog() events.Catalog { return events.NewCatalog([]events.Event{noted{}, notedV0{}, opened{}}) }

const partitions = 3

func now() time.Time { return time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC) }

// desk is a consumer's surroundings: a database, and a topic that the test publishes to like a relay.
type desk struct {
	pool  *pgxpool.Pool
	cfg   kafkabus.Config
	topic string

	mu       sync.Mutex
	position int64
	previous map[int]int64
	versions map[string]int
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	return newDeskOn(t, testkit.Postgres(t))
}

func newDeskOn(t testing.TB, pool *pgxpool.Pool) *desk {
	t.Helper()
	for _, migrate := range []func(context.Context, *pgxpool.Pool) error{kafkabus.Migrate, quarantine.Migrate} {
		if err := migrate(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	b := testkit.Kafka(t)
	return &desk{
		pool: pool, topic: testkit.Topic(t, b, partitions),
		cfg:      kafkabus.Config{Brokers: b.Addrs, Transport: b.Transport, Dialer: b.Dialer},
		previous: map[int]int64{}, versions: map[string]int{},
	}
}

func (d *desk) deps() reaction.Deps {
	return reaction.Deps{
		Pool: d.pool, Bus: d.cfg, Catalog: catalog(), Topics: []string{d.topic}, Now: now,
		Attempts: 3, FirstPause: time.Millisecond, Timeout: 5 * time.Second,
	}
}

// publish sends a fact as the relay of its service would.
func (d *desk) publish(t testing.TB, stream string, e events.Event) events.Recorded {
	t.Helper()
	return d.send(t, stream, e, func(*kafka.Message) {})
}

// send lets the test spoil the message.
func (d *desk) send(t testing.TB, stream string, e events.Event, spoil func(*kafka.Message)) events.Recorded {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]int, partitions)
	for i := range all {
		all[i] = i
	}
	partition := kafka.Murmur2Balancer{}.Balance(kafka.Message{Key: []byte(stream)}, all...)
	d.position++
	d.versions[stream]++
	fact := events.Recorded{
		Position: d.position, Stream: stream, Version: d.versions[stream], Event: e, RecordedAt: now(),
		Meta: events.Meta{Cause: "request-1", Correlation: "chain-1", OccurredAt: now()},
	}
	m, err := kafkabus.Encode(fact, d.previous[partition])
	if err != nil {
		t.Fatal(err)
	}
	d.previous[partition] = d.position
	spoil(&m)
	client := &kafka.Client{Addr: kafka.TCP(d.cfg.Brokers...), Transport: d.cfg.Transport, Timeout: 10 * time.Second}
	answer, err := client.Produce(t.Context(), &kafka.ProduceRequest{
		Topic: d.topic, Partition: partition, RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(kafka.Record{
			Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Headers: m.Headers, Time: m.Time,
		}),
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		t.Fatal(err)
	}
	return fact
}

// start runs a consumer until the test ends, or until stop is called, which waits for its end.
func start(t testing.TB, r *reaction.Reactor) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("the consumer does not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

func reactor(t testing.TB, d reaction.Deps, handlers ...reaction.Handler) *reaction.Reactor {
	t.Helper()
	// A group of its own on the shared broker; the topic is in its name anyway.
	r, err := reaction.New("desk.test", d, handlers...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// journal notes what handlers did, and what they are to do.
type journal struct {
	mu   sync.Mutex
	done map[string][]int
	fail func(noted) error
}

func newJournal() *journal {
	return &journal{done: map[string][]int{}, fail: func(noted) error { return nil }}
}

func (j *journal) note(_ context.Context, _ events.Recorded, e noted) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.fail(e); err != nil {
		return err
	}
	j.done[e.Desk] = append(j.done[e.Desk], e.Step)
	return nil
}

func (j *journal) failing(fail func(noted) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fail = fail
}

func (j *journal) steps(desk string) []int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.done[desk])
}

// did waits until exactly these steps of a desk are done.
func (j *journal) did(t testing.TB, desk string, want ...int) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if got := j.steps(desk); !slices.Equal(got, want) {
			return fmt.Errorf("desk %s did %v, want %v", desk, got, want)
		}
		return nil
	})
}

// waiting waits until the quarantine holds exactly these open facts, and answers with them.
func (d *desk) waiting(t testing.TB, want ...string) []quarantine.Item {
	t.Helper()
	q := quarantine.New(d.pool, now)
	var items []quarantine.Item
	testkit.Eventually(t, func() (err error) {
		if items, err = q.List(t.Context(), quarantine.Filter{}); err != nil {
			return err
		}
		var got []string
		for _, i := range items {
			got = append(got, i.Fact+" "+i.ErrorCode)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("in quarantine are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		return nil
	})
	return items
}

// empty checks that nothing was ever quarantined.
func (d *desk) empty(t testing.TB) {
	t.Helper()
	var n int
	if err := d.pool.QueryRow(t.Context(), `select count(*) from quarantine`).Scan(&n); err != nil || n != 0 {
		t.Fatalf("%d items are or were in quarantine (%v)", n, err)
	}
}
