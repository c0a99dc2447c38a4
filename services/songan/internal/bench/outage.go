package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

const (
	// outageRounds is how often the population database answers, is away and hangs in turn: a log that grows and a machine
	// that others use are then the same for all.
	outageRounds = 3
	// outageShare of a measurement is how long each of them lasts: what is accepted has to be checked afterwards, at the
	// population database's rate.
	outageShare = 8
	// outageBar is the least share of the rate that is left when it does not answer.
	outageBar = 0.9
)

// outage measures notices over HTTP while the population database answers, while it is away and while it hangs, and then
// waits until everybody is checked.
func outage(ctx context.Context, l *system) ([]lab.Figure, error) {
	if err := l.UntilIdle(ctx); err != nil {
		return nil, err
	}
	before, err := l.written(ctx)
	if err != nil {
		return nil, err
	}
	const answers = `{}`
	faults := []string{answers, `{"refuse":true}`, `{"per_mille":{"hang":1000}}`}
	names := []string{"", "away", "hanging"}
	done := make([]loaded, len(faults))
	var all loaded
	for range outageRounds {
		for i, fault := range faults {
			if err := l.fault(ctx, fault); err != nil {
				return nil, err
			}
			more, err := l.load(ctx, l.duration()/outageShare)
			if err != nil {
				return nil, err
			}
			done[i], all = done[i].plus(more), all.plus(more)
		}
	}
	if err := l.fault(ctx, answers); err != nil {
		return nil, err
	}
	checked, err := l.allChecked(ctx, before, all.notices)
	if err != nil {
		return nil, err
	}
	var figures []lab.Figure
	for i, name := range names[1:] {
		figures = append(figures, lab.Rate("notices over HTTP, population database "+name+" : answering",
			done[i+1].perSecond(), done[0].perSecond(), "notices", outageBar))
	}
	return append(figures, checked), nil
}

// fault tells the simulated population database how to misbehave.
func (l *system) fault(ctx context.Context, fault string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.Demo.Population+"/control/faults", strings.NewReader(fault))
	if err != nil {
		return fmt.Errorf("build the request: %w", err)
	}
	response, err := l.Client.Do(request)
	if err != nil {
		return fmt.Errorf("tell the population database: %w", err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("the population database answers %d", response.StatusCode)
	}
	return errors.Join(err, response.Body.Close())
}

// written is how many facts two logs hold. They have no gaps, so a position is a number.
type written struct{ accommodation, identity int64 }

func (l *system) written(ctx context.Context) (w written, err error) {
	for name, n := range map[string]*int64{"accommodation": &w.accommodation, "identity": &w.identity} {
		conn, err := pgx.Connect(ctx, l.Database(name))
		if err != nil {
			return w, fmt.Errorf("connect: %w", err)
		}
		err = conn.QueryRow(ctx, `select coalesce(max(position), 0) from events`).Scan(n)
		if err := errors.Join(err, conn.Close(ctx)); err != nil {
			return w, fmt.Errorf("look how far %s is: %w", name, err)
		}
	}
	return w, nil
}

// allChecked waits until the population database was asked about every guest and each notice has its answer, and says how
// long that took.
func (l *system) allChecked(ctx context.Context, before written, notices int64) (lab.Figure, error) {
	ctx, cancel := context.WithTimeout(ctx, lab.Patience)
	defer cancel()
	began := time.Now()
	err := lab.Poll(ctx, func() error {
		now, err := l.written(ctx)
		if err != nil {
			return err
		}
		asked, recorded := now.identity-before.identity, now.accommodation-before.accommodation-notices
		if asked < notices || recorded < notices {
			return fmt.Errorf("of %d guests %d are checked, and %d answers recorded", notices, asked, recorded)
		}
		return nil
	})
	took := time.Since(began)
	return lab.Figure{
		Measure: "checks of all guests after the population database is back",
		Value:   fmt.Sprintf("%d checked after %.0f s, %.0f/s", notices, took.Seconds(), float64(notices)/took.Seconds()),
	}, err
}
