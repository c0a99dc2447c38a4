package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
)

func begin(t testing.TB, s *eventstore.Store, stream string, cmd decider.Command[till], m decider.Meta, opts ...eventstore.Option) *eventstore.Pending[till] {
	t.Helper()
	return eventstore.Begin(t.Context(), s, stream, cmd, m, opts...)
}

// What is begun and asked for later comes to the same as what is executed, whatever it is.
func TestWhatIsBegunEndsAsIfItHadBeenExecuted(t *testing.T) {
	t.Parallel()
	executed, begun := open(t, fresh(t)), open(t, fresh(t))
	type result struct {
		Outcome outcome
		Err     string
	}
	told := func(out outcome, err error) result {
		for i := range out.Facts {
			out.Facts[i].RecordedAt = noon() // the only thing in which they differ
		}
		return result{out, fmt.Sprint(err)}
	}
	other := meta("a")
	other.Fingerprint = "another body"
	for _, c := range []struct {
		name   string
		stream string
		cmd    decider.Command[till]
		meta   decider.Meta
	}{
		{"news", "till-1", insert{[]int{1, 2}}, meta("a")},
		{"the same again", "till-1", insert{[]int{1, 2}}, meta("a")},
		{"another body under its key", "till-1", insert{[]int{3}}, other},
		{"a stream that is not new", "till-1", insert{[]int{4}}, meta("b")},
		{"nothing to do", "till-2", insert{}, meta("c")},
		{"the end of a stream", "till-1", shut{}, meta("d")},
		{"what is refused", "till-1", insert{[]int{1}}, meta("e")},
		{"a key that changed another stream", "till-3", insert{[]int{1}}, meta("a")},
		{"what cannot be stored", "till-4", write{"\x00"}, meta("f")},
		{"a fact that nobody knows", "till-5", unheardOf{}, meta("g")},
		{"news after all that", "till-6", insert{[]int{7}}, meta("h")},
	} {
		for _, opts := range [][]eventstore.Option{{eventstore.Fresh(), eventstore.OncePerKey()}, {eventstore.OncePerKey()}} {
			want := told(eventstore.Execute(t.Context(), executed, c.stream, c.cmd, c.meta, opts...))
			same(t, c.name, want, told(begin(t, begun, c.stream, c.cmd, c.meta, opts...).Outcome()))
		}
	}
}

type unheardOf struct{}

func (unheardOf) Decide(till, decider.Meta) ([]events.Event, error) {
	return []events.Event{foreign{}}, nil
}

// A batch that broke off comes again: all of it is begun before anything is known of its first item.
func TestManyThatAreBegunTwiceHappenOnce(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	stores := []*eventstore.Store{open(t, pool), open(t, pool)}
	const streams, times = 400, 3
	var pending []*eventstore.Pending[till]
	for n := range streams * times {
		stream := fmt.Sprint("till-", n%streams)
		pending = append(pending, begin(t, stores[n%2], stream, insert{[]int{5, 6}}, meta("once "+stream), eventstore.Fresh()))
	}
	first, repeats := 0, 0
	for _, p := range pending {
		out, err := p.Outcome()
		if err != nil || len(out.Facts) != 2 || out.State.Coins != 11 {
			t.Fatal(out, err)
		}
		if first++; out.Replayed {
			first, repeats = first-1, repeats+1
		}
	}
	if first != streams || repeats != streams*(times-1) || len(everything(t, stores[0])) != 2*streams {
		t.Errorf("%d were the first and %d repeats", first, repeats)
	}
}

// panics is a command of which one cannot decide on what happened before.
type panics struct{}

func (panics) Decide(s till, _ decider.Meta) ([]events.Event, error) {
	if s.Facts > 0 {
		panic("Nguyễn Văn An")
	}
	return []events.Event{put{1}}, nil
}

func TestAPanicOfADeciderIsTheErrorOfWhoBegan(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	must(t, s, "till", insert{[]int{1}}, meta("a"))
	for _, opts := range [][]eventstore.Option{{eventstore.Fresh()}, nil} { // the first finds out from the writer
		_, err := begin(t, s, "till", panics{}, meta("b"), opts...).Outcome()
		if err == nil || !strings.Contains(err.Error(), "panic: string") || !strings.Contains(err.Error(), "Decide") || strings.Contains(err.Error(), "Nguyễn") {
			t.Error(err)
		}
	}
	must(t, s, "till", insert{[]int{1}}, meta("c"))
}

// Somebody may leave when the writer has their command, and find out later that the stream was not new: a goroutine then goes on
// while they have their answer.
func TestWhoLeavesMeanwhileHasAnAnswerOfTheirOwn(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	must(t, s, "till", insert{[]int{1}}, meta("a"))
	release := hold(t, pool)
	ctx, cancel := context.WithCancel(t.Context())
	pending := eventstore.Begin(ctx, s, "till", insert{[]int{2}}, meta("b"), eventstore.Fresh())
	waitFor(t, pool)
	cancel()
	if out, err := pending.Outcome(); !errors.Is(err, eventstore.ErrUnknown) || len(out.Facts) > 0 {
		t.Error(out, err)
	}
	release()
	same(t, "again", till{Coins: 3, Facts: 2}, must(t, s, "till", insert{[]int{2}}, meta("b")).State)
}

func TestWhatWasBegunForSomebodyWhoLeftIsToldSo(t *testing.T) {
	t.Parallel()
	s := open(t, fresh(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, opts := range [][]eventstore.Option{{eventstore.Fresh()}, nil} {
		if _, err := eventstore.Begin(ctx, s, "till", insert{[]int{1}}, meta("a"), opts...).Outcome(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	s.Close()
	for _, opts := range [][]eventstore.Option{{eventstore.Fresh()}, nil} {
		if _, err := begin(t, s, "till", insert{[]int{1}}, meta("a"), opts...).Outcome(); !errors.Is(err, eventstore.ErrClosed) {
			t.Error(problem.CodeOf(err), err)
		}
	}
}
