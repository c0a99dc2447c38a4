package decider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/libs/problem"
)

// opened and closed are the facts of a door.
type opened struct{ By string }

func (opened) EventName() string { return "door.opened.v1" }

type closed struct{}

func (closed) EventName() string { return "door.closed.v1" }

// door is closed before the first fact.
type door struct{ Open bool }

func (d door) Evolve(e events.Event) door {
	switch e.(type) {
	case opened:
		d.Open = true
	case closed:
		d.Open = false
	default:
		panic(decider.Unknown(e))
	}
	return d
}

// open asks for an open door.
type open struct{}

func (open) Decide(d door, m decider.Meta) ([]events.Event, error) {
	switch {
	case m.Actor == "":
		return nil, problem.Reject("nobody", "somebody has to open it", "phải có người mở")
	case d.Open:
		return nil, nil
	}
	return []events.Event{opened{By: m.Actor}}, nil
}

// A command looks at the state that facts lead to, and decides the facts that follow.
func Example() {
	state := decider.Fold(door{}, opened{By: "lan"}, closed{})
	facts, err := open{}.Decide(state, decider.Meta{Actor: "minh"})
	fmt.Println(facts, err)
	// Output: [{minh}] <nil>
}

func TestADoor(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[door](t, []events.Event{opened{}, closed{}})
	decidertest.Run(t, []decidertest.Case[door]{
		{Name: "a closed door opens", When: open{}, By: "lan", Then: []events.Event{opened{By: "lan"}}},
		{Name: "an open door stays open", Given: []events.Event{opened{}}, When: open{}, By: "lan"},
		{Name: "nobody opens nothing", When: open{}, Problem: "nobody"},
	})
}

type stranger struct{}

func (stranger) EventName() string { return "door.painted.v1" }

func TestAFactWithoutACasePanicsAndNamesItself(t *testing.T) {
	t.Parallel()
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, "door.painted.v1") {
			t.Fatalf("it panicked with %s", said)
		}
	}()
	decider.Fold(door{}, stranger{})
}

func TestWhatIsKnownOfACallIsRecorded(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	m := decider.Meta{At: at, Actor: "a", Cause: "c", Correlation: "o", Trace: "t", Fingerprint: "f"}
	want := events.Meta{Cause: "c", Correlation: "o", Actor: "a", Trace: "t", Fingerprint: "f", OccurredAt: at}
	if diff := cmp.Diff(want, m.Recorded()); diff != "" {
		t.Fatal(diff)
	}
}
