package limits_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/songan-vn/songan/libs/httpapi/limits"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAGateLetsSoManyInAndSoManyWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := limits.NewGate(limits.GateOptions{Width: 2, Queue: 1, Patience: time.Second})
		for range 2 {
			if err := g.Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		third := make(chan error, 1)
		go func() { third <- g.Enter(t.Context()) }()
		synctest.Wait()

		err := g.Enter(t.Context())
		p, _ := problem.Of(err)
		if p == nil || p.Code != "overloaded" || p.Kind != problem.Unavailable || p.RetryAfter == 0 {
			t.Errorf("the fourth: %v", err)
		}
		g.Leave()
		if err := <-third; err != nil || g.Inside() != 2 {
			t.Errorf("the third: %v, %d inside", err, g.Inside())
		}
	})
}

func TestWhoWaitsAtAGateWaitsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := limits.NewGate(limits.GateOptions{Width: 1, Queue: 1, Patience: time.Second})
		if err := g.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := g.Enter(t.Context()); problem.CodeOf(err) != "overloaded" || time.Since(begun) != time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Enter(gone); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		g.Leave()
		if err := g.Enter(t.Context()); err != nil { // nobody who gave up has kept a place
			t.Error(err)
		}
	})
}

func TestEveryCallerHasARateOfTheirOwn(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC))
	r := limits.NewRates(limits.RatesOptions{Every: time.Second, Burst: 2, Callers: 10, Now: clock.Now})
	take := func(caller string, want time.Duration) {
		t.Helper()
		if wait, ok := r.Take(caller); wait != want || ok != (want == 0) {
			t.Errorf("%s: %s, %v", caller, wait, ok)
		}
	}
	take("a", 0)
	take("a", 0)
	take("a", time.Second)
	take("a", time.Second) // a refusal costs nothing
	take("b", 0)
	clock.Advance(500 * time.Millisecond)
	take("a", 500*time.Millisecond)
	clock.Advance(500 * time.Millisecond)
	take("a", 0)
	take("a", time.Second)
}

func TestEveryCallerHasAShareOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := limits.NewShares(2)
	for i, want := range []bool{true, true, false} {
		if got := s.Take("a"); got != want {
			t.Errorf("place %d: %v", i, got)
		}
	}
	if !s.Take("b") || s.Callers() != 2 {
		t.Error("another caller has no share")
	}
	s.Give("a")
	if !s.Take("a") {
		t.Error("what was given back is lost")
	}
	for _, caller := range []string{"a", "a", "b"} {
		s.Give(caller)
	}
	if s.Callers() != 0 {
		t.Errorf("%d callers without anything under way are remembered", s.Callers())
	}
	none := limits.NewShares(0)
	for range 1000 {
		if !none.Take("a") {
			t.Fatal("refused")
		}
	}
	none.Give("a")
}

func TestSpentTellsWithoutTaking(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC))
	r := limits.NewRates(limits.RatesOptions{Every: 3 * time.Second, Burst: 1, Callers: 10, Now: clock.Now})
	for range 3 {
		if _, spent := r.Spent("a"); spent {
			t.Fatal("spent by looking")
		}
	}
	r.Take("a")
	clock.Advance(time.Second)
	if wait, spent := r.Spent("a"); !spent || wait.Round(time.Millisecond) != 2*time.Second {
		t.Error(wait, spent)
	}
}

func TestNoRateIsNoLimit(t *testing.T) {
	t.Parallel()
	r := limits.NewRates(limits.RatesOptions{})
	for range 1000 {
		if _, ok := r.Take("a"); !ok {
			t.Fatal("refused")
		}
	}
	if _, spent := r.Spent("a"); spent {
		t.Error("spent")
	}
}

func TestAFloodOfCallersMakesTheOldestForgotten(t *testing.T) {
	t.Parallel()
	recent := limits.NewRecent[int](3)
	for i := range 1000 {
		recent.Put(fmt.Sprint(i), i)
		recent.Get("0") // in use all the time
	}
	if recent.Len() != 3 {
		t.Errorf("%d remembered", recent.Len())
	}
	if v, ok := recent.Get("0"); !ok || v != 0 {
		t.Error("the one in use was forgotten")
	}
	if _, ok := recent.Get("997"); ok {
		t.Error("an old one is still there")
	}
	recent.Put("0", 7)
	if v := recent.GetOrAdd("0", func() int { return 8 }); v != 7 {
		t.Error(v)
	}
	recent.Forget("0")
	recent.Forget("0")
	if v := recent.GetOrAdd("0", func() int { return 8 }); v != 8 {
		t.Error(v)
	}
}

func TestRecentIsSafeForManyAtOnce(t *testing.T) {
	t.Parallel()
	recent := limits.NewRecent[int](8)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 1000 {
				key := fmt.Sprint((i + j) % 16)
				recent.Put(key, j)
				recent.Get(key)
				recent.Forget(key)
				recent.GetOrAdd(key, func() int { return j })
			}
		})
	}
	wg.Wait()
	if recent.Len() > 8 {
		t.Error(recent.Len())
	}
}

func ExampleRates() {
	now := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	rates := limits.NewRates(limits.RatesOptions{
		Every: 100 * time.Millisecond, Burst: 1, Callers: 1000, Now: func() time.Time { return now },
	})
	_, first := rates.Take("203.0.113.7")
	wait, second := rates.Take("203.0.113.7")
	fmt.Println(first, second, wait)
	// Output: true false 100ms
}
