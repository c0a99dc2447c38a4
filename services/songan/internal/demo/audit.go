package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
	"github.com/songan-vn/songan/services/songan/internal/demo/verdict"
)

const (
	// pageSize and pages bound the list of one facility.
	pageSize = 200
	pages    = 5_000
	// sampleSize is how many histories are read for the time until a guest is checked.
	sampleSize = 300
	// readers is how many lists and histories are read at the same time.
	readers = 8
)

// inspect reads the notices of all facilities, page by page, compares those of this evening with the plan, and returns
// how many of them are as they should be.
func (a *auditor) inspect(ctx context.Context, p *player) (int, error) {
	byID := map[string]*evening.Guest{}
	for _, g := range p.plan.Guests {
		id := p.stays[g.Number].id
		if twin := byID[id]; twin != nil {
			p.tally.differs(g, fmt.Sprintf("has the same notice as guest %d", twin.Number))
		}
		if id != "" {
			byID[id] = g
		}
	}
	var mu sync.Mutex
	right, seen := 0, map[string]bool{}
	see := func(n verdict.Notice) {
		mu.Lock()
		defer mu.Unlock()
		g := byID[n.ID]
		if g == nil {
			return // of another evening
		}
		different := verdict.Listed(g, p.stays[g.Number].arrival, n)
		if seen[n.ID] {
			different = "is listed twice"
		}
		seen[n.ID] = true
		if different != "" {
			p.tally.differs(g, different)
			return
		}
		right++
	}
	err := client.Each(ctx, readers, len(p.desks), func(ctx context.Context, i int) error {
		return a.list(ctx, p.desks[i].id, see)
	})
	if err != nil {
		return 0, fmt.Errorf("read notices: %w", err)
	}
	return right, nil
}

// list reads all notices of a facility from the days of the evening.
func (a *auditor) list(ctx context.Context, facility string, see func(verdict.Notice)) error {
	query := a.days()
	query.Set("facility", facility)
	query.Set("limit", strconv.Itoa(pageSize))
	for range pages {
		var page struct {
			Items []verdict.Notice `json:"items"`
			Next  string           `json:"next_cursor"`
		}
		if err := a.api.Read(ctx, client.Call{Path: api + "/notices?" + query.Encode(), Token: a.token}, &page); err != nil {
			return fmt.Errorf("list the notices of a facility: %w", err)
		}
		for _, n := range page.Items {
			see(n)
		}
		if page.Next == "" {
			return nil
		}
		query.Set("cursor", page.Next)
	}
	return fmt.Errorf("a facility has more than %d pages of notices", pages)
}

// timeChecks measures, on a sample, how long it took from the notice until the population database's answer stood on it.
func (a *auditor) timeChecks(ctx context.Context, p *player) error {
	sample := askedAbout(p)
	return client.Each(ctx, readers, len(sample), func(ctx context.Context, i int) error {
		s := p.stays[sample[i].Number]
		at, err := a.checkedAt(ctx, s.id)
		refusal, refused := errors.AsType[*client.Refusal](err)
		switch {
		case refused:
			p.tally.differs(sample[i], "the history was "+refusal.Error())
		case err != nil:
			return fmt.Errorf("read history: %w", err)
		case at.IsZero():
			p.tally.differs(sample[i], "the history does not show a check")
		default:
			p.tally.checked(at.Sub(s.notified))
		}
		return nil
	})
}

// askedAbout draws guests whom the population database was asked about once, evenly over the evening.
func askedAbout(p *player) []*evening.Guest {
	twice := map[*evening.Guest]bool{}
	for _, act := range p.plan.Acts {
		if act.Verb == evening.Correct {
			twice[act.Guests[0]] = true
		}
	}
	var asked []*evening.Guest
	for _, g := range p.plan.Guests {
		if p.stays[g.Number].id != "" && g.Want.Identity != evening.Unavailable && !twice[g] {
			asked = append(asked, g)
		}
	}
	step := (len(asked) + sampleSize - 1) / sampleSize
	var sample []*evening.Guest
	for i := 0; i < len(asked); i += step {
		sample = append(sample, asked[i])
	}
	return sample
}

// checkedAt returns when the answer about a guest was recorded; no time when it was not.
func (a *auditor) checkedAt(ctx context.Context, id string) (time.Time, error) {
	var history struct {
		Items []struct {
			Type       string    `json:"type"`
			RecordedAt time.Time `json:"recorded_at"`
		} `json:"items"`
	}
	if err := a.api.Read(ctx, client.Call{Path: api + "/notices/" + id + "/history", Token: a.token}, &history); err != nil {
		return time.Time{}, fmt.Errorf("read the history of notice %s: %w", id, err)
	}
	for _, step := range history.Items {
		if step.Type == "accommodation.identity_recorded.v1" {
			return step.RecordedAt, nil
		}
	}
	return time.Time{}, nil
}
