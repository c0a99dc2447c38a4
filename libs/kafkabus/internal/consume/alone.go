package consume

import (
	"context"
	"sync"

	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
	"github.com/songan-vn/songan/libs/pg"
)

// ownPartition is the number of its one partition.
const ownPartition = 0

// Alone delivers a source that has one partition and no group: of all processes, the one that holds its lock in PostgreSQL
// reads it. Its Positions are required.
type Alone struct {
	Consumer

	// Lock is the name of the lock.
	Lock string
	// Source reads on from a place.
	Source func(from tail.Progress) Source
}

// Run delivers whenever the lock is held, until ctx ends.
func (a *Alone) Run(ctx context.Context) {
	defer close(a.Out)
	wait := pause.Retry()
	for {
		err := pg.Lead(ctx, a.Positions.pool, []string{a.Lock}, func(term context.Context, _ string) {
			wait.Success()
			a.work(term, ctx)
		})
		if ctx.Err() != nil {
			return
		}
		_ = a.retry(ctx, &wait, "group", "the lock of a consumer is lost, trying again", err)
	}
}

// work delivers until its term is over. The contexts of messages are made from that of the subscription, so that handlers may
// finish.
func (a *Alone) work(term, messages context.Context) {
	book := a.book(a.Positions)
	from, err := a.load(term, a.Positions, []int{ownPartition})
	if err != nil {
		return
	}
	var running sync.WaitGroup
	running.Go(func() { a.delivery(ownPartition, a.Source(from[ownPartition]), book).run(term, messages) })
	for pause.For(term, saveEvery) == nil {
		a.save(term, book)
	}
	running.Wait()
	a.save(context.WithoutCancel(term), book)
}

func (a *Alone) save(ctx context.Context, book *ledger) {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	if saved, some := a.keep(ctx, book)[ownPartition]; some {
		a.Metrics.Position.WithLabelValues().Set(float64(saved.Sequence))
	}
}
