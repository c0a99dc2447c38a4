package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

// perSecond is the load under which latency is measured, and topicPartitions what services use.
const (
	latencyRate     = 1000
	topicPartitions = 6
)

// latency measures from the commit of a fact to its arrival at another consumer, over the relay and Kafka.
func latency(ctx context.Context, l *system) ([]lab.Figure, error) {
	w, err := l.wire(ctx, "bench_latency")
	if err != nil {
		return nil, err
	}
	defer w.close()
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	arrivals := &arrivals{at: map[string]time.Time{}}
	faults := make([]error, 2)
	running.Go(func() { faults[0] = w.relay.Run(ctx) })
	running.Go(func() { faults[1] = w.source.Run(ctx, nil, arrivals.note) })

	committed, err := w.drive(ctx, l.duration())
	if err == nil {
		err = lab.Poll(ctx, func() error { return arrivals.complete(len(committed)) })
	}
	stop()
	running.Wait()
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	took := arrivals.since(committed)
	p50, p99 := took[len(took)/2], took[len(took)*99/100]
	return []lab.Figure{{
		Measure: fmt.Sprintf("commit to arrival at another consumer over Kafka, %d/s, %d facts", latencyRate, len(took)),
		Value:   fmt.Sprintf("p50 %s, p99 %s, max %s", ms(p50), ms(p99), ms(took[len(took)-1])),
		Bar:     "p50 <= 10 ms, p99 <= 100 ms", OK: p50 <= 10*time.Millisecond && p99 <= 100*time.Millisecond,
	}}, nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// drive executes commands at the given rate, whether earlier ones are done or not, and returns when each was durable.
func (w *wire) drive(ctx context.Context, d time.Duration) (map[string]time.Time, error) {
	var fact accommodation.StayNotified
	if err := json.Unmarshal([]byte(sampleData), &fact); err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	var mu sync.Mutex
	var failed error
	committed := map[string]time.Time{}
	var callers sync.WaitGroup
	tick := time.NewTicker(time.Second / latencyRate)
	defer tick.Stop()
	began := time.Now()
	for n := 0; time.Since(began) < d; n++ {
		<-tick.C
		callers.Go(func() {
			stream := fmt.Sprintf("notice-%d", n)
			_, err := eventstore.Execute(ctx, w.log, stream, notify{fact}, decider.Meta{At: time.Now()}, eventstore.Fresh())
			mu.Lock()
			defer mu.Unlock()
			committed[stream] = time.Now()
			failed = errors.Join(failed, err)
		})
	}
	callers.Wait()
	return committed, failed
}

// arrivals notes when each fact was seen.
type arrivals struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (a *arrivals) note(_ context.Context, batch []kafkabus.Received, _ map[int]kafkabus.Progress) error {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range batch {
		a.at[r.Stream] = now
	}
	return nil
}

func (a *arrivals) complete(want int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.at) < want {
		return fmt.Errorf("%d of %d facts have arrived", len(a.at), want)
	}
	return nil
}

// since returns the times from commit to arrival, shortest first.
func (a *arrivals) since(committed map[string]time.Time) []time.Duration {
	took := make([]time.Duration, 0, len(committed))
	for stream, at := range committed {
		took = append(took, max(0, a.at[stream].Sub(at)))
	}
	slices.Sort(took)
	return took
}

func catalog() events.Catalog { return events.NewCatalog(accommodation.Catalog()) }
