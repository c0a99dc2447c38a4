// Package pace lets background work give way to what people wait for. At 23:00 all hotels post at once: then it matters
// that their notices are accepted, and little that lists and other services hear of them some seconds later.
//
//  1. The edge counts the commands that are being worked on ([Pace.Begin], [Pace.End]). As long as many of them are
//     under way at once there is a wave.
//  2. In a wave, background work rests after each piece, several times as long as the piece took ([Pace.Rest]); or comes
//     a few at a time ([Pace.Turn]). It goes on all the while, slower.
//  3. Nothing falls behind without a bound: work on facts that are older than [Patience] does not rest, wave or not.
//  4. Whoever waits for background work ends its rest ([Pace.Hurry]).
//  5. Bulk work that people wait for, such as instructing banks to pay a list, is a rush ([Pace.Rush]). What need not be
//     done before it stands still meanwhile ([Pace.Stand]), for [Patience] in all.
//  6. Without a wave or a rush nothing rests, and nothing here costs anything.
//
// A process has one pace. Where services run in processes of their own, each gives way to its own commands.
package pace

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Patience is the age from which on facts are worked on without a rest.
const Patience = 30 * time.Second

const (
	crowd    = 16                     // commands under way at once that make a wave
	calm     = 100 * time.Millisecond // without a crowd for so long, the wave is over
	rests    = 99                     // times as long as the work before: a hundredth of one core is left to it
	look     = 10 * time.Millisecond  // between looks whether the rest is over
	glance   = 200 * time.Millisecond // between those of the many who wait for a turn
	hurryFor = 250 * time.Millisecond // one call of Hurry
	few      = 2                      // turns at once in a wave
)

// Pace is safe for concurrent use.
type Pace struct {
	now      func() time.Time // tells the age of facts
	born     time.Time        // the monotonic clock counts from here: a wave must not hang on a clock that is set
	underWay atomic.Int64
	crowded  atomic.Int64 // when there last was a crowd; 0 if never
	hurried  atomic.Int64 // until when nobody rests
	turns    chan struct{}
	rested   prometheus.Counter
	rush     rush
}

// New returns a pace without a wave. It tells the age of facts by now, and counts in the registry, which may be nil.
func New(now func() time.Time, r prometheus.Registerer) *Pace {
	p := &Pace{
		now: now, born: time.Now(), turns: make(chan struct{}, few),
		rested: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "songan_pace_rested_seconds_total", Help: "Time for which background work gave way to commands.",
		}),
	}
	wave := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "songan_pace_wave", Help: "1 while so many commands are under way that background work gives way.",
	}, func() float64 {
		if p.Wave() {
			return 1
		}
		return 0
	})
	rushing := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "songan_pace_rush", Help: "1 while other work stands still for bulk work that people wait for.",
	}, func() float64 {
		if p.Rushing() {
			return 1
		}
		return 0
	})
	p.rush.seconds = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "songan_pace_rush_seconds_total", Help: "Time for which bulk work was under way that went before other work.",
	})
	if r != nil {
		r.MustRegister(p.rested, wave, rushing, p.rush.seconds)
	}
	return p
}

// Begin counts a command that somebody waits for, until End.
func (p *Pace) Begin() {
	if p.underWay.Add(1) >= crowd {
		p.crowded.Store(int64(p.time()))
	}
}

// End is called once for each Begin.
func (p *Pace) End() { p.underWay.Add(-1) }

// Wave tells whether background work gives way at the moment.
func (p *Pace) Wave() bool {
	at := time.Duration(p.crowded.Load())
	if at == 0 {
		return false
	}
	now := p.time()
	// A slow commit lets nobody begin anew, however many wait for it.
	crowded := now-at < calm || p.underWay.Load() >= crowd
	return crowded && now >= time.Duration(p.hurried.Load())
}

// time is how long there has been a pace; never 0.
func (p *Pace) time() time.Duration { return time.Since(p.born) + 1 }

// Hurry lets nobody rest for a moment, because somebody waits for background work. Who waits longer calls it again.
func (p *Pace) Hurry() { p.hurried.Store(int64(p.time() + hurryFor)) }

// gives tells whether work on something of that age gives way.
func (p *Pace) gives(since time.Time) bool { return p.Wave() && p.now().Sub(since) < Patience }

// Rest is called after a piece of background work that took so long; since is when the oldest fact in it was recorded. It
// returns at once unless there is a wave, and early when the wave or ctx ends, or when that fact is older than [Patience].
func (p *Pace) Rest(ctx context.Context, took time.Duration, since time.Time) {
	if !p.gives(since) {
		return
	}
	began := time.Now()
	defer func() { p.rested.Add(time.Since(began).Seconds()) }()
	over := time.NewTimer(rests * took)
	defer over.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for p.gives(since) {
		select {
		case <-over.C:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Turn waits, in a wave, until one of a few turns is free, for work of which much would be done at once. The work
// calls done when it has ended, which rests for it. An error is ctx's.
func (p *Pace) Turn(ctx context.Context, since time.Time) (done func(), err error) {
	if !p.gives(since) {
		return func() {}, nil
	}
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for p.gives(since) {
		select {
		case p.turns <- struct{}{}:
			began := time.Now()
			return func() {
				p.Rest(ctx, time.Since(began), since)
				<-p.turns
			}, nil
		case <-ctx.Done():
			return nil, ctx.Err() //nolint:wrapcheck // the caller wraps
		case <-tick.C:
		}
	}
	return func() {}, nil
}
