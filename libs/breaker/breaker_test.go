package breaker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/songan-vn/songan/libs/breaker"
)

var (
	errAway     = breaker.Down(errors.New("no route"))
	errBusiness = errors.New("no such citizen")
)

func newBreaker(t *testing.T, s breaker.Settings) *breaker.Breaker {
	t.Helper()
	b, err := breaker.New("population", s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pass lets time go by on the bubble's clock, which costs none.
func pass(d time.Duration) { <-time.After(d) }

// call sends one call through b that ends with err.
func call(b *breaker.Breaker, err error) error {
	_, got := breaker.Do(context.Background(), b, func(context.Context) (int, error) { return 0, err })
	return got
}

func TestABreakerOpensAfterFailuresInARow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Settings{Failures: 3, OpenFor: 5 * time.Second})
		for range 3 {
			if err := call(b, errAway); !errors.Is(err, errAway) {
				t.Fatalf("before it opens the call's own error is returned, not %v", err)
			}
		}
		pass(2 * time.Second)

		reached := false
		_, err := breaker.Do(t.Context(), b, func(context.Context) (int, error) { reached = true; return 1, nil })

		if !errors.Is(err, breaker.ErrOpen) || reached {
			t.Fatalf("got %v, reached %v; want ErrOpen and no call", err, reached)
		}
		open, _ := errors.AsType[*breaker.OpenError](err)
		if diff := cmp.Diff(&breaker.OpenError{Name: "population", RetryAfter: 3 * time.Second}, open); diff != "" {
			t.Error(diff)
		}
		if wait, ok := breaker.RetryAfter(err); !ok || wait != 3*time.Second {
			t.Errorf("RetryAfter says %v, %v", wait, ok)
		}
	})
}

func TestABreakerOpensHoweverSlowTheFailuresCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Settings{Failures: 3, Window: 10 * time.Second})
		for range 3 {
			_ = call(b, errAway)
			pass(time.Minute)
		}
		if got := b.State(); got != "half-open" { // it opened at the third failure, a minute ago
			t.Errorf("state %s after three failures a minute apart", got)
		}
	})
}

func TestABreakerOpensWhenHalfOfTheWindowFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Settings{Failures: 100, Percent: 50, Calls: 20, Window: 10 * time.Second})
		for range 10 {
			_ = call(b, nil)
			_ = call(b, errAway)
		}
		if got := b.State(); got != "open" {
			t.Errorf("state %s after 10 of 20 failed", got)
		}
	})
}

func TestFailuresRollOutOfTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Settings{Failures: 100, Percent: 50, Calls: 20, Window: 10 * time.Second})
		for range 9 {
			_ = call(b, errAway)
		}
		pass(11 * time.Second)
		for range 15 {
			_ = call(b, nil)
		}
		for range 9 {
			_ = call(b, errAway)
		}
		if got := b.State(); got != "closed" { // 9 of 24 in the window; 18 of 33 had nothing rolled out
			t.Errorf("state %s: old failures still count", got)
		}
	})
}

func TestABreakerClosesAgainWhenAProbeSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Settings{Failures: 1, OpenFor: 5 * time.Second})
		_ = call(b, errAway)
		pass(5*time.Second + 1)
		if err := call(b, errAway); errors.Is(err, breaker.ErrOpen) {
			t.Fatal("the probe was not let through")
		}
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Fatalf("a failed probe must open it again, got %v", err)
		}
		pass(5*time.Second + 1)
		if err := call(b, nil); err != nil {
			t.Fatal(err)
		}
		if got := b.State(); got != "closed" {
			t.Errorf("state %s after a good probe", got)
		}
	})
}

func TestOneProbeAtATimeTriesAHalfOpenBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Settings{Failures: 1, OpenFor: 5 * time.Second})
		_ = call(b, errAway)
		pass(6 * time.Second)
		release := make(chan struct{})
		var probe sync.WaitGroup
		probe.Go(func() {
			_, _ = breaker.Do(context.Background(), b, func(context.Context) (int, error) { <-release; return 0, nil })
		})
		synctest.Wait()

		err := call(b, nil)

		if wait, ok := breaker.RetryAfter(err); !errors.Is(err, breaker.ErrOpen) || !ok || wait != time.Second {
			t.Errorf("a second call beside the probe got %v", err)
		}
		close(release)
		probe.Wait()
	})
}

func TestBusinessErrorsNeverOpenABreaker(t *testing.T) {
	t.Parallel()
	b := newBreaker(t, breaker.Settings{Failures: 2, Calls: 2})
	for range 50 {
		_ = call(b, errBusiness)
		_ = call(b, &breaker.StatusError{Code: 404})
	}
	if got := b.State(); got != "closed" {
		t.Errorf("state %s", got)
	}
}

func TestOurOwnShutdownIsNotCounted(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	b := newBreaker(t, breaker.Settings{Failures: 1, Registerer: reg})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 5 {
		_, _ = breaker.Do(ctx, b, func(context.Context) (int, error) {
			cancel()
			return 0, errAway // what a client makes of it is not always context.Canceled
		})
		_ = call(b, context.Canceled)
	}
	if got := b.State(); got != "closed" {
		t.Errorf("state %s", got)
	}
	if got := outcome(t, reg, "cancelled"); got != 10 {
		t.Errorf("%v calls counted as cancelled, want 10", got)
	}
}

func TestACancelledProbeLeavesRoomForTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Settings{Failures: 1, OpenFor: time.Second})
		_ = call(b, errAway)
		pass(2 * time.Second)
		_ = call(b, context.Canceled)
		if err := call(b, nil); err != nil {
			t.Errorf("the next probe got %v", err)
		}
	})
}

func TestAPanicCountsAsAFailureAndGoesOn(t *testing.T) {
	t.Parallel()
	b := newBreaker(t, breaker.Settings{Failures: 1})
	func() {
		defer func() {
			if recover() != "bug" {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = breaker.Do(t.Context(), b, func(context.Context) (int, error) { panic("bug") })
	}()
	if got := b.State(); got != "open" {
		t.Errorf("state %s", got)
	}
}

func TestMetricsSayStateAndOutcomes(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	b := newBreaker(t, breaker.Settings{Failures: 2, Registerer: reg})
	for _, err := range []error{nil, errBusiness, errAway, errAway, nil, nil} {
		_ = call(b, err)
	}
	want := `
# HELP songan_breaker_calls_total Calls through the breaker by outcome: success, failure, cancelled (by us), refused (it was open).
# TYPE songan_breaker_calls_total counter
songan_breaker_calls_total{breaker="population",outcome="failure"} 2
songan_breaker_calls_total{breaker="population",outcome="refused"} 2
songan_breaker_calls_total{breaker="population",outcome="success"} 2
# HELP songan_breaker_state 0 closed, 1 half-open, 2 open.
# TYPE songan_breaker_state gauge
songan_breaker_state{breaker="population"} 2
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestTwoBreakersOfOneNameCannotShareARegistry(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	newBreaker(t, breaker.Settings{Registerer: reg})
	if _, err := breaker.New("population", breaker.Settings{Registerer: reg}); err == nil {
		t.Error("the second one's metrics would have been lost silently")
	}
	if _, err := breaker.New("bank", breaker.Settings{Registerer: reg}); err != nil {
		t.Errorf("another name: %v", err)
	}
}

func TestABreakerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	b := newBreaker(t, breaker.Settings{Failures: 1000, Calls: 100000, OpenFor: time.Nanosecond})
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for j := range 500 {
				err := errAway
				if (i+j)%3 > 0 {
					err = nil
				}
				_ = call(b, err)
			}
		})
	}
	callers.Wait()
	if got := b.State(); got != "closed" {
		t.Errorf("state %s", got)
	}
}

// outcome reads one value of songan_breaker_calls_total.
func outcome(t *testing.T, reg *prometheus.Registry, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, pair := range metric.GetLabel() {
				if pair.GetName() == "outcome" && pair.GetValue() == label {
					return metric.GetCounter().GetValue()
				}
			}
		}
	}
	return 0
}
