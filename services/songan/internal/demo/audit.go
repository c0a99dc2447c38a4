package demo

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
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

// inspection is what a look at every notice of the evening found.
type inspection struct {
	// found counts the notices that are there, changes those that show what was entered later.
	found     int
	extended  int
	moved     int
	corrected int
}

// inspect reads the notices of all facilities, page by page, and compares those of this evening with the plan.
func (a *auditor) inspect(ctx context.Context, p *player) (inspection, error) {
	byID := map[string]*evening.Guest{}
	for _, g := range p.plan.Guests {
		if id := p.stays[g.Number].id; id != "" {
			if twin := byID[id]; twin != nil {
				p.tally.differs(g, fmt.Sprintf("has the same notice as guest %d", twin.Number))
			}
			byID[id] = g
		}
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	err := each(ctx, readers, p.desks, func(ctx context.Context, d desk) error {
		return a.list(ctx, d.id, func(n notice) {
			mu.Lock()
			defer mu.Unlock()
			g := byID[n.ID]
			if g == nil {
				return
			}
			different := judgeListed(g, p.stays[g.Number].arrival, n)
			if seen[n.ID] {
				different = "is listed twice"
			}
			if different != "" {
				p.tally.differs(g, different)
			}
			seen[n.ID] = true
		})
	})
	if err != nil {
		return inspection{}, fmt.Errorf("read notices: %w", err)
	}
	return inspection{found: len(seen)}, nil
}

// list reads all notices of a facility from the days of the evening.
func (a *auditor) list(ctx context.Context, facility string, see func(notice)) error {
	query := a.days()
	query.Set("facility", facility)
	query.Set("limit", strconv.Itoa(pageSize))
	for range pages {
		var page struct {
			Items []notice `json:"items"`
			Next  string   `json:"next_cursor"`
		}
		if err := a.api.read(ctx, call{path: api + "/notices?" + query.Encode(), token: a.token}, &page); err != nil {
			return err
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
	var asked []*evening.Guest
	for _, g := range p.plan.Guests {
		if p.stays[g.Number].id != "" && g.Want.Identity != evening.Unavailable && !corrected(p.plan, g) {
			asked = append(asked, g)
		}
	}
	step := max(1, len(asked)/sampleSize)
	var sample []*evening.Guest
	for i := 0; i < len(asked) && len(sample) < sampleSize; i += step {
		sample = append(sample, asked[i])
	}
	return each(ctx, readers, sample, func(ctx context.Context, g *evening.Guest) error {
		at, err := a.checkedAt(ctx, p.stays[g.Number].id)
		if err != nil {
			return fmt.Errorf("read history: %w", err)
		}
		if at.IsZero() {
			p.tally.differs(g, "the history does not show a check")
			return nil
		}
		p.tally.checked(at.Sub(p.stays[g.Number].notified))
		return nil
	})
}
