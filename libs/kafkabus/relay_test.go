package kafkabus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/produce"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestRelayPublishesTheLogOnceAndInOrder(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 3)
	l.note(t, 1, 500)
	stop := start(t, l.relay(l.cfg).Run)
	seen := newReader()
	start(t, seen.run(kafkabus.NewSource(l.cfg, l.topic, catalog(), kafkabus.SourceOptions{})))
	seen.sees(t, 500)
	stop()
	l.note(t, 501, 600) // while nobody publishes
	start(t, l.relay(l.cfg).Run)
	seen.sees(t, 600)
	if all := raw(t, l.cfg, l.topic, 3); count(all) != 600 {
		t.Errorf("%d records for 600 facts: a relay that is stopped in order leaves no repeats", count(all))
	}
}

func TestARelayThatStandsPublishesNothingAndForgetsNothing(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 3)
	l.note(t, 1, 500)
	stands, goOn := make(chan time.Time, 100), make(chan struct{})
	run := func() (stop func()) {
		return start(t, kafkabus.NewRelay(l.store, l.pool, l.cfg, kafkabus.RelayOptions{
			Topic: l.topic, Partitions: l.partitions, Batch: 100,
			Stand: func(ctx context.Context, since time.Time) error {
				stands <- since
				select {
				case <-goOn:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			},
		}).Run)
	}
	stop := run()
	if since := <-stands; since.IsZero() || since.After(time.Now()) {
		t.Errorf("it stands since %s", since)
	}
	stop() // does not wait for the end of a rush
	if all := raw(t, l.cfg, l.topic, 3); count(all) != 0 {
		t.Errorf("%d records while it stood", count(all))
	}
	run()
	<-stands
	close(goOn)
	seen := newReader()
	start(t, seen.run(kafkabus.NewSource(l.cfg, l.topic, catalog(), kafkabus.SourceOptions{})))
	seen.sees(t, 500)
	if all := raw(t, l.cfg, l.topic, 3); count(all) != 500 {
		t.Errorf("%d records for 500 facts", count(all))
	}
}

func TestRelayPublishesOldFactsInTheirNewestShape(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	_, err := l.store.Append(t.Context(), eventstore.Append{
		Stream: "a", Facts: []events.Event{written{1}, noted{2}, hinted{}, written{3}}, Meta: events.Meta{Cause: "c"},
	})
	if err != nil {
		t.Fatal(err)
	}
	start(t, l.relay(l.cfg).Run)
	var got []string
	testkit.Eventually(t, func() error {
		got = nil
		for _, m := range raw(t, l.cfg, l.topic, 1)[0] {
			r, err := kafkabus.Decode(catalog(), m)
			if err != nil {
				return err
			}
			got = append(got, fmt.Sprintf("%d %+v after %d", r.Position, r.Event, r.Previous))
		}
		if len(got) < 3 {
			return fmt.Errorf("%d facts", len(got))
		}
		return nil
	})
	if diff := cmp.Diff([]string{"1 {N:1} after 0", "2 {N:2} after 1", "4 {N:3} after 2"}, got); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

func TestRelayKeepsPrivateFactsAndFingerprintsAtHome(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	_, err := l.store.Append(t.Context(), eventstore.Append{
		Stream: "a", Facts: []events.Event{noted{1}, kept{}, kept{}, noted{2}},
		Meta: events.Meta{Cause: "c", Fingerprint: "the-fingerprint", Actor: "facility:1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	start(t, l.relay(l.cfg).Run)
	seen := newReader()
	start(t, seen.run(kafkabus.NewSource(l.cfg, l.topic, catalog(), kafkabus.SourceOptions{})))
	testkit.Eventually(t, func() error {
		if at := seen.at()[0]; at.Sequence != 4 {
			return fmt.Errorf("at %+v", at)
		}
		return nil
	})
	var previous []int64
	for _, r := range seen.facts {
		previous = append(previous, r.Previous)
	}
	if diff := cmp.Diff([]int64{0, 1}, previous); diff != "" {
		t.Errorf("chain (-want +got):\n%s", diff)
	}
	for _, m := range raw(t, l.cfg, l.topic, 1)[0] {
		if text := fmt.Sprintf("%s %s %s", m.Key, m.Value, m.Headers); strings.Contains(text, "fingerprint") ||
			strings.Contains(text, "kept") || strings.Contains(text, "facility:1") {
			t.Errorf("published: %s", text)
		}
	}
}

// dying is a transport under a process that is killed right after Kafka has taken a number of requests: what the
// broker answers to the last one, and whatever comes later, never reaches the relay.
type dying struct {
	kafka.RoundTripper
	requests     atomic.Int32
	dead, buried chan struct{}
}

func (d *dying) RoundTrip(ctx context.Context, addr net.Addr, req kafka.Request) (kafka.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(ctx, addr, req)
	if _, produces := req.(*produce.Request); !produces {
		return resp, err
	}
	left := d.requests.Add(-1)
	if left > 0 {
		return resp, err
	}
	if left == 0 {
		close(d.dead)
	}
	<-d.buried
	return nil, errors.New("killed")
}

func TestKilledBetweenPublishAndCheckpointARelayLeavesRepeatsAndLosesNothing(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 3)
	l.note(t, 1, 1000)
	seen := newReader()
	start(t, seen.run(kafkabus.NewSource(l.cfg, l.topic, catalog(), kafkabus.SourceOptions{})))
	for range 3 {
		under := &dying{RoundTripper: l.cfg.Transport, dead: make(chan struct{}), buried: make(chan struct{})}
		under.requests.Store(7) // two batches of three partitions, and one request of the third batch
		cfg := l.cfg
		cfg.Transport = under
		stop := start(t, l.relay(cfg).Run)
		<-under.dead
		killSessions(t, l)
		close(under.buried)
		stop()
	}
	start(t, l.relay(l.cfg).Run)
	seen.sees(t, 1000)
	all := raw(t, l.cfg, l.topic, 3)
	if count(all) <= 1000 {
		t.Errorf("%d records for 1000 facts: nobody was killed at the right moment", count(all))
	}
	sameRepeats(t, all)
}

// killSessions cuts the connections of relays, as the end of their process would.
func killSessions(t testing.TB, l *ledger) {
	t.Helper()
	const kill = `select pg_terminate_backend(pid) from pg_stat_activity s join pg_locks k using (pid)
		where locktype = 'advisory' and application_name = 'songan relay' and s.pid = any($1)`
	const mine = `select array_agg(pid) from pg_locks, hashtextextended('kafkabus relay ' || current_schema() || ' ' || $1, 0) h
		where locktype = 'advisory' and (classid::bigint << 32) | objid::bigint = h`
	var pids []int32
	if err := l.pool.QueryRow(t.Context(), mine, l.topic).Scan(&pids); err != nil {
		t.Fatal(err)
	}
	if len(pids) == 0 {
		t.Fatal("nobody leads")
	}
	if _, err := l.pool.Exec(t.Context(), kill, pids); err != nil {
		t.Fatal(err)
	}
}

// sameRepeats checks that records of the same fact are the same to the byte, chain and all.
func sameRepeats(t testing.TB, all [][]kafka.Message) {
	t.Helper()
	first := map[string]string{}
	for p, partition := range all {
		for _, m := range partition {
			text := fmt.Sprintf("partition %d %s %s %s", p, m.Key, m.Value, m.Headers)
			id := string(m.Headers[1].Value)
			if known, twice := first[id]; twice && known != text {
				t.Errorf("a repeat differs:\n%s\n%s", known, text)
			}
			first[id] = text
		}
	}
}

func TestOneRelayWaitsForTheLeadOfTheOther(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	stop := start(t, l.relay(l.cfg).Run)
	testkit.Eventually(t, func() error { return leads(t, l, 1) })
	second := *l
	pids := second.ownPool(t)
	start(t, second.relay(l.cfg).Run)
	testkit.Eventually(t, func() error { // the second is there, and has asked
		var n int
		err := l.pool.QueryRow(t.Context(),
			`select count(*) from pg_stat_activity where pid = any($1) and state = 'idle' and query like '%try_advisory%'`, pids()).Scan(&n)
		if err == nil && n == 0 {
			err = errors.New("nobody waits")
		}
		return err
	})
	if err := leads(t, l, 1); err != nil {
		t.Error(err)
	}
	stop()
	testkit.Eventually(t, func() error { return leads(t, l, 1) })
	l.note(t, 1, 10)
	seen := newReader()
	start(t, seen.run(kafkabus.NewSource(l.cfg, l.topic, catalog(), kafkabus.SourceOptions{})))
	seen.sees(t, 10)
}

// ownPool gives a ledger a pool of its own, and tells the server processes of its connections.
func (l *ledger) ownPool(t testing.TB) (pids func() []int32) {
	t.Helper()
	var mu sync.Mutex
	var all []int32
	config := l.pool.Config()
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, int32(conn.PgConn().PID())) //nolint:gosec // the server's are of 22 bits
		return nil
	}
	var err error
	if l.pool, err = pgxpool.NewWithConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.pool.Close)
	return func() []int32 {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func leads(t testing.TB, l *ledger, want int) error {
	t.Helper()
	const query = `select count(*) from pg_locks, hashtextextended('kafkabus relay ' || current_schema() || ' ' || $1, 0) h
		where locktype = 'advisory' and (classid::bigint << 32) | objid::bigint = h`
	var n int
	if err := l.pool.QueryRow(t.Context(), query, l.topic).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != want {
		return fmt.Errorf("%d lead instead of %d", n, want)
	}
	return nil
}

func TestRelayRefusesAnotherNumberOfPartitions(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 3)
	wrong := kafkabus.NewRelay(l.store, l.pool, l.cfg, kafkabus.RelayOptions{Topic: l.topic, Partitions: 4})
	if err := wrong.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "3 partitions instead of 4") {
		t.Errorf("topic: %v", err)
	}
	if _, err := l.pool.Exec(t.Context(), `insert into relay_positions values ($1, 0, '{0,0}')`, l.topic); err != nil {
		t.Fatal(err)
	}
	if err := l.relay(l.cfg).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "2 partitions instead of 3") {
		t.Errorf("checkpoint: %v", err)
	}
}

func TestRelaySplitsWhatIsTooBigForOneRequest(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	var all []eventstore.Append
	for i := range 40 {
		all = append(all, eventstore.Append{
			Stream: fmt.Sprint(i), Facts: []events.Event{noted{i + 1}},
			Meta: events.Meta{Cause: strings.Repeat("long", 25_000)}, // 100 kB each, in a header
		})
	}
	if _, err := l.store.AppendAll(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	start(t, l.relay(l.cfg).Run)
	seen := newReader()
	start(t, seen.run(kafkabus.NewSource(l.cfg, l.topic, catalog(), kafkabus.SourceOptions{})))
	seen.sees(t, 40)
}

func TestANewLogIsNotMixedIntoATopicOfAnother(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 2)
	put(t, l.cfg, l.topic, 1, fact(t, "a", 1, 0))
	err := l.relay(l.cfg).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "holds facts of another log") {
		t.Error(err)
	}
}

func TestRelayTellsHowFarItIsBehind(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 2)
	l.note(t, 1, 50)
	if err := kafkabus.EnsureTopic(t.Context(), l.cfg, l.topic, 2, 1); err != nil { // or the first try may be an error
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	start(t, kafkabus.NewRelay(l.store, l.pool, l.cfg, kafkabus.RelayOptions{
		Topic: l.topic, Partitions: 2, Registerer: registry, Now: func() time.Time { return time.Now().Add(time.Hour) },
	}).Run)
	value := func(name string) float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == name {
				m := f.GetMetric()[0]
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		return -1
	}
	testkit.Eventually(t, func() error {
		if n := value("kafkabus_relay_published_total"); n != 50 {
			return fmt.Errorf("%v published", n)
		}
		if n := value("kafkabus_relay_lag"); n != 0 {
			return fmt.Errorf("%v behind", n)
		}
		if seconds := value("kafkabus_relay_delay_seconds"); seconds < 3600 || seconds > 3660 {
			return fmt.Errorf("delay %v s", seconds)
		}
		return nil
	})
	if value("kafkabus_relay_lead") != 1 || value("kafkabus_relay_errors_total") != 0 {
		t.Error("lead or errors")
	}
}

// away is how long the broker is away; SONGAN_TEST_AWAY makes it longer.
const away = 2 * time.Second

func TestAfterTheBrokerWasAwayEverybodyCatchesUp(t *testing.T) {
	t.Parallel()
	b := testkit.NewBroker(t)
	cfg := connectTo(t, b.Broker)
	if err := kafkabus.EnsureTopic(t.Context(), cfg, "ledger", 3, 1); err != nil {
		t.Fatal(err)
	}
	l := newLedgerOn(t, testkit.Postgres(t), cfg, "ledger", 3)
	start(t, l.relay(cfg).Run)
	seen := newReader()
	start(t, seen.run(kafkabus.NewSource(cfg, l.topic, catalog(), kafkabus.SourceOptions{})))
	l.note(t, 1, 100)
	seen.sees(t, 100)
	b.Stop(t)
	gone, long := time.Now(), away
	if text := os.Getenv("SONGAN_TEST_AWAY"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for n := 100; time.Since(gone) < long; n += 10 { // the log goes on
		<-pace.C
		l.note(t, n+1, n+10)
	}
	total := 0
	for _, version := range l.versions {
		total += version
	}
	b.Start(t)
	seen.sees(t, total)
}
