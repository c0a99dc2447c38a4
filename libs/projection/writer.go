package projection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
	"github.com/songan-vn/songan/libs/projection/internal/feed"
	"github.com/songan-vn/songan/libs/projection/internal/overtake"
)

const (
	batchTimeout = time.Minute // of one batch and its checkpoint
	tickInterval = time.Second // between looks at what does not come with a batch
)

// writer applies batches under one checkpoint.
type writer struct {
	pool       *pgxpool.Pool
	projection *Projection
	// name is that of the checkpoint: of the projection, or another one while it is built aside.
	name string
	// open begins a transaction in the right schema.
	open     string
	progress checkpoint.Progress
}

// A batch need not be durable: should the server crash, rows and checkpoint go back together, and the facts are
// applied again. And its statements are planned every time: a plan from when the table was empty, kept while it
// grows, was twenty times slower.
const openLive = `begin; set local synchronous_commit = off; set local plan_cache_mode = force_custom_plan`

// load takes the progress from the database.
func (w *writer) load(ctx context.Context) (err error) {
	w.progress, err = checkpoint.Load(ctx, w.pool, w.name)
	return err
}

// write applies a batch and moves the checkpoint, or does neither. After an error the progress has to be loaded
// again: whether a commit whose answer was lost took place, only the database knows.
func (w *writer) write(ctx context.Context, batch feed.Batch) (serving bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	tx, err := w.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: w.open})
	if err != nil {
		return false, fmt.Errorf("begin batch: %w", err)
	}
	defer overtake.Rollback(ctx, tx)
	if serving, err = checkpoint.Move(ctx, tx, w.name, w.progress, batch.After); err != nil {
		return false, err
	}
	if len(batch.Facts) > 0 {
		if err := w.projection.apply(ctx, tx, batch.Facts); err != nil {
			first := batch.Facts[0]
			return false, fmt.Errorf("apply %d facts from %s on: %w", len(batch.Facts), first.ID(), err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return false, fmt.Errorf("commit batch: %w", err)
	}
	w.progress = w.progress.With(batch.After)
	return serving, nil
}

var errEnded = errors.New("the feed ended by itself")

// follow hands what all feeds bring to handle, one batch at a time, and calls tick now and then in between.
// It returns nil when ctx ends.
func follow(
	ctx context.Context, feeds []Feed, from checkpoint.Progress,
	handle func(context.Context, feed.Batch) error, tick func(context.Context) error,
) error {
	group, inner := errgroup.WithContext(ctx)
	var turn sync.Mutex
	for _, f := range feeds {
		group.Go(func() error {
			err := f.Follow(inner, from, func(ctx context.Context, batch feed.Batch) error {
				turn.Lock()
				defer turn.Unlock()
				return handle(ctx, batch)
			})
			if err == nil && inner.Err() == nil {
				return fmt.Errorf("follow %s: %w", f.Source(), errEnded)
			}
			return err
		})
	}
	group.Go(func() error {
		ticker := time.NewTicker(tickInterval)
		defer ticker.Stop()
		for {
			select {
			case <-inner.Done():
				return nil
			case <-ticker.C:
			}
			turn.Lock()
			err := tick(inner)
			turn.Unlock()
			if err != nil {
				return err
			}
		}
	})
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
