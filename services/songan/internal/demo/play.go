package demo

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
)

// player plays an evening at its front desks.
type player struct {
	api   *client.Client
	plan  evening.Evening
	desks []desk
	now   func() time.Time
	tally *tally
	// shown is told about every guest who was answered.
	shown func(evening.Party)

	// stays are what became of the guests, by their number. Each is written by one act, before the act is done.
	stays []stay
	done  map[*evening.Act]chan struct{}
	// position is the latest that a change was recorded at.
	position atomic.Int64
}

// stay is a guest's notice as it was answered first, and what a later act needs of it.
type stay struct {
	id       string
	arrival  time.Time
	notified time.Time
	body     []byte
}

func newPlayer(api *client.Client, plan evening.Evening, desks []desk, now func() time.Time) *player {
	p := &player{
		api: api, plan: plan, desks: desks, now: now, tally: newTally(), shown: func(evening.Party) {},
		stays: make([]stay, len(plan.Guests)), done: map[*evening.Act]chan struct{}{},
	}
	for _, act := range plan.Acts {
		p.done[act] = make(chan struct{})
	}
	return p
}

// play lets the front desks act at their times, so many at once. Acts that find all connections busy wait; their time
// runs from when they were due.
func (p *player) play(ctx context.Context, connections int) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	began := time.Now()
	due := make(chan *evening.Act)
	var desks sync.WaitGroup
	for range connections {
		desks.Go(func() {
			for act := range due {
				if err := p.perform(ctx, act, began.Add(act.At)); err != nil {
					stop(err)
				}
				close(p.done[act])
			}
		})
	}
	for _, act := range p.plan.Acts {
		if client.Wait(ctx, time.Until(began.Add(act.At))) != nil {
			break
		}
		select {
		case due <- act:
		case <-ctx.Done():
		}
	}
	close(due)
	desks.Wait()
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("play the evening: %w", err)
	}
	return nil
}

// perform does an act. Its error ends the evening; what differs from the plan is noted, and the evening goes on.
func (p *player) perform(ctx context.Context, act *evening.Act, due time.Time) error {
	if act.After != nil {
		select {
		case <-p.done[act.After]:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	switch act.Verb {
	case evening.Notify:
		return p.notify(ctx, act, due)
	case evening.NotifyMany:
		return p.notifyMany(ctx, act)
	default:
		return p.change(ctx, act)
	}
}
