package feed

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
)

// offered is a feed of batches that a test hands in.
type offered struct {
	Feed

	batches chan Batch
}

func (o offered) Follow(ctx context.Context, _ checkpoint.Progress, handle func(context.Context, Batch) error) error {
	for {
		select {
		case b := <-o.batches:
			if err := handle(ctx, b); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (offered) Hurry(context.Context) {}

// offer hands in so many facts of this moment.
func (o offered) offer(n int) {
	facts := make([]events.Recorded, n)
	for i := range facts {
		facts[i].RecordedAt = time.Now()
	}
	o.batches <- Batch{Facts: facts}
}

// Time is that of the bubble: it passes when everybody stands, so that nothing coming is no question of how slow the machine is.
func TestAPatientFeedStandsStillInARushUntilSomebodyWaitsForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, source := pace.New(time.Now, nil), offered{batches: make(chan Batch)}
		f := Patient(source, p)
		came := 0
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- f.Follow(ctx, at(0), func(_ context.Context, b Batch) error { came += len(b.Facts); return nil })
		}()
		comes := func(want int, when string) {
			t.Helper()
			if synctest.Wait(); came != want {
				t.Fatalf("%d facts came %s, want %d", came, when, want)
			}
		}
		done := p.Rush()
		source.offer(10)
		<-time.After(pace.Patience / 2)
		comes(0, "in a rush")
		f.Hurry(ctx)
		comes(10, "after a hurry")
		source.offer(5)
		comes(15, "just after it")
		<-time.After(hurryFor)
		source.offer(3)
		comes(15, "when the hurry was long ago")
		done()
		<-time.After(time.Second)
		comes(18, "after the rush")
		defer p.Rush()()
		source.offer(1)
		<-time.After(time.Second)
		comes(18, "in the next one")
		cancel() // it ends while it stands
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		comes(18, "at the end")
	})
}

// A rebuild follows the feed of the read model that is served.
func TestAHurryIsHeardByAllWhoStand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, source := pace.New(time.Now, nil), offered{batches: make(chan Batch)}
		f := Patient(source, p)
		ctx, cancel := context.WithCancel(t.Context())
		var came atomic.Int64
		var following sync.WaitGroup
		for range 2 {
			following.Go(func() {
				_ = f.Follow(ctx, at(0), func(_ context.Context, b Batch) error { came.Add(int64(len(b.Facts))); return nil })
			})
		}
		defer p.Rush()()
		source.offer(1)
		source.offer(1)
		if synctest.Wait(); came.Load() != 0 {
			t.Errorf("%d facts came in a rush", came.Load())
		}
		f.Hurry(ctx)
		if synctest.Wait(); came.Load() != 2 {
			t.Errorf("%d facts came after a hurry", came.Load())
		}
		cancel()
		following.Wait()
	})
}
