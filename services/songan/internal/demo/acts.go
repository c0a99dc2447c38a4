package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
	"github.com/songan-vn/songan/services/songan/internal/demo/verdict"
)

// notify enters one guest.
func (p *player) notify(ctx context.Context, act *evening.Act, due time.Time) error {
	g := act.Guests[0]
	entry := p.entry(g)
	if g.With >= 0 && p.stays[g.With].id != "" {
		entry.Companion = p.stays[g.With].id
	}
	body, err := g.Notice(entry)
	if err != nil {
		return fmt.Errorf("write a notice: %w", err)
	}
	p.stays[g.Number] = stay{arrival: entry.Arrival, body: body}
	got, err := p.send(ctx, act, client.Call{Path: "/notices", Body: body})
	if err != nil {
		return fmt.Errorf("notify of an arrival: %w", err)
	}
	p.tally.answered(got.Took, time.Since(due))
	v, err := verdict.Of(got)
	if err != nil {
		p.tally.differs(g, err.Error())
		return nil
	}
	p.record(act, g, v)
	return nil
}

func (p *player) entry(g *evening.Guest) evening.Entry {
	now := p.now()
	return evening.Entry{Now: now, Arrival: g.Arrival(now)}
}

// record notes what became of a guest: the figures as the answer says them, and what is not as planned.
func (p *player) record(act *evening.Act, g *evening.Guest, v verdict.Verdict) {
	p.shown(g.Party)
	p.tally.count(evening.CheckIns)
	p.tally.count(v.Figure())
	if n := v.Notice; n != nil {
		p.stays[g.Number].id, p.stays[g.Number].notified = n.ID, n.NotifiedAt
		if n.Late() {
			p.tally.count(evening.Late)
		}
		if len(n.Duties) > 1 {
			p.tally.count(string(evening.Foreigners))
		}
	}
	if different := verdict.CheckIn(g, p.desks[act.Facility].id, v); different != "" {
		p.tally.differs(g, different)
	}
}

// sendings is how often a list is sent when the system had no room for some of its lines.
const sendings = 10

// notifyMany enters many guests with one request. It is sent again, with its key, until every line was dealt with.
func (p *player) notifyMany(ctx context.Context, act *evening.Act) error {
	var body bytes.Buffer
	for _, g := range act.Guests {
		entry := p.entry(g)
		entry.Ref = fmt.Sprintf("guest-%d", g.Number)
		line, err := g.Notice(entry)
		if err != nil {
			return fmt.Errorf("write a notice of a batch: %w", err)
		}
		p.stays[g.Number].arrival = entry.Arrival
		body.Write(append(line, '\n'))
	}
	for range sendings {
		got, err := p.send(ctx, act, client.Call{Path: "/notices/batch", Media: "application/x-ndjson", Body: body.Bytes()})
		if err != nil {
			return fmt.Errorf("notify of many arrivals: %w", err)
		}
		verdicts, err := verdict.ListOf(got, len(act.Guests))
		if err != nil {
			p.tally.differs(act.Guests[0], err.Error())
			return nil
		}
		if anyLater(verdicts) {
			p.api.Busy.Add(1)
			if err := client.Wait(ctx, time.Second); err != nil {
				return err
			}
			continue
		}
		p.tally.answeredList(got.Took)
		for i, v := range verdicts {
			p.record(act, act.Guests[i], v)
		}
		return nil
	}
	return errors.New("the system has no room for a list of guests")
}

func anyLater(verdicts []verdict.Verdict) bool {
	for _, v := range verdicts {
		if v.Later() {
			return true
		}
	}
	return false
}

// change does something about a guest who was entered before.
func (p *player) change(ctx context.Context, act *evening.Act) error {
	g, s := act.Guests[0], p.stays[act.Guests[0].Number]
	if s.id == "" {
		p.tally.differs(g, fmt.Sprintf("%s was not possible: there is no notice", act.Verb))
		return nil
	}
	if act.Verb == evening.Repeat {
		return p.repeat(ctx, act, s)
	}
	body, err := g.Change(act.Verb, evening.Entry{Now: p.now(), Arrival: s.arrival})
	if err != nil {
		return fmt.Errorf("write a change: %w", err)
	}
	got, err := p.send(ctx, act, client.Call{Path: "/notices/" + s.id + path(act.Verb), Body: body})
	if err != nil {
		return fmt.Errorf("%s: %w", act.Verb, err)
	}
	p.tally.changed(got.Took)
	v, err := verdict.Of(got)
	if err != nil {
		p.tally.differs(g, err.Error())
		return nil
	}
	if different := verdict.Change(act, g.Departure(s.arrival), v); different != "" {
		p.tally.differs(g, different)
		return nil
	}
	if act.Code != "" {
		p.tally.count(evening.ChangeRefused(act.Code))
		return nil
	}
	p.tally.count(evening.Changed(act.Verb))
	return nil
}

// repeat sends a check-in again, as after a connection that broke, and expects the first answer.
func (p *player) repeat(ctx context.Context, act *evening.Act, s stay) error {
	got, err := p.send(ctx, act, client.Call{Path: "/notices", Body: s.body})
	if err != nil {
		return fmt.Errorf("notify once more: %w", err)
	}
	v, err := verdict.Of(got)
	switch {
	case err != nil:
		p.tally.differs(act.Guests[0], err.Error())
	case v.Status != http.StatusCreated || v.Notice == nil || v.Notice.ID != s.id || !v.Notice.NotifiedAt.Equal(s.notified):
		p.tally.differs(act.Guests[0], "a repeated request had another answer")
	case !got.Replayed:
		p.tally.differs(act.Guests[0], "a repeated request was not answered as one: Idempotent-Replay is missing")
	default:
		p.tally.count(evening.Repeated)
	}
	return nil
}

func path(v evening.Verb) string {
	switch v {
	case evening.Depart:
		return "/departure"
	case evening.Extend:
		return "/extension"
	case evening.Move:
		return "/room"
	case evening.Correct:
		return "/correction"
	case evening.Cancel:
		return "/cancellation"
	case evening.Notify, evening.NotifyMany, evening.Repeat:
	}
	return ""
}

// send posts for the act's facility.
func (p *player) send(ctx context.Context, act *evening.Act, c client.Call) (client.Answer, error) {
	c.Method, c.Path, c.Token, c.Key = http.MethodPost, api+c.Path, p.desks[act.Facility].token, act.Key
	got, err := p.api.Do(ctx, c)
	if err != nil {
		return client.Answer{}, err
	}
	for seen := p.position.Load(); got.Position > seen && !p.position.CompareAndSwap(seen, got.Position); seen = p.position.Load() {
	}
	return got, nil
}
