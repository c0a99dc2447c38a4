package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/songan/internal/demo/board"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// show is one performance of an evening.
type show struct {
	args    Args
	plan    evening.Evening
	api     *client.Client
	admin   string
	police  string
	auditor *auditor

	lobby      *board.Board
	facilities *board.Gauge
	checkIns   *board.Gauge
	parties    map[evening.Party]*board.Gauge
	checks     *board.Gauge
	// began is when the evening did, in nanoseconds of the Unix clock; 0 before.
	began atomic.Int64
}

func newShow(args Args, plan evening.Evening, system onemachine.Demo, out io.Writer) *show {
	s := &show{
		args: args, plan: plan, admin: system.Actors["admin"].Token, police: system.Actors["province_police"].Token, parties: map[evening.Party]*board.Gauge{},
		// Two more connections than the front desks have: the statistics are looked at meanwhile.
		api: client.New(system.BaseURL, args.Connections+2),
	}
	s.lobby = board.New(out, s.clock)
	s.facilities = s.lobby.Gauge("facilities", len(plan.Facilities), board.Everywhere)
	s.checkIns = s.lobby.Gauge("check-ins", len(plan.Guests), board.InLines)
	for _, party := range evening.Parties() {
		s.parties[party] = s.lobby.Gauge(string(party), plan.Size(party), board.InBars)
	}
	expected := plan.Expected()
	s.checks = s.lobby.Gauge("identity checks", expected[evening.Accepted]-expected[evening.Cancelled], board.Everywhere)
	return s
}

// clock is what the clock in the lobby shows.
func (s *show) clock() string {
	began := s.began.Load()
	if began == 0 {
		return evening.Clock(0, s.args.Over)
	}
	return evening.Clock(time.Since(time.Unix(0, began)), s.args.Over)
}

// play registers the facilities, plays the evening, waits for the checks and looks at what came of it.
func (s *show) play(ctx context.Context) (result, error) {
	s.lobby.Start(ctx)
	r, p, err := s.perform(ctx)
	s.lobby.End()
	if err != nil {
		return result{}, err
	}
	if r.listed, err = s.auditor.inspect(ctx, p); err != nil {
		return result{}, fmt.Errorf("list what was notified: %w", err)
	}
	if err := s.auditor.timeChecks(ctx, p); err != nil {
		return result{}, fmt.Errorf("time the identity checks: %w", err)
	}
	r.busy, r.lost = s.api.Busy.Load(), s.api.Lost.Load()
	return r, nil
}

// perform is the part of the evening that is shown on the board.
func (s *show) perform(ctx context.Context) (result, *player, error) {
	r := result{expected: s.plan.Expected()}
	if err := s.api.Ready(ctx); err != nil {
		return r, nil, fmt.Errorf("look whether the system is ready: %w", err)
	}
	desks, err := s.register(ctx)
	if err != nil {
		return r, nil, err
	}
	s.auditor = newAuditor(s.api, s.admin, vn.DateOf(s.args.Now()), desks)
	if r.before, err = s.auditor.settled(ctx, 0, func(counts) {}); err != nil {
		return r, nil, fmt.Errorf("wait for an earlier evening: %w", err)
	}
	p := newPlayer(s.api, s.plan, desks, s.args.Now)
	p.shown = func(party evening.Party) {
		s.checkIns.Add(1)
		s.parties[party].Add(1)
	}
	r.tally = p.tally
	checked := func(c counts) {
		c = c.plus(-1, r.before.playing)
		s.checks.Set(int64(c.Stays - c.Pending))
	}
	s.began.Store(time.Now().UnixNano())
	if err := s.watched(ctx, p, checked); err != nil {
		return r, p, err
	}
	r.after, err = s.auditor.settled(ctx, p.position.Load(), checked)
	if errors.Is(err, errPending) {
		err = nil // the table says which figures that concerns
	}
	return r, p, err
}

// watched plays while somebody looks at the statistics.
func (s *show) watched(ctx context.Context, p *player, shown func(counts)) error {
	looking, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { s.auditor.watch(looking, shown) })
	err := p.play(ctx, s.args.Connections)
	stop()
	watcher.Wait()
	return err
}
