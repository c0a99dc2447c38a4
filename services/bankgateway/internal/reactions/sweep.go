package reactions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/services/bankgateway/internal/clients"
	"github.com/songan-vn/songan/services/bankgateway/internal/projections"
)

// round is how far a bank's sweeps have come. The queue may be far behind what was sent, most of all in a rush, in which it hears
// nothing of it. Then the next sweep goes on where the last one ended, and does not meet again what is done. Once the queue shows what
// was sent, a new round begins at the queue's beginning: what was left behind, was not due, or came back from those who were held,
// waits there. A round is in memory alone: whoever has none begins at the beginning, and the log says what was sent.
type round struct {
	// after is a turn; see projections.Queued. Everything up to it was looked at, and what was due and the first of its stream was sent.
	after int64
	// met are the streams of which this round has taken something, with its turn. Of one stream a round takes the first, and leaves
	// the rest, also what is not due yet: while the first is being recorded, the second may not be due and the third be, and would
	// overtake it.
	met map[string]int64
	// mark is the position that the queue has to show before the next round, 0 if it shows all. In a rush it moves with what is sent;
	// afterwards it stands still, or in steady traffic it would never be reached. So it does in a round that has lasted.
	mark int64
	// latest is the position of the last fact about what was sent.
	latest int64
	began  time.Time
}

// first is the round that a process begins with. Its queue may not show yet what another process has sent.
func (o Outbox) first(ctx context.Context) (round, error) {
	head, err := o.Log.Head(ctx)
	if err != nil {
		return round{}, fmt.Errorf("see how far the log is: %w", err)
	}
	return round{met: map[string]int64{}, mark: head, latest: head, began: time.Now()}, nil
}

// next is the round of the next sweep: the same one, as long as the queue does not show what was sent.
func (o Outbox) next(ctx context.Context, r round) round {
	if r.mark > 0 && !o.Shows(ctx, r.mark) {
		return r
	}
	next := round{met: map[string]int64{}, latest: r.latest, began: time.Now()}
	if r.latest > r.mark {
		next.mark = r.latest
	}
	return next
}

// recorded notes a fact about what was sent.
func (r *round) recorded(position int64, rushing bool) {
	r.latest = max(r.latest, position)
	if position > 0 && (r.mark == 0 || rushing && time.Since(r.began) < pace.Patience) {
		r.mark = r.latest
	}
}

// written is a batch on its way to the bank, with the turn that it ends at.
type written struct {
	jobs []*job
	upTo int64
}

// sweep goes once through what waits, and counts the messages that it sent. One batch is written while the one before is published and
// recorded. What it did before an error stays done.
func (o Outbox) sweep(ctx context.Context, bank *clients.Bank, r round) (after round, sent int, err error) {
	group, running := errgroup.WithContext(ctx)
	batches := make(chan written)
	calm := func() {}
	defer func() { calm() }()
	much := sync.OnceFunc(func() { calm = o.Rush() })
	from := r
	group.Go(func() error {
		defer close(batches)
		return o.writeAll(running, bank, from, much, batches)
	})
	group.Go(func() error {
		for b := range batches {
			n, position, err := o.send(ctx, bank, b.jobs) // to its end, also if the next batch cannot be written
			sent += n
			r.recorded(position, o.Rushing())
			if err != nil {
				return err
			}
			r.after = b.upTo
		}
		return nil
	})
	err = group.Wait()
	if err != nil {
		maps.DeleteFunc(r.met, func(_ string, turn int64) bool { return turn > r.after })
	}
	if errors.Is(err, errPaused) {
		err = nil
	}
	return r, sent, err
}

// writeAll hands on what waits in a round, batch by batch, until nothing does or the bank is paused. It calls much when many are due in
// a batch.
func (o Outbox) writeAll(ctx context.Context, bank *clients.Bank, r round, much func(), batches chan<- written) error {
	catalog, after := wanting(), r.after
	for {
		waiting, err := o.waiting(ctx, bank.BIC, after)
		if err != nil || len(waiting) == 0 {
			return err
		}
		after = waiting[len(waiting)-1].Arrived
		jobs, err := o.jobs(ctx, catalog, waiting, r.met)
		if err != nil {
			return err
		}
		if len(jobs) >= many {
			much()
		}
		if err := o.write(ctx, jobs); err != nil {
			return err
		}
		select {
		case batches <- written{jobs, after}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waiting is the batch after a turn; none while the bank is paused. What was withdrawn since the sweep began, which may be a
// long one, is not in it.
func (o Outbox) waiting(ctx context.Context, bic string, after int64) ([]projections.Queued, error) {
	if err := o.withdraw(ctx, bic); err != nil {
		return nil, err
	}
	waiting, err := projections.Waiting(ctx, o.Pool, bic, after, batch)
	if err != nil || len(waiting) == 0 {
		return nil, err
	}
	if paused, err := o.paused(ctx, bic); err != nil || paused {
		return nil, err
	}
	return waiting, nil
}
