package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
	"github.com/songan-vn/songan/libs/testkit"
)

type ticked struct {
	N int `json:"n"`
}

func (ticked) EventName() string { return "clock.ticked.v1" }

// tocked is what nobody wants here: it cannot even be decoded.
type tocked struct {
	N int `json:"n"`
}

func (tocked) EventName() string { return "clock.tocked.v1" }

func (*tocked) UnmarshalJSON([]byte) error { return errors.New("nobody wanted to look into this") }

func newLog(t *testing.T, facts int) *eventstore.Store {
	t.Helper()
	pool := testkit.Postgres(t)
	if err := eventstore.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	store, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: events.NewCatalog([]events.Event{ticked{}, tocked{}})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	tick(t, store, 1, facts)
	return store
}

func tick(t *testing.T, store *eventstore.Store, first, last int) {
	t.Helper()
	var batch []eventstore.Append
	for n := first; n <= last; n++ {
		batch = append(batch, eventstore.Append{Stream: fmt.Sprint("clock-", n), Facts: []events.Event{ticked{n}}})
	}
	results, err := store.AppendAll(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

var errEnough = errors.New("enough")

func TestTheLogComesInOrderAndWholeWhileItGrows(t *testing.T) {
	t.Parallel()
	const before, during = 2*bulkBatch + bulkBatch/2, 5_000
	store := newLog(t, before)
	var writer sync.WaitGroup
	defer writer.Wait()
	for _, after := range []int64{0, 1, bulkBatch, before - 1} {
		next, most := after+1, 0
		err := FromLog(store).Follow(t.Context(), at(after), func(_ context.Context, b Batch) error {
			most = max(most, len(b.Facts))
			for _, r := range b.Facts {
				if r.Position != next {
					return fmt.Errorf("got position %d instead of %d", r.Position, next)
				}
				next++
			}
			if b.After.Own() != next-1 {
				return fmt.Errorf("after %d the progress is %d", next-1, b.After.Own())
			}
			if next > before {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) || most > bulkBatch {
			t.Errorf("after %d: %v, batches of up to %d", after, err, most)
		}
	}
	// From the end on, facts come while they are written, and a burst of them is read in bulk again.
	writer.Go(func() { tick(t, store, before+1, before+during) })
	next := int64(before + 1)
	err := FromLog(store).Follow(t.Context(), at(before), func(_ context.Context, b Batch) error {
		for _, r := range b.Facts {
			if r.Position != next {
				return fmt.Errorf("got position %d instead of %d", r.Position, next)
			}
			next++
		}
		if next > before+during {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Error(err)
	}
}

func TestWhatNobodyWantsIsPassedOverAndNotEvenDecoded(t *testing.T) {
	t.Parallel()
	const bulk = bulkBatch + 10
	store := newLog(t, bulk)
	ctx, cancel := context.WithCancel(t.Context())
	say := func(stream string, fact events.Event) {
		if _, err := store.Append(t.Context(), eventstore.Append{Stream: stream, Facts: []events.Event{fact}}); err != nil {
			t.Error(err)
			cancel() // or it would be waited for
		}
	}
	say("tock-1", tocked{})
	wanted := func(events.Catalog) map[string]bool { return map[string]bool{ticked{}.EventName(): true} }
	var writer sync.WaitGroup
	defer writer.Wait()
	defer cancel()
	for i, f := range []Feed{FromLog(store), Patient(FromLog(store), pace.New(time.Now, nil))} {
		end, err := f.End(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		caughtUp := sync.OnceFunc(func() { // and now what comes from memory
			writer.Go(func() {
				n := end.Own()
				say(fmt.Sprint("tock-", n), tocked{})
				say(fmt.Sprint("tick-", n), ticked{int(n)})
				say(fmt.Sprint("tock-again-", n), tocked{})
			})
		})
		ticks := 0
		err = Only(f, wanted).Follow(ctx, at(0), func(_ context.Context, b Batch) error {
			for _, r := range b.Facts {
				if _, is := r.Event.(ticked); !is {
					return fmt.Errorf("got a %T", r.Event)
				}
				ticks++
			}
			switch b.After.Own() {
			case end.Own():
				caughtUp()
			case end.Own() + 3:
				return errEnough
			}
			return nil
		})
		if want := bulk + i + 1; !errors.Is(err, errEnough) || ticks != want {
			t.Errorf("%d of %d ticks: %v", ticks, want, err)
		}
	}
}

func TestNothingComesAfterABatchThatFailed(t *testing.T) {
	t.Parallel()
	store := newLog(t, bulkBatch+1)
	calls := 0
	err := FromLog(store).Follow(t.Context(), at(0), func(context.Context, Batch) error {
		calls++
		return errEnough
	})
	if !errors.Is(err, errEnough) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestAFeedEndsWithItsContext(t *testing.T) {
	t.Parallel()
	store := newLog(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	seen := make(chan struct{})
	go func() {
		ended <- FromLog(store).Follow(ctx, at(0), func(context.Context, Batch) error { close(seen); return nil })
	}()
	<-seen
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("it does not end")
	}
}

func TestTheLagOfTheLogIsCountedInPositions(t *testing.T) {
	t.Parallel()
	store := newLog(t, 10)
	for after, want := range map[int64]int64{0: 10, 7: 3, 10: 0} {
		end, err := FromLog(store).End(t.Context())
		if got := at(after).Short(end); got != want || err != nil {
			t.Errorf("after %d the lag is %d, want %d (%v)", after, got, want, err)
		}
	}
}

func at(position int64) checkpoint.Progress {
	return checkpoint.Progress{{Source: checkpoint.OwnLog}: {Position: position}}
}
