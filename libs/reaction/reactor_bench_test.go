package reaction_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/testkit"
)

// BenchmarkReactor measures what a delivery costs besides its handler: Kafka, router, middlewares and the look into
// quarantine.
func BenchmarkReactor(b *testing.B) {
	const facts, keys = 5_000, 500
	d := newDesk(b)
	for i := range facts {
		d.publish(b, fmt.Sprintf("desk-%d", i%keys), noted{Step: i})
	}
	for b.Loop() {
		if _, err := d.pool.Exec(b.Context(), `delete from consumer_positions`); err != nil {
			b.Fatal(err)
		}
		var handled atomic.Int32
		count := func(context.Context, events.Recorded, noted) error { handled.Add(1); return nil }
		began := time.Now()
		stop := start(b, reactor(b, d.deps(), reaction.On(count)))
		testkit.Eventually(b, func() error {
			if n := handled.Load(); n < facts {
				return fmt.Errorf("%d of %d facts are handled", n, facts)
			}
			return nil
		})
		b.ReportMetric(facts/time.Since(began).Seconds(), "facts/s")
		stop()
	}
}
