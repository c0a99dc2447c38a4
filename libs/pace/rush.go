package pace

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// linger is how long a rush goes on when nothing is under way: what one piece made may be on its way to the next.
const linger = 500 * time.Millisecond

// rush is bulk work that goes before everything else for a while, and how much patience with it is left.
type rush struct {
	mu      sync.Mutex
	under   int           // pieces under way
	at      bool          // there is a rush: from the first piece until a moment after the last one
	began   time.Duration // when it began, by the pace's clock
	ended   time.Duration // when the one before ended
	spent   time.Duration // patience that is not there any more
	turn    int           // of the rush, and of its end: a timer of an earlier one does nothing
	over    chan struct{} // closed when nobody need wait any more; nil when nobody has to
	seconds prometheus.Counter
}

// Rush says that bulk work has begun which many wait for, such as instructing banks to pay a list. Until it is done, those
// who [Pace.Stand] leave the machine to it. They do so for [Patience] in all; it comes back at the rate of the clock when
// there is no rush. done may be called more than once.
func (p *Pace) Rush() (done func()) {
	r := &p.rush
	r.mu.Lock()
	defer r.mu.Unlock()
	r.under++
	r.turn++
	if !r.at {
		now := p.time()
		r.spent = max(0, r.spent-(now-r.ended))
		r.at, r.began = true, now
		if left := Patience - r.spent; left > 0 {
			r.over = make(chan struct{})
			began := now
			time.AfterFunc(left, func() { p.tire(began) })
		}
	}
	return sync.OnceFunc(p.settle)
}

// settle ends a piece of bulk work. The rush is over when nothing follows for a moment.
func (p *Pace) settle() {
	r := &p.rush
	r.mu.Lock()
	defer r.mu.Unlock()
	r.under--
	if r.under > 0 {
		return
	}
	r.turn++
	turn := r.turn
	time.AfterFunc(linger, func() { p.end(turn) })
}

// end closes a rush that nothing has followed.
func (p *Pace) end(turn int) {
	r := &p.rush
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turn != turn {
		return
	}
	now := p.time()
	r.at, r.ended = false, now
	r.spent = min(Patience, r.spent+now-r.began)
	r.seconds.Add((now - r.began).Seconds())
	r.release()
}

// tire lets those go on who have waited for as long as they may, although the rush goes on.
func (p *Pace) tire(began time.Duration) {
	r := &p.rush
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at && r.began == began {
		r.release()
	}
}

// release lets those go on who wait.
func (r *rush) release() {
	if r.over != nil {
		close(r.over)
		r.over = nil
	}
}

// waiting returns what ends the wait of those who stand; nil when nobody has to.
func (r *rush) waiting() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

// Rushing tells whether those who [Pace.Stand] wait at the moment.
func (p *Pace) Rushing() bool { return p.rush.waiting() != nil }

// Stand waits as long as there is a rush, and not longer than [Patience]. It returns at once when since, which is when the
// fact that is to be worked on was recorded, is longer ago than that; a zero since is not known. An error is ctx's.
func (p *Pace) Stand(ctx context.Context, since time.Time) error {
	over := p.rush.waiting()
	if over == nil || !since.IsZero() && p.now().Sub(since) >= Patience {
		return nil
	}
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller wraps
	}
}
