package consume

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

const (
	// drainTime is how long a partition that is given up waits for the messages being handled. It has to be shorter
	// than the session timeout: a member that is silent for longer loses its partitions anyway.
	drainTime = 5 * time.Second

	nackFirst = 20 * time.Millisecond

	haltFirst = time.Second
	haltMost  = time.Minute
)

// delivery hands the records of one partition to whoever subscribed, each again and again until it is acknowledged.
type delivery struct {
	*Consumer
	partition int
	source    Source
	keeper    keeper
	moved     func(partition int, at tail.Progress)

	// What follows belongs to the goroutine of run.
	window   *window
	waiting  []tail.Record // read, and not in the window yet
	running  int
	work     sync.WaitGroup
	verdicts chan verdict
}

// piece is what reading found, and where it stands now.
type piece struct {
	records []tail.Record
	at      tail.Progress
}

// verdict is how the delivery of a record ended. It is not acknowledged if time was up.
type verdict struct {
	*entry
	acknowledged bool
}

// run delivers until ctx ends, and then waits for the messages that are being handled, but not longer than drainTime.
// Their contexts are made from messages, which is that of the subscription and not of the generation, so that handlers
// may finish when a rebalance takes the partition away.
func (d *delivery) run(ctx, messages context.Context) {
	handling, abandon := context.WithCancel(messages)
	defer abandon()
	defer d.work.Wait()
	late := make(chan struct{})
	start := func(e *entry) {
		d.running++
		d.work.Go(func() { d.verdicts <- verdict{e, d.deliver(ctx, handling, late, e)} })
	}
	pieces := make(chan piece)
	d.work.Go(func() { d.read(ctx, pieces) })
	for ctx.Err() == nil {
		d.fill(start)
		d.step(ctx, pieces, start)
	}
	timer := time.AfterFunc(drainTime, func() { close(late); abandon() })
	defer timer.Stop()
	for d.running > 0 {
		d.finish(<-d.verdicts)
	}
}

// fill moves what was read into the window, as far as there is room.
func (d *delivery) fill(start func(*entry)) {
	passed := false
	for len(d.waiting) > 0 && d.window.room(d.InFlight) {
		r := d.waiting[0]
		d.waiting = d.waiting[1:]
		if d.Wanted != nil && !d.Wanted(r) {
			d.window.pass(r.After)
			passed = true
			continue
		}
		if e, free := d.window.add(r); free {
			start(e)
		}
	}
	if passed {
		d.moved(d.partition, d.window.done)
	}
}

// step waits for the next thing to happen.
func (d *delivery) step(ctx context.Context, pieces <-chan piece, start func(*entry)) {
	if len(d.waiting) > 0 {
		pieces = nil // no more before these are in the window
	}
	select {
	case p := <-pieces:
		if d.waiting = p.records; len(d.waiting) == 0 {
			d.window.pass(p.at)
			d.moved(d.partition, d.window.done)
		}
	case v := <-d.verdicts:
		if next := d.finish(v); next != nil {
			start(next)
		}
	case <-ctx.Done():
	}
}

// finish notes the end of a delivery, and returns the next record of its key.
func (d *delivery) finish(v verdict) *entry {
	d.running--
	if !v.acknowledged {
		return nil
	}
	next := d.window.finish(v.entry)
	d.moved(d.partition, d.window.done)
	return next
}

// deliver sends one record until it is acknowledged, with a growing pause after each refusal. No new attempt starts
// after ctx has ended; one that has started is waited for until it is late. It looks at the message alone, for the window goes
// on changing what comes after it.
func (d *delivery) deliver(ctx, handling context.Context, late <-chan struct{}, e *entry) bool {
	wait := pause.Backoff{First: nackFirst, Most: d.NackWait}
	for {
		m, done := d.Message(handling, e.Message)
		acknowledged := d.attempt(ctx, late, m)
		done()
		if acknowledged || wait.Wait(ctx) != nil {
			return acknowledged
		}
	}
}

func (d *delivery) attempt(ctx context.Context, late <-chan struct{}, m *message.Message) bool {
	select {
	case d.Out <- m:
	case <-ctx.Done():
		return false
	}
	select {
	case <-m.Acked():
		return true
	case <-m.Nacked():
		d.Metrics.Nacked.Inc()
	case <-late:
	}
	return false
}

// read follows the partition. Before what must not be passed it stands still, says why, and tries again: a record may
// come back, or an operator may decide to go on without it.
func (d *delivery) read(ctx context.Context, pieces chan<- piece) {
	wait := pause.Backoff{First: haltFirst, Most: haltMost}
	d.Metrics.Halt(d.partition, false)
	for {
		records, err := d.source.Read(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.halt(err)
			if wait.Wait(ctx) != nil {
				return
			}
			d.reload(ctx)
			continue
		}
		if wait.Failures() > 0 {
			d.Metrics.Halt(d.partition, false)
			wait.Success()
		}
		d.Metrics.Consumed.Add(float64(len(records)))
		select {
		case pieces <- piece{records, d.source.Stands()}:
		case <-ctx.Done():
			return
		}
	}
}

func (d *delivery) halt(err error) {
	d.Metrics.Halt(d.partition, true)
	d.Log.Error("partition stands still", zap.Int("partition", d.partition), zap.Error(err))
	d.OnError(err)
}

// reload goes on from the stored progress if an operator has moved it on.
func (d *delivery) reload(ctx context.Context) {
	stored, err := d.keeper.load(ctx, d.Topic, []int{d.partition})
	if err != nil {
		d.Metrics.Errors.WithLabelValues("progress").Inc()
		d.Log.Warn("progress cannot be loaded", zap.Error(err))
		return
	}
	if at := stored[d.partition]; at.Past(d.source.Stands()) {
		d.source.GoOn(at)
	}
}
