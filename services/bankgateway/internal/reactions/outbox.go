// Package reactions says to the banks what facts of other services want said, and hears what they report.
//
//  1. What is to be said waits in a read model (projections.Dispatches), one queue per bank: a bank that is paused, or
//     whose topic refuses, holds up no other. Nothing waits in memory.
//  2. It goes out in batches: look into the log whether it is still due, resolve people and numbers, publish, and only
//     then record that it is sent. A crash in between says it again, the same to the byte.
//  3. A replay of the facts of others says nothing: the log knows what was sent.
//  4. What cannot be resolved any more is held, recorded with a reason, and met again as an item of quarantine, while the
//     others go on. A dependency that is away holds up everything, and nothing is held or quarantined for it.
//  5. What is to be withdrawn is withdrawn before anything is said, batch by batch, also while the bank is paused. Sending and withdrawing
//     claim an instruction first (package claims): of both, one happens, whichever processes are at it. What was claimed for being
//     sent and cannot be written any more counts as sent when it is to be withdrawn: the bank knows whether it has it.
//  6. A bank's report is nonsense until it fits what that bank was told; see the packages instruction and opening. What is
//     nonsense goes to quarantine, by its place alone.
package reactions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/plainjson"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/services/bankgateway/internal/channel"
	"github.com/songan-vn/songan/services/bankgateway/internal/clients"
	"github.com/songan-vn/songan/services/bankgateway/internal/projections"
)

// Actor is who talks to banks.
const Actor = "service:bankgateway"

const (
	// batch is how many messages go to a bank in one turn. Each turn is a flush of the broker's and of the bank's disk for each
	// partition: with a third of it, paying a province took a twentieth more.
	batch = 3 * clients.PeopleLimit
	// many messages for one bank go before other work; see package pace.
	many = 100
	// abreast is how many facts of a batch are recorded at the same time. The log puts them into as few transactions as it can.
	abreast = batch
	// idle is how long nobody looks when nothing waited and nothing calls, and longestPause when something is away.
	idle         = 200 * time.Millisecond
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Second
	// breath is the pause after a message, and gather the one after many, in which more come together: each batch is a call and a
	// recorded reading.
	breath = 10 * time.Millisecond
	gather = 100 * time.Millisecond
)

// Outbox says to banks what waits for them.
type Outbox struct {
	Resolver

	Pool *pgxpool.Pool
	Log  *eventstore.Store
	Now  func() time.Time
	// Shows tells whether the read model shows a position of the log.
	Shows func(ctx context.Context, position int64) bool
	// Written is closed when there is more in the read model.
	Written func() <-chan struct{}
	// Rush says that much waits to be said to banks, until it is done; Rushing tells whether the read model stands still for it.
	Rush    func() (done func())
	Rushing func() bool
	Logger  *zap.Logger
	JSON    *plainjson.Encoder // as encoding/json writes
}

// Run serves one bank until ctx ends. In all processes together, it runs once per bank.
func (o Outbox) Run(ctx context.Context, bank *clients.Bank) {
	log := o.Logger.With(zap.String("bank", bank.BIC))
	pause := firstPause
	var r round
	for ctx.Err() == nil {
		wait, written := idle, o.Written()
		next, sent, err := o.again(ctx, bank, r)
		r = next
		if sent > 0 {
			log.Info("sent to the bank", zap.Int("messages", sent))
			wait, pause, written = breath, firstPause, nil
		}
		if sent >= many {
			wait = gather
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Warn("nothing can be sent to the bank now; trying again", telemetry.Err(err))
			wait, pause, written = pause, min(2*pause, longestPause), nil
			if hint, asked := breaker.RetryAfter(err); asked {
				wait = min(max(wait, hint), longestPause)
			}
		case sent == 0:
			pause = firstPause
		}
		select {
		case <-ctx.Done():
		case <-written:
		case <-time.After(wait):
		}
	}
}

// again is one more sweep, in the round that it belongs to.
func (o Outbox) again(ctx context.Context, bank *clients.Bank, r round) (after round, sent int, err error) {
	if r.met == nil {
		if r, err = o.first(ctx); err != nil {
			return r, 0, err
		}
	}
	return o.sweep(ctx, bank, o.next(ctx, r))
}

func (o Outbox) paused(ctx context.Context, bic string) (bool, error) {
	history, err := o.history(ctx, channel.Stream(bic))
	if err != nil {
		return false, err
	}
	return decider.Fold(channel.Channel{}, history...).Paused, nil
}

func (o Outbox) history(ctx context.Context, stream string) ([]events.Event, error) {
	recorded, err := o.Log.Load(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("see what was said of %s: %w", stream, err)
	}
	return factsOf(recorded), nil
}

func factsOf(recorded []events.Recorded) []events.Event {
	facts := make([]events.Event, len(recorded))
	for i, r := range recorded {
		facts[i] = r.Event
	}
	return facts
}

// job is a task on its way.
type job struct {
	task

	stream   string
	dispatch projections.Dispatch
	// fresh says that its stream is not there yet.
	fresh   bool
	message *message.Message
	// reason says why it cannot be said.
	reason string
}

// errPaused says that what was written is not sent.
var errPaused = errors.New("the bank was paused")

// send publishes a batch and records it, unless the bank was paused since it was written. It answers with the position of the last
// fact recorded.
func (o Outbox) send(ctx context.Context, bank *clients.Bank, jobs []*job) (sent int, last int64, err error) {
	paused, err := o.paused(ctx, bank.BIC)
	if err == nil && paused {
		err = errPaused
	}
	if err != nil {
		return 0, 0, err
	}
	jobs, err = o.claimed(ctx, jobs)
	if err != nil {
		return 0, 0, err
	}
	letters := make([]*message.Message, 0, len(jobs))
	for _, j := range jobs {
		if j.message != nil {
			letters = append(letters, j.message)
		}
	}
	if err := bank.Publish(ctx, letters...); err != nil {
		return 0, 0, fmt.Errorf("say %d messages to bank %s: %w", len(letters), bank.BIC, err)
	}
	last, err = o.record(ctx, jobs)
	return len(letters), last, err
}

// jobs reads the dispatches, and leaves out what the log says was done, and what comes after another one of its stream.
func (o Outbox) jobs(
	ctx context.Context, catalog events.Catalog, waiting []projections.Queued, met map[string]int64,
) ([]*job, error) {
	all, streams := make([]*job, len(waiting)), make([]string, len(waiting))
	for i, d := range waiting {
		t, err := taskOf(catalog, d.Dispatch)
		if err != nil {
			return nil, err
		}
		all[i] = &job{task: t, stream: t.stream(), dispatch: d.Dispatch}
		streams[i] = all[i].stream
	}
	histories, err := o.Log.LoadAll(ctx, streams)
	if err != nil {
		return nil, fmt.Errorf("look what was sent: %w", err)
	}
	due := all[:0]
	for i, j := range all {
		j.fresh = len(histories[i]) == 0
		if _, taken := met[j.stream]; !taken && j.due(factsOf(histories[i])) {
			met[j.stream] = waiting[i].Arrived
			due = append(due, j)
		}
	}
	return due, nil
}

// write makes the messages, piece by piece: each is one case in the registers of who read whom.
func (o Outbox) write(ctx context.Context, jobs []*job) error {
	for piece := range slices.Chunk(jobs, clients.PeopleLimit) {
		if err := o.writePiece(ctx, piece); err != nil {
			return err
		}
	}
	return nil
}

func (o Outbox) writePiece(ctx context.Context, jobs []*job) error {
	tasks := make([]task, len(jobs))
	for i, j := range jobs {
		tasks[i] = j.task
	}
	known, err := o.resolve(ctx, tasks)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		body, reason := j.letter(known)
		if j.reason = reason; reason != "" {
			continue
		}
		if j.message, err = o.envelope(j.dispatch, j.key(), body); err != nil {
			return err
		}
	}
	return nil
}

// record notes what was sent, and what is held. One that somebody else was faster with is met again in the next round.
func (o Outbox) record(ctx context.Context, jobs []*job) (last int64, err error) {
	last, jobs, err = o.begin(ctx, jobs)
	if err != nil {
		return last, fmt.Errorf("record what was sent: %w", err)
	}
	var group errgroup.Group
	group.SetLimit(abreast)
	var head atomic.Int64
	for _, j := range jobs {
		group.Go(func() error {
			position, err := o.note(ctx, j)
			if errors.Is(err, eventstore.ErrConflict) {
				return nil
			}
			for seen := head.Load(); position > seen && !head.CompareAndSwap(seen, position); seen = head.Load() {
			}
			return err
		})
	}
	err = group.Wait()
	if last = max(last, head.Load()); err != nil {
		return last, fmt.Errorf("record what was sent: %w", err)
	}
	return last, nil
}

// begin records what was sent and is the first of its stream, which is nearly all: in one piece, without a look at each. It
// returns the jobs that are left to be noted one by one.
func (o Outbox) begin(ctx context.Context, jobs []*job) (last int64, left []*job, err error) {
	var appends []eventstore.Append
	var first []*job
	for _, j := range jobs {
		var facts []events.Event
		meta := metaOf(j.dispatch, o.Now())
		if j.fresh && j.reason == "" {
			if facts, err = j.begin(meta); err != nil {
				return 0, nil, err
			}
		}
		if len(facts) == 0 {
			left = append(left, j)
			continue
		}
		first = append(first, j)
		appends = append(appends, eventstore.Append{Stream: j.stream, Facts: facts, Meta: meta.Recorded()})
	}
	results, err := o.Log.AppendAll(ctx, appends)
	if err != nil {
		return 0, nil, fmt.Errorf("record what is about to be said: %w", err)
	}
	for i, r := range results {
		switch {
		case errors.Is(r.Err, eventstore.ErrConflict):
			left = append(left, first[i])
		case r.Err != nil:
			return last, nil, r.Err
		default:
			last = max(last, r.Recorded[len(r.Recorded)-1].Position)
		}
	}
	return last, left, nil
}

func (o Outbox) note(ctx context.Context, j *job) (int64, error) {
	meta := metaOf(j.dispatch, o.Now())
	if j.reason != "" {
		o.Logger.Error("this cannot be said to the bank", zap.String("work", j.dispatch.Work), zap.String("reason", j.reason))
		return j.held(ctx, o.Log, meta, j.reason)
	}
	return j.sent(ctx, o.Log, meta)
}
