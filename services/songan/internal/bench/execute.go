package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
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

// perStream is how many commands each stream gets, when the streams are not all new.
const perStream = 5

// execute measures commands that append one fact each, by 64 callers: first beside the system, which idles, and then with
// its process halted, so that the log has the server and the cores for itself. Each of the two has a baseline of its own.
func execute(ctx context.Context, l *system) ([]lab.Figure, error) {
	figures, err := l.executed(ctx, "beside")
	if err != nil {
		return nil, err
	}
	if err := l.Signal(syscall.SIGSTOP); err != nil { // the server is another process
		return nil, fmt.Errorf("halt the system: %w", err)
	}
	alone, err := l.executed(ctx, "alone")
	if err := errors.Join(err, l.Signal(syscall.SIGCONT)); err != nil {
		return nil, err
	}
	return append(figures, alone...), nil
}

// executed measures commands on new streams, and on streams that most of them continue.
func (l *system) executed(ctx context.Context, where string) ([]lab.Figure, error) {
	baseline, err := l.insertRows(ctx, "bench_rows_"+where)
	if err != nil {
		return nil, err
	}
	log, closeLog, err := l.log(ctx, "bench_execute_"+where)
	if err != nil {
		return nil, err
	}
	defer closeLog()
	created, err := l.commands(ctx, log, "new", 1, eventstore.Fresh())
	if err != nil {
		return nil, err
	}
	continued, err := l.commands(ctx, log, "old", perStream)
	if err != nil {
		return nil, err
	}
	name := where + ", 64 callers : pgbench single-row insert, 64 clients"
	// The baseline begins a stream with every row, so that is what it is the bar of. To continue one, what happened before is read
	// and folded as well, which the baseline does not do: that is reported.
	more := lab.Rate(fmt.Sprintf("Execute, one fact, %d to a stream, %s", perStream, name), continued, baseline, "commands", 0)
	more.Bar = ""
	return []lab.Figure{lab.Rate("Execute, one fact, a new stream each, "+name, created, baseline, "commands", 2.0), more}, nil
}

// log opens a log of its own on the system's server.
func (l *system) log(ctx context.Context, database string) (*eventstore.Store, func(), error) {
	url, err := l.Fresh(ctx, database)
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

// commands runs single-fact commands for the time of a measurement, so many on each stream, and returns how many a second.
func (l *system) commands(
	ctx context.Context, log *eventstore.Store, name string, each int, options ...eventstore.Option,
) (float64, error) {
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
	for caller := range lab.Connections {
		callers.Go(func() {
			for n := 0; time.Since(began) < l.duration(); n++ {
				stream := "notice-" + name + "-" + strconv.Itoa(caller) + "-" + strconv.Itoa(n/each)
				m := decider.Meta{
					At: began, Actor: meta.Actor, Cause: meta.Cause + strconv.Itoa(n), Correlation: meta.Correlation,
					Trace: meta.Trace, Fingerprint: meta.Fingerprint,
				}
				if _, err := eventstore.Execute(ctx, log, stream, notify{fact}, m, options...); err != nil {
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
