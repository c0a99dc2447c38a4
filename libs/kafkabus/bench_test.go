package kafkabus_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

// durable returns a ledger on a database and a broker that write through to the disk, as in production.
func durable(b *testing.B, partitions int) *ledger {
	b.Helper()
	broker := testkit.NewBroker(b)
	cfg := connectTo(b, broker.Broker)
	if err := kafkabus.EnsureTopic(b.Context(), cfg, "ledger", partitions, 1); err != nil {
		b.Fatal(err)
	}
	config, err := pgxpool.ParseConfig(testkit.DurablePostgres(b, nil).URL("songan"))
	if err != nil {
		b.Fatal(err)
	}
	config.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return newLedgerOn(b, pool, cfg, "ledger", partitions)
}

// BenchmarkRelay compares the way from the log to Kafka with kafka-go's Client.Produce of the same records, in batches
// of the same size, which are encoded beforehand.
func BenchmarkRelay(b *testing.B) {
	const facts, partitions, batch = 100_000, 6, 2000
	for b.Loop() {
		l := durable(b, partitions)
		for n := 0; n < facts; n += 10_000 {
			l.note(b, n+1, n+10_000)
		}
		began := time.Now()
		stop := start(b, kafkabus.NewRelay(l.store, l.pool, l.cfg, kafkabus.RelayOptions{
			Topic: l.topic, Partitions: partitions,
		}).Run)
		testkit.Within(b, 5*time.Minute, func() error {
			var at int
			err := l.pool.QueryRow(b.Context(), `select coalesce(max(position), 0) from relay_positions`).Scan(&at)
			if err == nil && at < facts {
				err = fmt.Errorf("at %d", at)
			}
			return err
		})
		relay := time.Since(began)
		stop()

		all := raw(b, l.cfg, l.topic, partitions)
		if err := kafkabus.EnsureTopic(b.Context(), l.cfg, "bare", partitions, 1); err != nil {
			b.Fatal(err)
		}
		began = time.Now()
		for len(slices.Concat(all...)) > 0 {
			var sending sync.WaitGroup
			for p := range all {
				n := min(batch/partitions, len(all[p]))
				if n == 0 {
					continue
				}
				now := all[p][:n]
				all[p] = all[p][n:]
				sending.Go(func() { put(b, l.cfg, "bare", p, now...) })
			}
			sending.Wait()
		}
		bare := time.Since(began)
		b.ReportMetric(facts/relay.Seconds(), "relayed/s")
		b.ReportMetric(facts/bare.Seconds(), "bare/s")
		b.ReportMetric(bare.Seconds()/relay.Seconds(), "ratio")
	}
}

// BenchmarkCommitToSeen measures how long it takes from the commit of a fact to its arrival at another service, at
// 1,000 facts a second.
func BenchmarkCommitToSeen(b *testing.B) {
	const facts, partitions, pace = 10_000, 6, time.Millisecond
	for b.Loop() {
		l := durable(b, partitions)
		start(b, l.relay(l.cfg).Run)
		var mu sync.Mutex
		var took []time.Duration
		start(b, func(ctx context.Context) error {
			source := kafkabus.NewSource(l.cfg, l.topic, catalog(), kafkabus.SourceOptions{})
			return source.Run(ctx, nil, func(_ context.Context, batch []kafkabus.Received, _ map[int]kafkabus.Progress) error {
				now := time.Now()
				mu.Lock()
				defer mu.Unlock()
				for _, r := range batch {
					took = append(took, now.Sub(r.RecordedAt))
				}
				return nil
			})
		})
		l.note(b, 1, 10) // the way is open
		ticker := time.NewTicker(pace)
		var appending sync.WaitGroup
		for n := range facts {
			<-ticker.C
			appending.Go(func() {
				_, err := l.store.Append(b.Context(), eventstore.Append{
					Stream: fmt.Sprintf("paced-%d", n), Facts: []events.Event{noted{n}},
				})
				if err != nil {
					b.Error(err)
				}
			})
		}
		ticker.Stop()
		appending.Wait()
		testkit.Eventually(b, func() error {
			mu.Lock()
			defer mu.Unlock()
			if len(took) < facts+10 {
				return fmt.Errorf("%d seen", len(took))
			}
			return nil
		})
		took = took[10:]
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	}
}

// BenchmarkSource measures how fast facts are read and decoded.
func BenchmarkSource(b *testing.B) {
	const facts, partitions = 100_000, 6
	for b.Loop() {
		testkitBroker := testkit.Kafka(b)
		cfg := connectTo(b, testkitBroker)
		topic := testkit.Topic(b, testkitBroker, partitions)
		messages := make([][]kafka.Message, partitions)
		for n := range int64(facts) {
			messages[n%partitions] = append(messages[n%partitions], fact(b, "stream", n+1, max(0, n+1-partitions)))
		}
		for p, list := range messages {
			for chunk := range slices.Chunk(list, 1000) {
				put(b, cfg, topic, p, chunk...)
			}
		}
		began := time.Now()
		ctx, cancel := context.WithCancel(b.Context())
		seen := 0
		source := kafkabus.NewSource(cfg, topic, catalog(), kafkabus.SourceOptions{})
		err := source.Run(ctx, nil, func(_ context.Context, batch []kafkabus.Received, _ map[int]kafkabus.Progress) error {
			if seen += len(batch); seen == facts {
				cancel()
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(facts/time.Since(began).Seconds(), "facts/s")
	}
}
