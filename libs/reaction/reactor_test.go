package reaction_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestAHandlerGetsTheFactAsItWasRecorded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	got := make(chan events.Recorded, 1)
	start(t, reactor(t, d.deps(), reaction.On(func(_ context.Context, r events.Recorded, e noted) error {
		if e != r.Event {
			t.Errorf("the handler got %+v beside %+v", e, r.Event)
		}
		got <- r
		return nil
	})))
	want := d.publish(t, "desk-a", noted{Desk: "a", Step: 1, Text: "chìa khoá"})
	if diff := cmp.Diff(want, <-got); diff != "" {
		t.Errorf("what was recorded (-want +got):\n%s", diff)
	}
}

func TestFactsThatNobodyHandlesPassAndOldShapesAreUpcast(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t), newJournal()
	deps := d.deps()
	start(t, reactor(t, deps, reaction.On(j.note)))
	d.publish(t, "desk-a", opened{})
	d.publish(t, "desk-a", unheardOf{})
	d.publish(t, "desk-a", notedV0{Desk: "a", Step: "four"})
	d.publish(t, "desk-a", noted{Desk: "a", Step: 5})
	j.did(t, "a", 4, 5)
	d.empty(t)
}

// unheardOf comes from a newer version of the other service.
type unheardOf struct{}

func (unheardOf) EventName() string { return "desk.unheard_of.v1" }

func TestANewConsumerBeginsWithTheFirstFactAndNeverSeesOneAgain(t *testing.T) {
	t.Parallel()
	d, before, after := newDesk(t), newJournal(), newJournal()
	for step := range 50 {
		d.publish(t, fmt.Sprintf("desk-%d", step%5), noted{Desk: "all", Step: 1})
	}
	stop := start(t, reactor(t, d.deps(), reaction.On(before.note)))
	testkit.Eventually(t, func() error {
		if n := len(before.steps("all")); n != 50 {
			return fmt.Errorf("%d of 50 facts are handled", n)
		}
		return nil
	})
	stop()
	start(t, reactor(t, d.deps(), reaction.On(after.note)))
	d.publish(t, "desk-0", noted{Desk: "new", Step: 51})
	after.did(t, "new", 51)
	if again := after.steps("all"); len(again) > 0 {
		t.Errorf("%d facts came again after a restart", len(again))
	}
}

// file is our own stream about a desk of the other service, and archive the command that a fact becomes.
type (
	file     struct{ pages int }
	archive  struct{ step int }
	archived struct {
		Step int `json:"step"`
	}
)

func (archived) EventName() string { return "file.archived.v1" }

func (f file) Evolve(events.Event) file { return file{f.pages + 1} }

func (a archive) Decide(file, decider.Meta) ([]events.Event, error) {
	return []events.Event{archived{a.step}}, nil
}

func TestADeliveryThatComesTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if err := eventstore.Migrate(t.Context(), d.pool); err != nil {
		t.Fatal(err)
	}
	log, err := eventstore.Open(t.Context(), d.pool, eventstore.Options{Catalog: events.NewCatalog([]events.Event{archived{}})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	var replays atomic.Int32
	react := func(ctx context.Context, r events.Recorded, e noted) error {
		out, err := eventstore.Execute(ctx, log, "file-"+e.Desk, archive{e.Step}, reaction.Meta(r, "service:file", now()))
		if out.Replayed {
			replays.Add(1)
		}
		return err
	}
	want := []string{"desk/desk-a/1", "desk/desk-a/2", "desk/desk-a/3"}
	for step := range want {
		d.publish(t, "desk-a", noted{Desk: "a", Step: step + 1})
	}
	for round := range 3 {
		stop := start(t, reactor(t, d.deps(), reaction.On(react)))
		testkit.Eventually(t, func() error {
			facts, err := log.Load(t.Context(), "file-a")
			if n := int(replays.Load()); err != nil || len(facts) < len(want) || n != round*len(want) {
				return fmt.Errorf("%d facts, %d replays (%w)", len(facts), n, err)
			}
			return nil
		})
		stop()
		if _, err := d.pool.Exec(t.Context(), `delete from consumer_positions`); err != nil {
			t.Fatal(err)
		}
	}
	facts, err := log.Load(t.Context(), "file-a")
	if err != nil {
		t.Fatal(err)
	}
	var causes []string
	for _, f := range facts {
		causes = append(causes, f.Meta.Cause)
	}
	if diff := cmp.Diff(want, causes); diff != "" {
		t.Errorf("causes in our stream (-want +got):\n%s", diff)
	}
}

func TestAShutdownLetsAHandlerFinish(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t), newJournal()
	begun, proceed := make(chan struct{}), make(chan struct{})
	slow := func(ctx context.Context, r events.Recorded, e noted) error {
		if e.Step == 1 {
			close(begun)
			<-proceed
		}
		if ctx.Err() != nil {
			t.Errorf("the context ended with the shutdown: %v", ctx.Err())
		}
		return j.note(ctx, r, e)
	}
	r := reactor(t, d.deps(), reaction.On(slow))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	d.publish(t, "desk-a", noted{Desk: "a", Step: 1})
	<-begun
	cancel()
	select {
	case err := <-ended:
		t.Fatalf("the consumer ended before its handler: %v", err)
	default:
	}
	close(proceed)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	j.did(t, "a", 1)
	next := newJournal()
	start(t, reactor(t, d.deps(), reaction.On(next.note)))
	d.publish(t, "desk-a", noted{Desk: "a", Step: 2})
	next.did(t, "a", 2)
}

func TestAWrongReactorIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	h := reaction.On(newJournal().note)
	stranger := reaction.On(func(context.Context, events.Recorded, unheardOf) error { return nil })
	deaf, homeless := d.deps(), d.deps()
	deaf.Topics, homeless.Pool = nil, nil
	cases := map[string]func() error{
		"without a name":     func() error { _, err := reaction.New("", d.deps(), h); return err },
		"without handlers":   func() error { _, err := reaction.New("x", d.deps()); return err },
		"without a database": func() error { _, err := reaction.New("x", homeless, h); return err },
		"without topics":     func() error { _, err := reaction.New("x", deaf, h); return err },
		"one fact twice":     func() error { _, err := reaction.New("x", d.deps(), h, h); return err },
		"an unknown fact":    func() error { _, err := reaction.New("x", d.deps(), stranger); return err },
	}
	for name, make := range cases {
		if make() == nil {
			t.Errorf("%s: it was made", name)
		}
	}
}

func TestMetaContinuesTheChainOfTheFact(t *testing.T) {
	t.Parallel()
	first := events.Recorded{Stream: "desk-a", Version: 7, Event: noted{}, Meta: events.Meta{Trace: "00-1-2-01"}}
	later := first
	later.Meta.Correlation = "chain-1"
	got := []decider.Meta{reaction.Meta(first, "service:x", now()), reaction.Meta(later, "service:x", now())}
	want := []decider.Meta{
		{At: now(), Actor: "service:x", Cause: "desk/desk-a/7", Correlation: "desk/desk-a/7", Trace: "00-1-2-01"},
		{At: now(), Actor: "service:x", Cause: "desk/desk-a/7", Correlation: "chain-1", Trace: "00-1-2-01"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("meta (-want +got):\n%s", diff)
	}
}
