package pace_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/songan-vn/songan/libs/pace"
)

func TestOtherWorkStandsStillUntilARushIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		p := pace.New(time.Now, registry)
		stand := func() {
			if err := p.Stand(t.Context(), time.Now()); err != nil {
				t.Error(err)
			}
		}
		if got := took(stand); got != 0 {
			t.Errorf("stood for %s without a rush", got)
		}
		first, second := p.Rush(), p.Rush()
		time.AfterFunc(time.Second, func() { first(); first() }) // the second time is none
		time.AfterFunc(3*time.Second, second)
		time.AfterFunc(3050*time.Millisecond, func() { // another piece that follows soon
			third := p.Rush()
			time.AfterFunc(time.Second, third)
		})
		if got, want := took(stand), 4550*time.Millisecond; got != want {
			t.Errorf("stood for %s, want %s", got, want)
		}
		if p.Rushing() {
			t.Error("there still is a rush")
		}
		counted, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range counted {
			if name := family.GetName(); name == "songan_pace_rush_seconds_total" && family.GetMetric()[0].GetCounter().GetValue() != 4.55 {
				t.Errorf("%s is %s", name, family)
			}
		}
		if n, err := testutil.GatherAndCount(registry, "songan_pace_rush"); n != 1 || err != nil {
			t.Errorf("%d gauges of a rush: %v", n, err)
		}
	})
}

func TestNobodyStandsForWhatIsOldOrAfterTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(time.Now, nil)
		defer p.Rush()()
		if got := took(func() { _ = p.Stand(t.Context(), time.Now().Add(-pace.Patience)) }); got != 0 {
			t.Errorf("stood for %s with a fact that has waited long enough", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Stand(ctx, time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// However long and often there are rushes, other work has half of the time, but for the first 30 s.
func TestPatienceWithRushesIsUsedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(time.Now, nil)
		stand := func() time.Duration { return took(func() { _ = p.Stand(t.Context(), time.Time{}) }) }
		done := p.Rush()
		if got := stand(); got != pace.Patience {
			t.Errorf("stood for %s", got)
		}
		if got := stand(); got != 0 {
			t.Errorf("stood for another %s", got)
		}
		wait(t.Context(), time.Minute)
		done()
		wait(t.Context(), 10*time.Second+500*time.Millisecond) // a rush is over when nothing follows for so long
		defer p.Rush()()
		if got := stand(); got != 10*time.Second {
			t.Errorf("stood for %s, want as long as there was no rush", got)
		}
		if p.Rushing() {
			t.Error("nobody has to wait any more")
		}
	})
}
