package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/eventstore/internal/queue"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestAStoreIsNotOpenedOnASchemaWithoutALog(t *testing.T) {
	t.Parallel()
	_, err := eventstore.Open(t.Context(), testkit.Postgres(t), eventstore.Options{Catalog: catalog()})
	if err == nil || !strings.Contains(err.Error(), "was it migrated?") {
		t.Errorf("got %v, want a hint at the migration", err)
	}
}

// Before decision 21, facts were kept as jsonb.
func TestALogOfAnOlderVersionIsRefusedInOneSentence(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	if _, err := pool.Exec(t.Context(), `alter table events alter column data type jsonb using data::jsonb`); err != nil {
		t.Fatal(err)
	}
	_, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog()})
	if err == nil || !strings.Contains(err.Error(), `another version made it, with facts as "jsonb" instead of json`) {
		t.Errorf("got %v, want that the log is another version's", err)
	}
}

func TestClosingWritesWhatWaitsAndThenRefuses(t *testing.T) {
	t.Parallel()
	const callers = 300
	pool := fresh(t)
	s := open(t, pool)
	release := occupy(t, pool, s)
	answers := make(chan error, callers)
	for i := range callers {
		go func() {
			_, err := s.Append(t.Context(), of(fmt.Sprintf("till-%d", i), 0, put{i}))
			answers <- err
		}()
	}
	closing := make(chan struct{})
	go func() { s.Close(); s.Close(); close(closing) }()
	release()
	<-closing
	accepted := 0
	for range callers {
		switch err := <-answers; {
		case err == nil:
			accepted++
		case !errors.Is(err, eventstore.ErrClosed):
			t.Error(err)
		}
	}
	if got := len(everything(t, open(t, pool))); got != accepted+1 {
		t.Errorf("the log has %d facts, %d were answered, and the one before", got, accepted)
	}
	if _, err := s.Append(t.Context(), of("till", 0, put{1})); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("append: got %v, want closed", err)
	}
	if _, err := s.AppendAll(t.Context(), []eventstore.Append{of("till", 0, put{1})}); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("append all: got %v, want closed", err)
	}
	if _, err := s.Load(t.Context(), "till"); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("load: got %v, want closed", err)
	}
}

// Bulk work fills the log's queue and waits, whether it comes as many appends or as the items of batches. It leaves some room for
// what is single; what finds none is refused at once.
func TestBulkWorkWaitsAndWhatIsSingleIsRefusedWhenTooMuchWaits(t *testing.T) {
	t.Parallel()
	const bulks, each = 68, 1024 // more than the queue takes, and what is under way
	pool := fresh(t)
	figures := prometheus.NewRegistry()
	s, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog(), Now: noon, Registerer: figures})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	release := hold(t, pool)
	var working sync.WaitGroup
	for i := range bulks {
		working.Go(func() {
			all := make([]eventstore.Append, each)
			for n := range all {
				all[n] = of(fmt.Sprintf("till-%d-%d", i, n), 0, put{n})
			}
			if _, err := s.AppendAll(t.Context(), all); err != nil {
				t.Error(err)
			}
		})
	}
	testkit.Eventually(t, func() error { return wantWaiting(figures, queue.Bulk) })

	var single []*eventstore.Pending[till]
	for n := range queue.Size - queue.Bulk {
		single = append(single, begin(t, s, fmt.Sprint("single-", n), insert{[]int{1}}, meta("single"), eventstore.Fresh()))
	}
	_, err = s.Append(t.Context(), of("till", 0, put{1}))
	if p, ok := problem.Of(err); !ok || p.Kind != problem.Unavailable || p.Code != "overloaded" || p.RetryAfter == 0 {
		t.Errorf("one too many: got %v, want overloaded", err)
	}
	item := meta("item")
	item.Bulk = true
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := eventstore.Begin(gone, s, "item", insert{[]int{1}}, item, eventstore.Fresh()).Outcome(); !errors.Is(err, context.Canceled) {
		t.Errorf("an item whose caller leaves: got %v, want that it waited", err)
	}
	for n := range 2 {
		working.Go(func() {
			if _, err := begin(t, s, fmt.Sprint("item-", n), insert{[]int{1}}, item, eventstore.Fresh()).Outcome(); err != nil {
				t.Error(err)
			}
		})
	}
	release()
	working.Wait()
	for _, p := range single {
		if _, err := p.Outcome(); err != nil {
			t.Error(err)
		}
	}
	if got, want := len(everything(t, s)), bulks*each+len(single)+2; got != want {
		t.Errorf("%d facts are in the log, want all %d that waited", got, want)
	}
}

// wantWaiting looks at how many commands wait.
func wantWaiting(figures prometheus.Gatherer, want float64) error {
	families, err := figures.Gather()
	if err != nil {
		return fmt.Errorf("gather: %w", err)
	}
	for _, f := range families {
		if f.GetName() != "eventstore_waiting_commands" {
			continue
		}
		if got := f.GetMetric()[0].GetGauge().GetValue(); got != want {
			return fmt.Errorf("%g commands wait", got)
		}
		return nil
	}
	return errors.New("no such figure")
}

func TestAClosedStoreLeavesNothingRunning(t *testing.T) { // alone, to see all goroutines
	pool := fresh(t)
	before := goleak.IgnoreCurrent()
	s, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var following, working sync.WaitGroup
	following.Go(func() {
		if err := s.Follow(ctx, 0, 10, nil, nothing); err != nil {
			t.Error(err)
		}
	})
	for i := range 100 {
		working.Go(func() {
			if err := execute(t.Context(), s, fmt.Sprintf("till-%d", i%10), insert{[]int{1}}, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	working.Wait()
	cancel()
	following.Wait()
	s.Close()
	pool.Reset()
	goleak.VerifyNone(t, before)
}

func TestTheStoreTellsItsFigures(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	pool := fresh(t)
	s, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog(), Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog(), Registerer: registry}); err == nil {
		t.Error("a second store of the same name was registered")
	}
	mustAppend(t, s, of("till", 0, put{1}, put{2}))
	_, _ = s.Append(t.Context(), of("till", 0, put{1}))
	_, _ = s.Append(t.Context(), withSecret("other", "not-a-uuid"))

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		got[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	same(t, "figures", map[string]float64{
		"eventstore_batch_commands": 3, "eventstore_append_seconds": 3, "eventstore_facts_total": 2,
		"eventstore_conflicts_total": 1, "eventstore_refused_total": 1, "eventstore_resent_total": 0, "eventstore_remembered_total": 0,
		"eventstore_waiting_commands": 0, "eventstore_position": 2,
	}, got)
	s.Close()
	if families, err := registry.Gather(); err != nil || len(families) != 0 {
		t.Errorf("after closing: %d families, %v", len(families), err)
	}
}

func TestAnExecutionIsASpanThatHoldsNoFact(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	spans := tracetest.NewInMemoryExporter()
	tracer := trace.NewTracerProvider(trace.WithSyncer(spans)).Tracer("test")
	ctx, request := tracer.Start(t.Context(), "request")
	for cause, cmd := range map[string]decider.Command[till]{"a": write{"Nguyễn Văn Kín"}, "b": write{"Kín\x00"}} {
		_ = execute(ctx, s, "till-"+cause, cmd, cause)
	}
	request.End()
	got := map[string]int{}
	for _, span := range spans.GetSpans() {
		got[span.Name+" "+span.Status.Description]++
	}
	same(t, "spans", map[string]int{"request ": 1, "eventstore.Execute ": 1, "eventstore.Execute internal": 1}, got)
	if all := fmt.Sprintf("%+v", spans.GetSpans()); strings.Contains(all, "Kín") || !strings.Contains(all, "till-a") {
		t.Error("the spans hold a fact, or do not hold the stream")
	}
}
