package population

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

// Mode is one way to fail.
type Mode string

// The ways to fail.
const (
	Wrong       Mode = "wrong"        // a readable answer that is not true
	Values      Mode = "values"       // a mismatch that spills the register's values instead of naming fields
	Garbage     Mode = "garbage"      // 200 with bytes that are no JSON
	HTML        Mode = "html"         // 200 with a maintenance page
	Truncated   Mode = "truncated"    // an answer that is cut off
	Empty       Mode = "empty"        // 200 without a body
	Unavailable Mode = "unavailable"  // 503 with Retry-After
	Broken      Mode = "broken"       // 500
	RateLimited Mode = "rate_limited" // 429 with Retry-After
	Hang        Mode = "hang"         // no answer at all until the caller gives up
	Reset       Mode = "reset"        // the connection is torn down
)

// Modes lists the ways to fail in the order in which the dice decide about them.
func Modes() []Mode {
	return []Mode{Wrong, Values, Garbage, HTML, Truncated, Empty, Unavailable, Broken, RateLimited, Hang, Reset}
}

// Limits of what can be asked for.
const (
	slowest     = time.Minute
	longestTime = 24 * time.Hour
)

// Faults say what goes wrong. The zero value is a register that is quick and right.
type Faults struct {
	// PerMille is how many of 1,000 checks fail in each way; 1000 of one is an outage.
	PerMille map[Mode]int `json:"per_mille,omitempty"`
	// Latency is added to every answer.
	Latency Latency `json:"latency,omitzero"`
	// RatePerSecond is how many checks a second are answered before the rest hears 429; 0 is no limit.
	RatePerSecond int `json:"rate_per_second,omitempty"`
	// Refuse closes the port.
	Refuse bool `json:"refuse,omitempty"`
	// ForMS ends all this after so many milliseconds; 0 is until further notice.
	ForMS int64 `json:"for_ms,omitempty"`
}

// Latency is how slow answers are: half of them take up to P50, 99 of 100 up to P99, none more than twice P99.
type Latency struct {
	P50MS int64 `json:"p50_ms"`
	P99MS int64 `json:"p99_ms"`
}

func (f Faults) check() error {
	sum := 0
	for mode, share := range f.PerMille {
		known := false
		for _, m := range Modes() {
			known = known || m == mode
		}
		if !known || share < 0 || share > 1000 {
			return errors.New("per_mille names ways to fail, each with 0 to 1000")
		}
		sum += share
	}
	l := f.Latency
	switch {
	case sum > 1000:
		return errors.New("more than 1,000 of 1,000 checks cannot fail")
	case l.P50MS < 0 || l.P99MS < l.P50MS || l.P99MS > slowest.Milliseconds():
		return fmt.Errorf("latency is 0 <= p50_ms <= p99_ms <= %d", slowest.Milliseconds())
	case f.RatePerSecond < 0:
		return errors.New("rate_per_second is not negative")
	case f.ForMS < 0 || f.ForMS > longestTime.Milliseconds():
		return fmt.Errorf("for_ms is 0 to %d", longestTime.Milliseconds())
	}
	return nil
}

// mode decides how this check fails, or "" if it does not.
func (f Faults) mode(d *dice.Dice) Mode {
	roll := int(d.Below(1000))
	for _, mode := range Modes() {
		if roll < f.PerMille[mode] {
			return mode
		}
		roll -= f.PerMille[mode]
	}
	return ""
}

// draw decides how long this check takes. Between the two marks delays grow exponentially, as they do in queues.
func (l Latency) draw(d *dice.Dice) time.Duration {
	const steps = 1_000_000
	at := float64(d.Below(steps)) / steps
	half, most := float64(max(l.P50MS, 1)), float64(max(l.P99MS, 1))
	var ms float64
	switch {
	case l.P99MS == 0:
		return 0
	case at < 0.5:
		ms = half * (0.5 + at)
	case at < 0.99:
		ms = half * math.Pow(most/half, (at-0.5)/0.49)
	default:
		ms = most * (1 + (at-0.99)/0.01)
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// faultState is what goes wrong at the moment.
type faultState struct {
	now  func() time.Time
	base Faults

	mu      sync.Mutex
	current Faults
	until   time.Time     // zero: until further notice
	changed chan struct{} // closed and replaced at every change
	tokens  float64       // for RatePerSecond
	filled  time.Time
}

func newFaultState(base Faults, now func() time.Time) *faultState {
	s := &faultState{base: base, now: now, changed: make(chan struct{})}
	s.set(base)
	return s
}

// set replaces what goes wrong.
func (s *faultState) set(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.until = f, time.Time{}
	if f.ForMS > 0 {
		s.until = s.now().Add(time.Duration(f.ForMS) * time.Millisecond)
	}
	s.tokens, s.filled = float64(f.RatePerSecond), s.now()
	close(s.changed)
	s.changed = make(chan struct{})
}

// get returns what goes wrong now, until when, and a channel that is closed when that changes.
func (s *faultState) get() (f Faults, until time.Time, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	return s.current, s.until, s.changed
}

// expire goes back to the base when the time is over; a base that was itself limited in time becomes no faults.
func (s *faultState) expire() {
	if s.until.IsZero() || s.now().Before(s.until) {
		return
	}
	s.current, s.until = s.base, time.Time{}
	if s.base.ForMS > 0 {
		s.current = Faults{}
	}
	s.tokens, s.filled = float64(s.current.RatePerSecond), s.now()
}

// admit counts a check against the rate limit.
func (s *faultState) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	rate := float64(s.current.RatePerSecond)
	if rate == 0 {
		return true
	}
	now := s.now()
	s.tokens = min(rate, s.tokens+now.Sub(s.filled).Seconds()*rate)
	s.filled = now
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	return true
}
