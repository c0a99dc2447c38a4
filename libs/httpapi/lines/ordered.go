package lines

import (
	"context"
	"errors"
	"io"
	"sync"
)

// Flow is what [Ordered] does with each item.
type Flow[I, O any] struct {
	// Width is how many items are worked on at the same time.
	Width int
	// Next returns the next item; io.EOF ends the flow. It is called by the goroutine that called [Ordered].
	Next func() (I, error)
	// Work turns an item into its result; it is called by Width goroutines.
	Work func(context.Context, I) O
	// Emit takes the results in the order of their items; it is called by one goroutine. Its error ends the flow.
	Emit func(O) error
}

// place is an item on its way.
type place[I, O any] struct {
	item   I
	result O
	done   chan struct{} // holds a token when result is there
}

// Ordered runs a flow to its end, and returns the first error of Next or Emit. All its goroutines have ended then.
func Ordered[I, O any](ctx context.Context, f Flow[I, O]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		work  = make(chan *place[I, O], f.Width)
		order = make(chan *place[I, O], f.Width)
		wg    sync.WaitGroup
	)
	for range f.Width {
		wg.Go(func() {
			for p := range work {
				p.result = f.Work(ctx, p.item)
				p.done <- struct{}{}
			}
		})
	}
	emitted := make(chan error, 1)
	wg.Go(func() { emitted <- f.emit(order, cancel) })
	err := f.feed(ctx, work, order)
	close(work)
	close(order)
	wg.Wait()
	return errors.Join(<-emitted, err)
}

// feed takes items in until they end or nobody wants their results any more.
func (f Flow[I, O]) feed(ctx context.Context, work, order chan<- *place[I, O]) error {
	for ctx.Err() == nil {
		item, err := f.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		p := &place[I, O]{item: item, done: make(chan struct{}, 1)}
		select {
		case order <- p: // waits while Width results are not taken
			work <- p
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// emit hands results on in order. After an error it goes on taking them, so that nobody is left waiting.
func (f Flow[I, O]) emit(order <-chan *place[I, O], cancel context.CancelCauseFunc) (err error) {
	for p := range order {
		<-p.done
		if err != nil {
			continue
		}
		if err = f.Emit(p.result); err != nil {
			cancel(err)
		}
	}
	return err
}
