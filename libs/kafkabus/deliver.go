package kafkabus

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/zap"
)

const (
	// drainTime is how long a partition that is given up waits for the messages being handled. It has to be shorter
	// than the session timeout: a member that is silent for longer loses its partitions anyway.
	drainTime = 5 * time.Second

	nackFirst = 20 * time.Millisecond
	nackMost  = 10 * time.Second

	haltFirst = time.Second
	haltMost  = time.Minute
)

// delivery hands the records of one partition to whoever subscribed, each again and again until it is acknowledged.
type delivery struct {
	tail     *tail
	window   *window
	inFlight int
	nackWait time.Duration
	keeper   keeper
	out      chan<- *message.Message
	// messages is the context of the subscription, from which those of the messages are made: not of the
	// generation, so that handlers may finish when a rebalance takes the partition away.
	messages context.Context //nolint:containedctx // see above
	onError  func(error)
	moved    func(partition int, at Progress)
}

// piece is what reading found, and where it stands now.
type piece struct {
	records []record
	at      Progress
}

// verdict is how the delivery of a record ended. It is not acknowledged if time was up.
type verdict struct {
	*entry
	acknowledged bool
}

// run delivers until ctx ends, and then waits for the messages that are being handled, but not longer than drainTime.
func (d *delivery) run(ctx context.Context) {
	handling, abandon := context.WithCancel(d.messages)
	defer abandon()
	var work sync.WaitGroup
	defer work.Wait()
	pieces, verdicts, late := make(chan piece), make(chan verdict), make(chan struct{})
	running := 0
	start := func(e *entry) {
		running++
		work.Go(func() { verdicts <- verdict{e, d.deliver(ctx, handling, late, e.record)} })
	}
	work.Go(func() { d.read(ctx, pieces) })
	d.loop(ctx, pieces, verdicts, start, &running)

	timer := time.AfterFunc(drainTime, func() { close(late); abandon() })
	defer timer.Stop()
	for ; running > 0; running-- {
		d.finish(<-verdicts)
	}
}

func (d *delivery) loop(
	ctx context.Context, pieces <-chan piece, verdicts <-chan verdict, start func(*entry), running *int,
) {
	var waiting []record
	for ctx.Err() == nil {
		for len(waiting) > 0 && d.window.room(d.inFlight) {
			e, free := d.window.add(waiting[0])
			waiting = waiting[1:]
			if free {
				start(e)
			}
		}
		more := pieces
		if len(waiting) > 0 {
			more = nil
		}
		select {
		case p := <-more:
			if waiting = p.records; len(waiting) == 0 {
				d.window.pass(p.at)
				d.moved(d.tail.partition, d.window.done)
			}
		case v := <-verdicts:
			*running--
			if next := d.finish(v); next != nil {
				start(next)
			}
		case <-ctx.Done():
		}
	}
}

// finish notes an acknowledged record, and returns the next one of its key.
func (d *delivery) finish(v verdict) *entry {
	if !v.acknowledged {
		return nil
	}
	next := d.window.finish(v.entry)
	d.moved(d.tail.partition, d.window.done)
	return next
}

// deliver sends one record until it is acknowledged, with a growing pause after each refusal. No new attempt starts
// after ctx has ended; one that has started is waited for until it is late.
func (d *delivery) deliver(ctx, handling context.Context, late <-chan struct{}, r record) bool {
	pause := backoff{first: nackFirst, most: d.nackWait}
	for {
		m, done := newMessage(handling, r)
		acknowledged := d.attempt(ctx, late, m)
		done()
		if acknowledged || pause.wait(ctx) != nil {
			return acknowledged
		}
	}
}

func (d *delivery) attempt(ctx context.Context, late <-chan struct{}, m *message.Message) bool {
	select {
	case d.out <- m:
	case <-ctx.Done():
		return false
	}
	select {
	case <-m.Acked():
		return true
	case <-m.Nacked():
		d.tail.metrics.nacked.Inc()
	case <-late:
	}
	return false
}

// read follows the partition. Before what must not be passed it stands still, says why, and tries again: a record may
// come back, or an operator may decide to go on without it.
func (d *delivery) read(ctx context.Context, pieces chan<- piece) {
	pause := backoff{first: haltFirst, most: haltMost}
	metrics, partition := d.tail.metrics, d.tail.partition
	metrics.halt(partition, false)
	for {
		records, err := d.tail.read(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			metrics.halt(partition, true)
			d.tail.log.Error("partition stands still", zap.Int("partition", partition), zap.Error(err))
			d.onError(err)
			if pause.wait(ctx) != nil {
				return
			}
			d.reload(ctx)
			continue
		}
		if pause.next > 0 {
			metrics.halt(partition, false)
			pause.reset()
		}
		metrics.consumed.Add(float64(len(records)))
		select {
		case pieces <- piece{records, d.tail.at}:
		case <-ctx.Done():
			return
		}
	}
}

// reload goes on from the stored progress if an operator has moved it on.
func (d *delivery) reload(ctx context.Context) {
	stored, err := d.keeper.load(ctx, d.tail.topic, []int{d.tail.partition})
	if err != nil {
		d.tail.metrics.errors.WithLabelValues("progress").Inc()
		d.tail.log.Warn("progress cannot be loaded", zap.Error(err))
		return
	}
	if at := stored[d.tail.partition]; at.past(d.tail.at) {
		d.tail.at = at
	}
}
