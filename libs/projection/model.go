package projection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
	"github.com/songan-vn/songan/libs/projection/internal/feed"
	"github.com/songan-vn/songan/libs/projection/internal/meter"
	"github.com/songan-vn/songan/libs/projection/internal/overtake"
)

const (
	// pollInterval is how often a waiting reader looks at the checkpoint when another process writes.
	pollInterval = 25 * time.Millisecond
	// readyLag is how many facts a read model may lack and still be good for its first query.
	readyLag = 1_000
)

// Model is a projection that a [Runner] keeps up to date.
type Model struct {
	runner     *Runner
	projection *Projection
	base       string
	version    int
	tables     []string
	schema     string
	feeds      []Feed
	log        *zap.Logger
	ready      atomic.Bool

	mu sync.Mutex
	// visible is the position in the own log up to which the view is known to show everything.
	visible int64
	// changed is closed and replaced when visible grows.
	changed chan struct{}
	// written is closed and replaced when this process has written facts of any feed.
	written chan struct{}
	polled  time.Time
}

// Written returns a channel that is closed once this process writes the next facts into the read model: a hint to look
// into it again. Another process's writing is not heard, so that one looks now and then all the same.
func (m *Model) Written() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.written == nil {
		m.written = make(chan struct{})
	}
	return m.written
}

// wrote wakes who waits for [Model.Written].
func (m *Model) wrote() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.written != nil {
		close(m.written)
		m.written = nil
	}
}

// Name is the versioned name of the projection.
func (m *Model) Name() string { return m.projection.name }

// WaitFor returns once queries on the view see the own log up to position, whichever process writes it and
// whichever version is served. When ctx ends first, the error is a problem that asks to come again.
func (m *Model) WaitFor(ctx context.Context, position int64) error {
	for {
		m.mu.Lock()
		reached, changed := m.visible >= position, m.changed
		m.mu.Unlock()
		if reached {
			return nil
		}
		for _, f := range m.feeds { // whoever writes the read model may rest
			f.Hurry(ctx)
		}
		timer := time.NewTimer(pollInterval)
		select {
		case <-changed:
		case <-timer.C:
			m.poll(ctx)
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("wait for position %d in %s: %w (%w)", position, m.base, notYet(), context.Cause(ctx))
		}
		timer.Stop()
	}
}

// Shows tells whether queries on the view see the own log up to position by now. Other than [Model.WaitFor] it hurries nobody.
func (m *Model) Shows(ctx context.Context, position int64) bool {
	if m.sees(position) {
		return true
	}
	m.poll(ctx) // another process may write it
	return m.sees(position)
}

func (m *Model) sees(position int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.visible >= position
}

func notYet() error {
	return &problem.Problem{
		Kind: problem.Unavailable, Code: "not_yet_visible", RetryAfter: time.Second,
		Detail:   "the change is stored, but the list does not show it yet",
		DetailVI: "thay đổi đã được lưu nhưng danh sách chưa kịp cập nhật",
	}
}

const servedPosition = `
select c.position
from projection_versions v join projection_checkpoints c on c.name = v.name
where v.base = $1 and v.serving and c.source = $2 and c.partition = 0`

// poll reads the position that is served. Of many readers that wait, one asks for all.
func (m *Model) poll(ctx context.Context) {
	m.mu.Lock()
	fresh := time.Since(m.polled) < pollInterval
	if !fresh {
		m.polled = time.Now()
	}
	m.mu.Unlock()
	if fresh {
		return
	}
	var position int64
	// An error means that nothing is known yet, which is what the caller believes anyway; its ctx bounds the wait.
	if err := m.runner.pool.QueryRow(ctx, servedPosition, m.base, checkpoint.OwnLog).Scan(&position); err == nil {
		m.show(position)
	}
}

// show lets waiting readers know what can be seen.
func (m *Model) show(position int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if position > m.visible {
		m.visible = position
		close(m.changed)
		m.changed = make(chan struct{})
	}
}

// Whoever writes a read model, or puts another one in its place, writes its checkpoint in the same transaction: xmin names that.
const servedProgress = `
select v.name || coalesce(string_agg(format(' %s/%s@%s by %s', c.source, c.partition, c.position, c.xmin), '' order by c.source, c.partition), '')
  from projection_versions v left join projection_checkpoints c on c.name = v.name
 where v.base = $1 and v.serving
 group by v.name`

// State names what queries see: it is another one once anything was applied, by whichever process, or the read model was rebuilt.
// Whoever has looked at the rows after State can tell by it, later, that looking again would show the same.
func (m *Model) State(ctx context.Context) (state string, err error) {
	if err := m.runner.pool.QueryRow(ctx, servedProgress, m.base).Scan(&state); err != nil {
		return "", fmt.Errorf("read the progress of %s: %w", m.base, err)
	}
	return state, nil
}

// Ready answers nil once this read model can be queried; see [Runner.Ready].
func (m *Model) Ready(ctx context.Context) error {
	if m.ready.Load() {
		return nil
	}
	served, err := m.served(ctx, m.runner.pool)
	if err != nil {
		return err
	}
	if served.version < m.version {
		return fmt.Errorf("projection %s is being built; %s is still served", m.projection.name, served.name)
	}
	progress, err := checkpoint.Load(ctx, m.runner.pool, served.name)
	if err == nil && served.version == m.version {
		err = m.sameSources(progress)
	}
	if err != nil {
		return err
	}
	for _, f := range m.feeds {
		end, err := f.End(ctx)
		if err != nil {
			return fmt.Errorf("projection %s: %w", m.projection.name, err)
		}
		if lag := progress.Short(end); lag > readyLag {
			return fmt.Errorf("projection %s is %d facts behind", served.name, lag)
		}
	}
	m.ready.Store(true)
	return nil
}

// lead writes the read model until ctx ends.
func (m *Model) lead(ctx context.Context) {
	m.log.Info("projection is written by this process")
	gauges := m.runner.metrics.Of(m.projection.name)
	gauges.Leading.Set(1)
	defer gauges.Leading.Set(0)
	retry := backoff{}
	for ctx.Err() == nil {
		began := time.Now()
		err := m.run(ctx, gauges)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > mostBackoff { // one feed that fails at once is not helped by another one's progress
			retry = backoff{}
		}
		if errors.Is(err, checkpoint.ErrMoved) {
			m.log.Info("projection goes on from the checkpoint of another process")
		} else {
			gauges.Failures.Inc()
			m.log.Error("projection stands still and will try again", zap.Error(err))
		}
		retry.wait(ctx)
	}
}

// run follows the feeds from the checkpoint on, until something fails.
func (m *Model) run(ctx context.Context, gauges meter.Gauges) error {
	w := writer{pool: m.runner.pool, projection: m.projection, name: m.projection.name, open: openLive}
	if err := w.load(ctx); err != nil {
		return err
	}
	if err := m.sameSources(w.progress); err != nil {
		return err
	}
	at, err := m.served(ctx, m.runner.pool)
	if err != nil {
		return err
	}
	if at.name == m.projection.name {
		m.show(w.progress.Own())
	}
	o := m.overtaking()
	defer o.Release(ctx)
	handle := func(ctx context.Context, batch feed.Batch) error {
		began := time.Now()
		serving, err := w.write(ctx, batch)
		if err != nil {
			return err
		}
		gauges.Wrote(len(batch.Facts), time.Since(began), w.progress)
		if serving {
			m.show(w.progress.Own())
			if len(batch.Facts) > 0 {
				m.wrote()
			}
			return nil
		}
		return m.overtake(ctx, o, w.progress)
	}
	tick := func(ctx context.Context) error { return m.overtake(ctx, o, w.progress) }
	return follow(ctx, m.feeds, w.progress, handle, tick)
}

// OtherSourceError says that the rows of a read model were made of facts from a source that none of its feeds has, as after
// a restore, when all topics have new names. To go on in them would be to apply those facts a second time, and to keep what
// the source has lost: the read model stands still, serves what it has, and has to be rebuilt.
type OtherSourceError struct{ Projection, Source string }

// Error names the read model and the source.
func (e *OtherSourceError) Error() string {
	return fmt.Sprintf("the rows of %s were made of facts from %s, which nobody follows any more; rebuild it", e.Projection, e.Source)
}

// sameSources is an [OtherSourceError] unless everything that a progress has read is still followed.
func (m *Model) sameSources(progress checkpoint.Progress) error {
	sources := m.sources()
	for place := range progress {
		if !sources[place.Source] {
			return &OtherSourceError{m.projection.name, place.Source}
		}
	}
	return nil
}

func (m *Model) sources() map[string]bool {
	sources := map[string]bool{}
	for _, f := range m.feeds {
		sources[f.Source()] = true
	}
	return sources
}

func (m *Model) overtaking() *overtake.Overtaking {
	return &overtake.Overtaking{Pool: m.runner.pool, Log: m.log, Sources: m.sources(), Unshared: m.unshared}
}

// unshared is the end of the sources that a rival does not follow, and gives no measure for.
func (m *Model) unshared(ctx context.Context, rival checkpoint.Progress) (checkpoint.Progress, error) {
	end := checkpoint.Progress{}
	for _, f := range m.feeds {
		if rival.Follows(f.Source()) {
			continue
		}
		of, err := f.End(ctx)
		if err != nil {
			return nil, fmt.Errorf("projection %s: %w", m.projection.name, err)
		}
		end = end.With(of)
	}
	return end, nil
}
