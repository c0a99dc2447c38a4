package reaction

import (
	"context"
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
)

// releaseLimit is the most facts that one [Reactor.Release] handles.
const releaseLimit = 1_000

// Released says what became of a release.
type Released struct {
	// Handled counts the facts that are out of quarantine now.
	Handled int
	// Left counts those of the same key that still wait: behind one that failed again, or beyond the limit.
	Left int
}

// Release handles the key of an item again: all its open items, in their order, beginning with the oldest, whichever
// of them was named. It stops at the first one that fails, which stays, with all behind it; the error says why.
func (r *Reactor) Release(ctx context.Context, id int64, d quarantine.Decision) (Released, error) {
	if err := d.Check(); err != nil {
		return Released{}, err
	}
	named, err := r.quarantine.Waiting(ctx, id)
	if err != nil {
		return Released{}, fmt.Errorf("release: %w", err)
	}
	if named.Consumer != r.name {
		return Released{}, fmt.Errorf("release item %d of another consumer: %w", id, quarantine.Unknown())
	}
	var released Released
	for released.Handled < releaseLimit {
		more, failed := r.quarantine.ReleaseFirst(ctx, named, d, quarantine.Again{Handle: r.again, Describe: describe})
		if failed != nil {
			err = fmt.Errorf("release item %d: %w", id, failed)
			break
		}
		if !more {
			break
		}
		released.Handled++
	}
	left, countErr := r.quarantine.Left(ctx, named)
	released.Left = left
	r.log.Info("quarantine released", zap.Int64("item", id), zap.Int("handled", released.Handled),
		zap.Int("left", left), zap.String("actor", d.Actor), zap.Error(err))
	return released, errors.Join(err, countErr)
}

// again handles an item once.
func (r *Reactor) again(ctx context.Context, i quarantine.Item) error {
	ctx, cancel := context.WithTimeout(ctx, r.deps.Timeout)
	defer cancel()
	if r.deps.Foreign != nil {
		return r.deps.Foreign.again(ctx, r, i)
	}
	m := message.NewMessageWithContext(ctx, i.Fact, i.Payload)
	m.Metadata = i.Headers
	m.Metadata[kafkabus.KeyMetadata] = i.Key
	return safely(func() error { return r.dispatch(m) }) //nolint:contextcheck // m carries it, as Watermill wants it
}
