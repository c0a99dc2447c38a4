package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
)

type outcome = eventstore.Outcome[till]

func must(t testing.TB, s *eventstore.Store, stream string, cmd decider.Command[till], m decider.Meta, opts ...eventstore.Option) outcome {
	t.Helper()
	out, err := eventstore.Execute(t.Context(), s, stream, cmd, m, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestACommandIsDecidedOnWhatHappenedBefore(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	first := must(t, s, "till", insert{[]int{1, 2}}, meta("a"))
	second := must(t, s, "till", insert{[]int{4}}, meta("b"))
	stored := mustLoad(t, s, "till")
	same(t, "first", outcome{State: till{Coins: 3, Facts: 2}, Facts: stored[:2], Position: 2}, first)
	same(t, "second", outcome{State: till{Coins: 7, Facts: 3}, Facts: stored[2:], Position: 3}, second)
	same(t, "meta", events.Meta{
		Cause: "b", Correlation: "start", Actor: "officer:7", Trace: "00-1-2-01", Fingerprint: "f-b", OccurredAt: noon(),
	}, stored[2].Meta)
}

func TestARepeatChangesNothingAndGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	for name, s := range map[string]*eventstore.Store{
		"in the same process": nil, "in another process": open(t, pool),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := open(t, pool)
			if s == nil {
				s = first
			}
			stream := "till " + name
			must(t, first, stream, insert{[]int{1}}, meta("before"))
			want := must(t, first, stream, insert{[]int{2, 3}}, meta("twice"))
			must(t, first, stream, insert{[]int{4}}, meta("after"))
			want.Replayed = true
			for _, opts := range [][]eventstore.Option{nil, {eventstore.Fresh()}, nil} {
				same(t, "repeat", want, must(t, s, stream, insert{[]int{2, 3}}, meta("twice"), opts...))
			}
			if got := len(mustLoad(t, s, stream)); got != 4 {
				t.Errorf("the stream has %d facts, want 4", got)
			}
		})
	}
}

func TestTheSameCommandAtTheSameTimeHappensOnce(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	stores := []*eventstore.Store{open(t, pool), open(t, pool)}
	const streams, callers = 20, 16
	for n := range streams {
		var first, repeats atomic.Int64
		var working sync.WaitGroup
		for c := range callers {
			working.Go(func() {
				var opts []eventstore.Option
				if c%4 < 2 {
					opts = append(opts, eventstore.Fresh())
				}
				out, err := eventstore.Execute(t.Context(), stores[c%2], fmt.Sprintf("till-%d", n), insert{[]int{5, 6}}, meta("once"), opts...)
				switch {
				case err != nil:
					t.Error(err)
				case out.Replayed:
					repeats.Add(1)
				default:
					first.Add(1)
				}
				if len(out.Facts) != 2 || out.State.Coins != 11 {
					t.Errorf("outcome %+v", out)
				}
			})
		}
		working.Wait()
		if first.Load() != 1 || repeats.Load() != callers-1 {
			t.Errorf("%d were the first and %d repeats", first.Load(), repeats.Load())
		}
	}
}

func TestAnotherBodyUnderTheSameKeyIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	with := func(print string) decider.Meta {
		m := meta("key")
		m.Fingerprint = print
		return m
	}
	must(t, s, "till", insert{[]int{1}}, with("one"))
	_, err := eventstore.Execute(t.Context(), s, "till", insert{[]int{2}}, with("two"))
	if p, ok := problem.Of(err); !ok || p.Code != "idempotency_key_reused" || p.Kind != problem.Invalid {
		t.Errorf("got %v, want idempotency_key_reused", err)
	}
	if out := must(t, s, "till", insert{[]int{1}}, with("")); !out.Replayed {
		t.Error("a repeat that has no fingerprint is not a repeat")
	}
	if out := must(t, s, "till", insert{[]int{2}}, decider.Meta{At: noon(), Fingerprint: "two"}); out.Replayed || out.State.Coins != 3 {
		t.Errorf("a command without a cause: %+v", out)
	}
}

func TestACommandThatHasNothingToDoRecordsNothing(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	same(t, "on an empty till", outcome{}, must(t, s, "till", insert{}, meta("none")))
	must(t, s, "till", shut{}, meta("shut"))
	same(t, "on a closed till", outcome{State: till{Closed: true, Facts: 1}, Position: 1}, must(t, s, "till", shut{}, meta("again")))
}

func TestARefusalIsReturnedAsItIs(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	must(t, s, "till", shut{}, meta("shut"))
	out, err := eventstore.Execute(t.Context(), s, "till", insert{[]int{1}}, meta("late"))
	if problem.CodeOf(err) != "till_closed" {
		t.Errorf("got %v, want till_closed", err)
	}
	same(t, "outcome", outcome{}, out)
}

// What this process remembers of a stream may be out of date: that must not show.
func TestWhatAnotherProcessDidIsAlwaysSeen(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	here, there := open(t, pool), open(t, pool)
	must(t, here, "till", insert{[]int{1}}, meta("1"))
	must(t, there, "till", shut{}, meta("2"))
	if err := execute(t.Context(), here, "till", insert{[]int{1}}, "3"); problem.CodeOf(err) != "till_closed" {
		t.Errorf("got %v, want till_closed", err)
	}
	if out := must(t, here, "till", shut{}, meta("4")); len(out.Facts) != 0 {
		t.Error("the till was closed twice")
	}
	if out := must(t, here, "till", shut{}, meta("2")); !out.Replayed {
		t.Error("what the other process did was not recognised as done")
	}

	must(t, here, "other", shut{}, meta("1")) // and here a refusal is out of date
	tamper(t, pool, `insert into events values (4, 'other', 2, 'till.noted.v1', '{"text": "x"}', '{}', 0, now())`)
	if out := must(t, here, "other", write{"y"}, meta("5")); out.State.Facts != 3 {
		t.Errorf("state %+v, want three facts", out.State)
	}
}

func TestSecretsGoWithTheFactsOfTheFirstTime(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	secret := func() eventstore.Option {
		return eventstore.WithSecrets(vault.Row{Ref: vault.Ref(uuid.NewString()), Purpose: "test", Key: "2026-11", Ciphertext: []byte{1}})
	}
	must(t, s, "till", insert{[]int{1}}, meta("a"), secret(), secret())
	must(t, s, "till", insert{[]int{1}}, meta("a"), secret())
	must(t, s, "till", insert{}, meta("b"), secret())
	if n := count(t, pool, `select count(*) from vault`); n != 2 {
		t.Errorf("the vault has %d rows, want 2", n)
	}
}

func TestNobodyStarvesOnAStreamThatAllWant(t *testing.T) {
	t.Parallel()
	const callers, each = 64, 10
	s := open(t, fresh(t))
	var working sync.WaitGroup
	for c := range callers {
		working.Go(func() {
			for n := range each {
				if err := execute(t.Context(), s, "till", insert{[]int{1}}, fmt.Sprintf("%d-%d", c, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	if n := len(mustLoad(t, s, "till")); n != callers*each {
		t.Errorf("the stream has %d facts, want %d", n, callers*each)
	}
}

// meddler is a command that is always overtaken: while it decides, somebody else appends.
type meddler struct {
	t     *testing.T
	other *eventstore.Store
	tries *int
}

func (m meddler) Decide(s till, _ decider.Meta) ([]events.Event, error) {
	*m.tries++
	mustAppend(m.t, m.other, of("till", s.Facts, put{0}))
	return []events.Event{put{1}}, nil
}

func TestACommandThatIsAlwaysOvertakenGivesUp(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s, other := open(t, pool), open(t, pool)
	tries := 0
	_, err := eventstore.Execute(t.Context(), s, "till", meddler{t, other, &tries}, meta("a"))
	if p, ok := problem.Of(err); !ok || p.Kind != problem.Conflict || !errors.Is(err, eventstore.ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	if tries != 5 {
		t.Errorf("decided %d times, want 5", tries)
	}
}

func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	release := hold(t, pool)
	first := make(chan error, 1)
	go func() { first <- execute(t.Context(), s, "till", insert{[]int{1}}, "first") }()
	waitFor(t, pool)
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() { second <- execute(ctx, s, "till", insert{[]int{1}}, "second") }()
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	release()
	if err := <-first; err != nil {
		t.Error(err)
	}
}
