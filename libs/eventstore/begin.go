package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
	"github.com/songan-vn/songan/libs/eventstore/internal/queue"
	"github.com/songan-vn/songan/libs/telemetry"
)

// Pending is an execution that was begun.
type Pending[S decider.State[S]] struct {
	execution[S]

	ctx context.Context //nolint:containedctx // Begin's, as Execute has one
	end func(facts int, err error)

	// command and ticket are what the writer has; nil if it has nothing.
	command *batch.Command
	ticket  *queue.Ticket[[]*batch.Command]
	// alone is closed when out and err are there without the writer's answer; nil if they come of that.
	alone chan struct{}
	out   Outcome[S]
	err   error
}

// Begin begins what [Execute] does, and returns while the facts are on their way. Who has many commands that create something
// ([Fresh]) begins one after the other, and asks for the outcomes afterwards: a goroutine for each would wait with a stack
// of its own, and a thousand stacks are more than a processor's cache holds. A command that is one of many (Meta.Bulk) waits here
// when too much is on its way already, and so does whoever would begin the next one.
//
// What cannot be decided on the hope that the stream is new, or turns out to be no news, is executed by a goroutine.
func Begin[S decider.State[S]]( //nolint:revive // argument-limit: as Execute
	ctx context.Context, s *Store, stream string, cmd decider.Command[S], m decider.Meta, opts ...Option,
) *Pending[S] {
	p := &Pending[S]{execution: execution[S]{store: s, stream: stream, cmd: cmd, meta: m}}
	for _, set := range opts {
		set(&p.options)
	}
	p.ctx, p.end = traced(ctx, stream)
	decided := false
	defer func() {
		if !decided { // the decider panics
			p.end(0, nil)
		}
	}()
	if !p.fresh || !p.enqueue() {
		p.goAlone()
	}
	decided = true
	return p
}

// Outcome waits for what came of the command. It is asked for once. When ctx ends first, a goroutine of the execution may be about
// to end after it.
func (p *Pending[S]) Outcome() (out Outcome[S], err error) {
	defer func() { p.end(len(out.Facts), err) }()
	if p.ticket != nil {
		if err := p.store.await(p.ctx, p.ticket); err != nil { // the writer may have it still, and hand it to a goroutine
			var unknown Outcome[S]
			return unknown, p.appended(p.command, err, known{}, &unknown)
		}
		if p.alone == nil {
			err := p.appended(p.command, nil, known{}, &p.out)
			return p.out, err
		}
	}
	<-p.alone
	return p.out, p.err
}

// enqueue decides as if the stream were new, and hands the facts to the writer. It is false if there are none: a refusal would
// be only as good as the hope.
func (p *Pending[S]) enqueue() bool {
	out, facts, err := p.decide(nil)
	if err != nil || len(facts) == 0 {
		return false
	}
	p.out, p.command = out, p.encode(known{}, facts)
	p.ticket = ticketOf(p.command)
	p.ticket.Answered = func() {
		if errors.Is(p.command.Err, ErrConflict) {
			p.goAlone()
		}
	}
	if err = p.command.Err; err == nil {
		err = p.entrance()(p.ctx, p.ticket)
	}
	if err != nil {
		p.ticket, p.alone = nil, make(chan struct{})
		p.out, p.err = Outcome[S]{}, fmt.Errorf("append to %s: %w", p.stream, err)
		close(p.alone)
	}
	return true
}

// goAlone executes without hope, and lets nobody wait for it but who asks for the outcome.
func (p *Pending[S]) goAlone() {
	p.alone = make(chan struct{})
	go func() {
		defer close(p.alone)
		defer func() {
			if caught := recover(); caught != nil {
				p.err = fmt.Errorf("execute on %s: %w", p.stream, telemetry.Panicked(caught))
			}
		}()
		if p.err = p.ctx.Err(); p.err == nil {
			p.out, p.err = p.look(p.ctx)
		}
	}()
}
