package reaction

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
	"github.com/songan-vn/songan/libs/testkit"
)

type moved struct {
	To string `json:"to"`
}

func (moved) EventName() string { return "desk.moved.v1" }

// BenchmarkMiddlewares measures what stands between a router and a handler that waits for the end of its time, as one that asks a
// database does: 64 messages at a time.
func BenchmarkMiddlewares(b *testing.B) {
	pool := testkit.Postgres(b)
	if err := quarantine.Migrate(b.Context(), pool); err != nil {
		b.Fatal(err)
	}
	r, err := New("bench", Deps{
		Pool: pool, Catalog: events.NewCatalog([]events.Event{moved{}}), Topics: []string{"t"}, Now: time.Now,
	}, On(func(ctx context.Context, _ events.Recorded, _ moved) error {
		select {
		case <-ctx.Done():
		default:
		}
		return nil
	}))
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	fact, err := kafkabus.Encode(events.Recorded{
		Position: 2, Stream: "desk-a", Version: 1, Event: moved{To: "b"}, RecordedAt: at,
		Meta: events.Meta{Cause: "request-1", Correlation: "chain-1", OccurredAt: at},
	}, 1)
	if err != nil {
		b.Fatal(err)
	}
	headers := map[string]string{kafkabus.KeyMetadata: string(fact.Key)}
	for _, h := range fact.Headers {
		headers[h.Key] = string(h.Value)
	}
	w := newWorkers()
	defer w.end()
	var handle message.HandlerFunc = func(m *message.Message) ([]*message.Message, error) { return nil, r.dispatch(m) }
	for _, middleware := range slices.Backward([]message.HandlerMiddleware{
		r.giveWay, w.handle, r.observe, r.park, r.retry, r.limit, r.recover,
	}) {
		handle = middleware(handle)
	}
	ctx, cancel := context.WithCancel(b.Context()) // as of a partition
	defer cancel()
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		m := message.NewMessage("desk/desk-a/1", fact.Value)
		m.Metadata = headers
		for pb.Next() {
			m.SetContext(ctx)
			if _, err := handle(m); err != nil {
				b.Error(err)
			}
		}
	})
}
