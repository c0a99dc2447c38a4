package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
)

// stay is the smallest state there is: the log is measured, not the decision.
type stay struct{ notified bool }

// Evolve notes that there is a stay.
func (s stay) Evolve(events.Event) stay { return stay{true} }

// notify decides one fact of real size.
type notify struct{ fact accommodation.StayNotified }

// Decide returns the fact.
func (n notify) Decide(stay, decider.Meta) ([]events.Event, error) {
	return []events.Event{n.fact}, nil
}

// execute measures commands that append one fact each, by 64 callers, each to a stream of its own.
func execute(ctx context.Context, l *lab) ([]figure, error) {
	baseline, err := l.pgbench(ctx)
	if err != nil {
		return nil, err
	}
	log, closeLog, err := l.log(ctx, "bench_execute")
	if err != nil {
		return nil, err
	}
	defer closeLog()
	perSecond, err := l.commands(ctx, log)
	if err != nil {
		return nil, err
	}
	return []figure{
		rate("Execute, one fact per command, 64 callers : pgbench single-row insert, 64 clients", perSecond, baseline, "commands", 2.0),
	}, nil
}

// log opens a log of its own on the system's server.
func (l *lab) log(ctx context.Context, database string) (*eventstore.Store, func(), error) {
	url, err := l.fresh(ctx, database)
	if err != nil {
		return nil, nil, err
	}
	pool, err := pg.Open(ctx, url, pg.Options{})
	if err != nil {
		return nil, nil, err
	}
	log, err := open(ctx, pool)
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return log, func() { log.Close(); pool.Close() }, nil
}

// commands runs single-fact commands for the time of a measurement and returns how many a second.
func (l *lab) commands(ctx context.Context, log *eventstore.Store) (float64, error) {
	var fact accommodation.StayNotified
	if err := json.Unmarshal([]byte(sampleData), &fact); err != nil {
		return 0, fmt.Errorf("read the sample: %w", err)
	}
	var meta events.Meta
	if err := json.Unmarshal([]byte(sampleMeta), &meta); err != nil {
		return 0, fmt.Errorf("read the sample: %w", err)
	}
	var done, failed atomic.Int64
	var callers sync.WaitGroup
	began := time.Now()
	for caller := range connections {
		callers.Go(func() {
			for n := 0; time.Since(began) < l.duration(); n++ {
				stream := "notice-" + strconv.Itoa(caller) + "-" + strconv.Itoa(n)
				m := decider.Meta{
					At: began, Actor: meta.Actor, Cause: meta.Cause, Correlation: meta.Correlation,
					Trace: meta.Trace, Fingerprint: meta.Fingerprint,
				}
				if _, err := eventstore.Execute(ctx, log, stream, notify{fact}, m, eventstore.Fresh()); err != nil {
					failed.Add(1)
					return
				}
				done.Add(1)
			}
		})
	}
	callers.Wait()
	if failed.Load() > 0 {
		return 0, fmt.Errorf("%d callers failed", failed.Load())
	}
	return float64(done.Load()) / time.Since(began).Seconds(), nil
}
