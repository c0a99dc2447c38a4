package eventstore_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
)

// model says what a log must do, in as few words as possible.
type model struct {
	facts  map[string][]events.Event
	causes map[string][]string // of each fact
	length int64
}

func (m *model) execute(stream string, cmd decider.Command[till], cause string) (want outcome, code string) {
	for end := len(m.causes[stream]); end > 0; end-- {
		if m.causes[stream][end-1] == cause {
			return outcome{State: decider.Fold(till{}, m.facts[stream][:end]...), Replayed: true}, ""
		}
	}
	state := decider.Fold(till{}, m.facts[stream]...)
	facts, err := cmd.Decide(state, decider.Meta{})
	if err != nil {
		return outcome{}, problem.CodeOf(err)
	}
	for range facts {
		m.causes[stream] = append(m.causes[stream], cause)
		m.length++
	}
	m.facts[stream] = append(m.facts[stream], facts...)
	return outcome{State: decider.Fold(state, facts...)}, ""
}

func TestAnySequenceOfCommandsInTwoProcessesIsWhatTheModelSays(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	stores := []*eventstore.Store{open(t, pool), open(t, pool)}
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		before, err := stores[0].Head(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		m := &model{facts: map[string][]events.Event{}, causes: map[string][]string{}}
		for range rapid.IntRange(1, 25).Draw(rt, "commands") {
			s := stores[rapid.IntRange(0, 1).Draw(rt, "process")]
			stream := fmt.Sprintf("till-%d-%d", runs, rapid.IntRange(0, 2).Draw(rt, "till"))
			cause := fmt.Sprint("key-", rapid.IntRange(0, 20).Draw(rt, "cause"))
			cmd := rapid.OneOf(
				rapid.Custom(func(rt *rapid.T) decider.Command[till] {
					return insert{rapid.SliceOfN(rapid.IntRange(0, 9), 0, 3).Draw(rt, "hands")}
				}),
				rapid.Custom(func(rt *rapid.T) decider.Command[till] { return write{rapid.StringN(0, 20, -1).Draw(rt, "text")} }),
				rapid.Just[decider.Command[till]](shut{}),
			).Draw(rt, "command")
			var opts []eventstore.Option
			if rapid.Bool().Draw(rt, "fresh") {
				opts = append(opts, eventstore.Fresh())
			}
			if w, bad := cmd.(write); bad && containsNUL(w.Text) {
				continue
			}
			want, code := m.execute(stream, cmd, cause)
			got, err := eventstore.Execute(t.Context(), s, stream, cmd, meta(cause), opts...)
			if err != nil && problem.CodeOf(err) != code || err == nil && code != "" {
				rt.Fatalf("%s: got error %v, want %q", cause, err, code)
			}
			if diff := cmp.Diff(want, outcome{State: got.State, Replayed: got.Replayed}); diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", cause, diff)
			}
		}
		for stream, facts := range m.facts {
			if diff := cmp.Diff(facts, said(mustLoad(t, stores[0], stream)), cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", stream, diff)
			}
		}
		head, err := stores[1].Head(t.Context())
		if err != nil || head != before+m.length {
			rt.Fatalf("the head is %d, want %d (%v)", head, before+m.length, err)
		}
	})
	everything(t, stores[0])
}
