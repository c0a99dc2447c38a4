package pace_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/libs/pace"
)

// crowd keeps as many commands under way, each for 20 ms, until ctx ends.
func crowd(ctx context.Context, p *pace.Pace, commands int) {
	for range commands {
		go func() {
			for ctx.Err() == nil {
				p.Begin()
				wait(ctx, 20*time.Millisecond)
				p.End()
			}
		}()
	}
	synctest.Wait()
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// took is how long something took, by the bubble's clock.
func took(work func()) time.Duration {
	began := time.Now()
	work()
	return time.Since(began)
}

func TestBackgroundWorkRestsInAWaveOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		commands int
		age      time.Duration
		want     time.Duration
	}{
		"few commands":             {commands: 15, want: 0},
		"many":                     {commands: 64, want: 990 * time.Millisecond},
		"many, but the facts wait": {commands: 64, age: pace.Patience, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				p := pace.New(time.Now, nil)
				crowd(ctx, p, c.commands)
				if got := took(func() { p.Rest(ctx, 10*time.Millisecond, time.Now().Add(-c.age)) }); got != c.want {
					t.Errorf("rested for %s, want %s", got, c.want)
				}
			})
		})
	}
}

// Commits that take long begin nothing anew, and yet all those who wait for them are there.
func TestAWaveGoesOnWhileManyWaitForOneSlowCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(time.Now, nil)
		for range 64 {
			p.Begin()
		}
		wait(t.Context(), time.Second)
		if !p.Wave() {
			t.Error("the wave was over while 64 commands were under way")
		}
		for range 64 {
			p.End()
		}
		if p.Wave() {
			t.Error("the wave goes on long after the last command has ended")
		}
	})
}

// 20 s of a wave that goes on for ever, and then a piece that is as old as may be.
func TestNothingFallsBehindByMoreThanPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := pace.New(time.Now, nil)
		crowd(ctx, p, 64)
		since := time.Now()
		pieces := took(func() {
			for range 1000 { // of 100 ms: with rests they would take a quarter of an hour
				wait(ctx, 100*time.Millisecond)
				p.Rest(ctx, 100*time.Millisecond, since)
			}
		})
		if most := pace.Patience + 100*time.Second; pieces > most {
			t.Errorf("100 s of work took %s: it rested for longer than patience", pieces)
		}
	})
}

func TestARestEndsWithTheWaveWithHurryAndWithTheContext(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(p *pace.Pace, calm, cancel func()){
		"wave":    func(_ *pace.Pace, calm, _ func()) { calm() },
		"hurry":   func(p *pace.Pace, _, _ func()) { p.Hurry() },
		"context": func(_ *pace.Pace, _, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				storm, calm := context.WithCancel(t.Context())
				defer calm()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				p := pace.New(time.Now, nil)
				crowd(storm, p, 64)
				time.AfterFunc(50*time.Millisecond, func() { end(p, calm, cancel) })
				got := took(func() { p.Rest(ctx, time.Second, time.Now()) })
				if got < 50*time.Millisecond || got > 200*time.Millisecond {
					t.Errorf("rested for %s, want until what ended it", got)
				}
			})
		})
	}
}

func TestAClockThatIsSetBackDoesNotProlongAWave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		storm, calm := context.WithCancel(t.Context())
		now := time.Now()
		p := pace.New(func() time.Time { return now }, nil)
		crowd(storm, p, 64)
		calm()
		now = now.Add(-time.Hour)
		if got := took(func() { p.Rest(t.Context(), time.Second, now) }); got > 200*time.Millisecond {
			t.Errorf("rested for %s after the wave", got)
		}
	})
}

func TestInAWaveTurnsComeAFewAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := pace.New(time.Now, nil)
		crowd(ctx, p, 64)
		var working, most, handled atomic.Int64
		began := time.Now()
		for range 100 {
			go func() {
				done, err := p.Turn(ctx, began)
				if err != nil {
					return
				}
				most.Store(max(most.Load(), working.Add(1)))
				wait(ctx, time.Millisecond)
				working.Add(-1)
				done()
				handled.Add(1)
			}()
		}
		wait(ctx, time.Second)
		if most.Load() != 2 || handled.Load() < 10 || handled.Load() > 30 {
			t.Errorf("%d at once, %d handled: want 2, each a hundred times as long as its work", most.Load(), handled.Load())
		}
		wait(ctx, pace.Patience)
		if handled.Load() != 100 {
			t.Errorf("%d of 100 were handled in the end", handled.Load())
		}
		late, stop := context.WithCancel(ctx)
		stop()
		for range 3 {
			if done, err := p.Turn(late, time.Now()); err == nil {
				defer done()
			} else if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestWithoutAWaveATurnIsFree(t *testing.T) {
	t.Parallel()
	p := pace.New(time.Now, prometheus.NewRegistry())
	for range 100 {
		if _, err := p.Turn(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

func ExamplePace() {
	p := pace.New(time.Now, prometheus.NewRegistry())
	for range 20 { // twenty commands are under way
		p.Begin()
	}
	fmt.Println("a wave:", p.Wave())
	p.Hurry()
	fmt.Println("somebody waits for a list:", p.Wave())
	// Output:
	// a wave: true
	// somebody waits for a list: false
}
