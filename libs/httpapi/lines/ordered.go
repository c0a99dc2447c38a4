package lines

import (
	"context"
	"errors"
	"io"
	"sync"
)

// Flow is what [Ordered] does with each item.
type Flow[I, O any] struct {
	// Width is how many items are under way at the same time, and Hands how many of them are being begun.
	Width, Hands int
	// Next returns the next item; io.EOF ends the flow. It is called by the goroutine that called [Ordered].
	Next func() (I, error)
	// Begin begins an item, and returns what waits for its result; it is called by Hands goroutines.
	Begin func(context.Context, I) func() O
	// Emit takes the results in the order of their items; it is called by one goroutine, which waits for them. Its error ends the flow.
	Emit func(O) error
}

// place is an item on its way.
type place[I, O any] struct {
	item   I
	begun  sync.WaitGroup // until result is there
	result func() O
}

// Ordered runs a flow to its end, and returns the first error of Next or Emit. All its goroutines have ended then, and all
// items that were begun.
func Ordered[I, O any](ctx context.Context, f Flow[I, O]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		work  = make(chan *place[I, O], f.Width)
		order = make(chan *place[I, O], f.Width)
		wg    sync.WaitGroup
	)
	for range f.Hands {
		wg.Go(func() {
			for p := range work {
				p.result = f.Begin(ctx, p.item)
				p.begun.Done()
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
		p := &place[I, O]{item: item}
		p.begun.Add(1)
		select {
		case order <- p: // waits while Width results are not taken
			work <- p
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// emit hands results on in order. After an error it goes on taking them, so that what was begun is ended.
func (f Flow[I, O]) emit(order <-chan *place[I, O], cancel context.CancelCauseFunc) (err error) {
	for p := range order {
		p.begun.Wait()
		result := p.result()
		if err != nil {
			continue
		}
		if err = f.Emit(result); err != nil {
			cancel(err)
		}
	}
	return err
}
