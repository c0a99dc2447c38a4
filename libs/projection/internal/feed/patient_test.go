package feed

import (
	"context"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/pace"
)

func TestAPatientFeedStandsStillInARushUntilSomebodyWaitsForIt(t *testing.T) {
	t.Parallel()
	store, p := newLog(t, 10), pace.New(time.Now, nil)
	done := p.Rush()
	defer done()
	f := Patient(FromLog(store), p)
	batches := make(chan int, 10)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- f.Follow(ctx, at(0), func(_ context.Context, b Batch) error { batches <- len(b.Facts); return nil })
	}()
	select {
	case n := <-batches:
		t.Errorf("%d facts came in a rush", n)
	case <-time.After(200 * time.Millisecond):
	}
	f.Hurry(t.Context())
	if n := <-batches; n != 10 {
		t.Errorf("%d facts came after a hurry", n)
	}
	<-time.After(hurryFor)
	tick(t, store, 11, 15)
	done()
	for got := 0; got < 5; got += <-batches {
	}
	defer p.Rush()()
	tick(t, store, 16, 16)
	<-time.After(20 * time.Millisecond)
	cancel() // it ends while it stands
	if err := <-ended; err != nil && ctx.Err() == nil {
		t.Error(err)
	}
	if len(batches) > 0 {
		t.Error("facts came in a rush")
	}
}
