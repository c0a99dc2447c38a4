package reactions

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/services/bankgateway/internal/clients"
)

// place is how far a bank's sweeps have come. The read model may be far behind what was sent, most of all in a rush, in which it
// stands still; then the next sweep goes on where the last one ended, and does not meet again what is done.
type place struct {
	// after is the last turn that was taken; see projections.Queued.
	after int64
	// recorded is the position of the last fact about what was sent. Once the read model shows it, the queue has nothing that is done,
	// and sweeps begin at its beginning again: what was not due, or came back from those who were held, waits there.
	recorded int64
	// sent counts the messages of the last sweep.
	sent int
}

// begin is where the next sweep begins.
func (o Outbox) begin(ctx context.Context, from place) place {
	if from.recorded == 0 || o.Shows(ctx, from.recorded) {
		return place{}
	}
	return place{after: from.after, recorded: from.recorded}
}

// sweep goes once through what waits, from a place on, and answers with the place that it came to. One batch is written while the one
// before is published and recorded. After an error the next sweep begins at the beginning, and the log says what was sent.
func (o Outbox) sweep(ctx context.Context, bank *clients.Bank, from place) (to place, err error) {
	group, running := errgroup.WithContext(ctx)
	written := make(chan []*job)
	calm := func() {}
	defer func() { calm() }()
	much := sync.OnceFunc(func() { calm = o.Rush() })
	to = from
	group.Go(func() (err error) {
		defer close(written)
		to.after, err = o.writeAll(running, bank, much, written, from.after)
		return err
	})
	var sent int
	recorded := from.recorded
	group.Go(func() error {
		for jobs := range written {
			n, position, err := o.send(running, bank, jobs)
			sent, recorded = sent+n, max(recorded, position)
			if err != nil {
				return err
			}
		}
		return nil
	})
	err = group.Wait()
	if errors.Is(err, errPaused) {
		return place{sent: sent}, nil
	}
	if err != nil {
		return place{}, err
	}
	to.recorded, to.sent = recorded, sent
	return to, nil
}

// writeAll hands on what waits after a place, batch by batch, until nothing does or the bank is paused, and answers with the place
// that it came to. It calls much when there are many in a batch.
func (o Outbox) writeAll(ctx context.Context, bank *clients.Bank, much func(), written chan<- []*job, after int64) (int64, error) {
	catalog, met := wanting(), map[string]bool{}
	for {
		waiting, err := o.next(ctx, bank.BIC, after)
		if err != nil || len(waiting) == 0 {
			return after, err
		}
		if len(waiting) >= many {
			much()
		}
		jobs, err := o.jobs(ctx, catalog, waiting, met)
		if err == nil {
			err = o.write(ctx, jobs)
		}
		if err != nil {
			return after, err
		}
		select {
		case written <- jobs:
			after = waiting[len(waiting)-1].After()
		case <-ctx.Done():
			return after, ctx.Err()
		}
	}
}
