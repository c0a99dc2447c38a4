package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
)

// counts are what the service's statistics say, summed over facilities.
type counts struct {
	Stays       int `json:"stays"`
	Present     int `json:"present"`
	Late        int `json:"late"`
	Foreigners  int `json:"foreigners"`
	Matched     int `json:"matched"`
	Mismatched  int `json:"mismatched"`
	NotFound    int `json:"not_found"`
	Unavailable int `json:"unavailable"`
	Pending     int `json:"pending"`
	Cancelled   int `json:"cancelled"`
}

// plus adds other, times times: -1 for a difference.
func (c counts) plus(times int, other counts) counts {
	c.Stays += times * other.Stays
	c.Present += times * other.Present
	c.Late += times * other.Late
	c.Foreigners += times * other.Foreigners
	c.Matched += times * other.Matched
	c.Mismatched += times * other.Mismatched
	c.NotFound += times * other.NotFound
	c.Unavailable += times * other.Unavailable
	c.Pending += times * other.Pending
	c.Cancelled += times * other.Cancelled
	return c
}

// figures names the counts as the plan does.
func (c counts) figures() evening.Figures {
	return evening.Figures{
		evening.Accepted: c.Stays + c.Cancelled, evening.Late: c.Late, string(evening.Foreigners): c.Foreigners,
		evening.Matched: c.Matched, evening.Mismatched: c.Mismatched, evening.NotFound: c.NotFound,
		evening.Unavailable: c.Unavailable, evening.Departed: c.Stays - c.Present, evening.Cancelled: c.Cancelled,
	}
}

// province are the statistics of all facilities, and of those that play.
type province struct{ all, playing counts }

// auditor reads statistics and notices of the evening's facilities.
type auditor struct {
	api   *client.Client
	token string
	// from and to are the days of arrival that are looked at: late guests came yesterday, and midnight may pass.
	from, to vn.Date
	playing  map[string]bool
}

func newAuditor(c *client.Client, token string, today vn.Date, desks []desk) *auditor {
	a := &auditor{api: c, token: token, from: today.AddDays(-1), to: today.AddDays(1), playing: map[string]bool{}}
	for _, d := range desks {
		a.playing[d.id] = true
	}
	return a
}

// days are the query parameters of the days.
func (a *auditor) days() url.Values {
	return url.Values{"from": {a.from.String()}, "to": {a.to.String()}}
}

func (a *auditor) statisticsPath(by string) string {
	query := a.days()
	query.Set("by", by)
	return api + "/statistics?" + query.Encode()
}

// count reads the statistics as they are once a position is seen.
func (a *auditor) count(ctx context.Context, after int64) (province, error) {
	var answered struct {
		Items []struct {
			Key string `json:"key"`
			counts
		} `json:"items"`
	}
	if err := a.api.Read(ctx, client.Call{Path: a.statisticsPath("facility"), Token: a.token, After: after}, &answered); err != nil {
		return province{}, fmt.Errorf("read statistics: %w", err)
	}
	var p province
	for _, item := range answered.Items {
		p.all = p.all.plus(1, item.counts)
		if a.playing[item.Key] {
			p.playing = p.playing.plus(1, item.counts)
		}
	}
	return p, nil
}

const (
	// checksLimit is how long the checks may take after the last guest.
	checksLimit = 2 * time.Minute
	glanceEvery = 500 * time.Millisecond
)

// settled waits until nobody's check is pending, and returns the statistics of that moment. shown is told how many
// stays are checked.
func (a *auditor) settled(ctx context.Context, after int64, shown func(counts)) (province, error) {
	began := time.Now()
	for {
		p, err := a.count(ctx, after)
		if err != nil {
			return province{}, err
		}
		shown(p.playing)
		if p.playing.Pending == 0 {
			return p, nil
		}
		if time.Since(began) > checksLimit {
			return p, fmt.Errorf("%w: %d after %s", errPending, p.playing.Pending, checksLimit)
		}
		if err := client.Wait(ctx, glanceEvery); err != nil {
			return province{}, err
		}
	}
}

// errPending says that checks were not done in time.
var errPending = errors.New("identity checks are still pending")

// watch tells shown about the statistics now and then, until ctx ends.
func (a *auditor) watch(ctx context.Context, shown func(counts)) {
	for client.Wait(ctx, 2*glanceEvery) == nil {
		if p, err := a.count(ctx, 0); err == nil { // the evening goes on without a glance
			shown(p.playing)
		}
	}
}
