package reaction_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
	"github.com/songan-vn/songan/libs/testkit"
)

// script says how often each fact of each desk fails, and how.
type script struct {
	mu      sync.Mutex
	faults  map[string]map[int][]error
	running map[string]bool
	done    map[string][]int
	overlap []string
}

// play follows the script, and notes who runs beside whom.
func (s *script) play(_ context.Context, r events.Recorded, e noted) error {
	if !s.enter(r.Stream) {
		return nil
	}
	defer s.leave(r.Stream)
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.faults[e.Desk][e.Step]; len(left) > 0 {
		s.faults[e.Desk][e.Step] = left[1:]
		return left[0]
	}
	s.done[e.Desk] = append(s.done[e.Desk], e.Step)
	return nil
}

func (s *script) enter(stream string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[stream] {
		s.overlap = append(s.overlap, stream)
		return false
	}
	s.running[stream] = true
	return true
}

func (s *script) leave(stream string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, stream)
}

var errShort = errors.New("fails a little")

// draw writes the script of one round and answers with the desks' numbers of facts.
func (s *script) draw(t *rapid.T, round int) map[string]int {
	kinds := map[string][]error{
		"fine":   nil,
		"short":  {errShort},
		"away":   {&breaker.OpenError{Name: "register"}, &breaker.OpenError{Name: "register"}},
		"poison": {errBroken, errBroken, errBroken}, // as often as a fact has attempts
	}
	desks := map[string]int{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range rapid.IntRange(1, 5).Draw(t, "desks") {
		desk := fmt.Sprintf("%d-%d", round, d)
		desks[desk] = rapid.IntRange(1, 8).Draw(t, "facts")
		s.faults[desk] = map[int][]error{}
		for step := range desks[desk] {
			kind := rapid.SampledFrom([]string{"fine", "fine", "fine", "short", "away", "poison"}).Draw(t, "kind")
			s.faults[desk][step] = slices.Clone(kinds[kind])
		}
	}
	return desks
}

func TestTheOrderOfAKeyIsKeptWhateverFailsAndWhoeverReleases(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := &script{faults: map[string]map[int][]error{}, running: map[string]bool{}, done: map[string][]int{}}
	r := reactor(t, d.deps(), reaction.On(s.play))
	start(t, r)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		desks := s.draw(rt, round)
		for step := range slices.Max(slices.Collect(maps.Values(desks))) {
			for desk, facts := range desks {
				if step < facts {
					d.publish(t, "desk-"+desk, noted{Desk: desk, Step: step})
				}
			}
		}
		testkit.Eventually(t, func() error { return s.settled(t, r, d, desks) })
		if len(s.overlap) > 0 {
			rt.Fatalf("facts of one key ran at the same time: %v", s.overlap)
		}
	})
}

// settled releases what is in quarantine, as a diligent operator would while facts still come, and tells whether
// every desk has done all its steps in order.
func (s *script) settled(t *testing.T, r *reaction.Reactor, d *desk, desks map[string]int) error {
	items, err := quarantine.New(d.pool, now).List(t.Context(), quarantine.Filter{Consumer: r.Name()})
	if err != nil {
		return err
	}
	for _, i := range items {
		// Somebody before has released the whole key, or a later item fails: the next look will tell.
		_, _ = r.Release(t.Context(), i.ID, decision())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for desk, facts := range desks {
		want := make([]int, facts)
		for step := range want {
			want[step] = step
		}
		got := s.done[desk]
		if !slices.Equal(got, want[:min(len(got), facts)]) {
			t.Fatalf("desk %s did %v", desk, got)
		}
		if len(got) < facts {
			return fmt.Errorf("desk %s did %v of %d", desk, got, facts)
		}
	}
	return nil
}
