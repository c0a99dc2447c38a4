package feed

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
)

// hurryFor is how long a patient feed goes on after somebody has waited for it.
const hurryFor = 250 * time.Millisecond

// Patient makes a feed stand still in a rush; see package pace.
func Patient(f Feed, p *pace.Pace) Feed {
	return &patient{Feed: f, pace: p, goOn: map[int]context.CancelFunc{}}
}

type patient struct {
	Feed

	pace *pace.Pace

	mu      sync.Mutex
	hurried time.Time                  // somebody waited then
	stands  int                        // so far
	goOn    map[int]context.CancelFunc // of those who stand: a rebuild follows the same feed
}

// Follow follows the feed and stands before each batch.
func (p *patient) Follow(ctx context.Context, from checkpoint.Progress, handle func(context.Context, Batch) error) error {
	//nolint:wrapcheck // it is the feed's
	return p.Feed.Follow(ctx, from, func(ctx context.Context, b Batch) error {
		if len(b.Facts) > 0 {
			if err := p.stand(ctx, b.Facts[0].RecordedAt); err != nil {
				return fmt.Errorf("wait for a rush to end: %w", err)
			}
		}
		return handle(ctx, b)
	})
}

// stand waits until the rush is over, or somebody waits for what follows the feed.
func (p *patient) stand(ctx context.Context, since time.Time) error {
	standing, goOn := context.WithCancel(ctx)
	defer goOn()
	p.mu.Lock()
	p.stands++
	stand := p.stands
	p.goOn[stand] = goOn
	hurried := time.Since(p.hurried) < hurryFor
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.goOn, stand)
	}()
	if hurried || p.pace.Stand(standing, since) == nil {
		return nil
	}
	return ctx.Err()
}

// Hurry ends the wait of this feed.
func (p *patient) Hurry(ctx context.Context) {
	p.Feed.Hurry(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hurried = time.Now()
	for _, goOn := range p.goOn {
		goOn()
	}
}
