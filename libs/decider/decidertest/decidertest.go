// Package decidertest tells the behaviour of a decider as given, when, then.
package decidertest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// Case is one sentence of a specification.
type Case[S decider.State[S]] struct {
	Name  string
	Given []events.Event
	When  decider.Command[S]
	// By is the actor; At the instant, [Noon] when it is zero.
	By string
	At time.Time
	// Then lists the facts expected; none when the command has nothing left to do.
	Then []events.Event
	// Problem is the code expected instead of facts.
	Problem string
}

// Noon is the instant at which a case happens that names no other.
func Noon() time.Time {
	return time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("ICT", 7*3600))
}

// EvolvesAll fails if the state has no case for a fact of the catalog, or changes a fact.
func EvolvesAll[S decider.State[S]](t *testing.T, catalog []events.Event) {
	t.Helper()
	var s S
	for _, e := range catalog {
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("%T folds %s: %v", s, e.EventName(), r)
				}
			}()
			decider.Fold(s, e)
		}()
	}
	leavesFactsAlone[S](t, catalog)
}

// Run checks every case, comparing whole facts. Whatever is decided, what was given is as it was afterwards: others read the
// same facts.
func Run[S decider.State[S]](t *testing.T, cases []Case[S]) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			check(t, c)
		})
	}
}

func check[S decider.State[S]](t *testing.T, c Case[S]) {
	t.Helper()
	at := c.At
	if at.IsZero() {
		at = Noon()
	}
	var zero S
	given, changed := watched(c.Given)
	state := decider.Fold(zero, given...)
	got, err := c.When.Decide(state, decider.Meta{At: at, Actor: c.By})
	decider.Fold(state, got...)
	if diff := changed(); diff != "" {
		t.Errorf("a fact that others read was changed (-given +after):\n%s", diff)
	}
	if c.Problem != "" {
		if err == nil || problem.CodeOf(err) != c.Problem {
			t.Fatalf("got facts %v and error %v, want problem %q", got, err, c.Problem)
		}
		return
	}
	if err != nil {
		t.Fatalf("unexpected problem: %v", err)
	}
	if diff := cmp.Diff(c.Then, got); diff != "" {
		t.Fatalf("facts (-want +got):\n%s", diff)
	}
}
