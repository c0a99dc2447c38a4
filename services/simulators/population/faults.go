package population

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/songan-vn/songan/services/simulators/internal/delay"
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

// Latency is how slow answers are.
type Latency = delay.Latency

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
	switch {
	case sum > 1000:
		return errors.New("more than 1,000 of 1,000 checks cannot fail")
	case f.RatePerSecond < 0:
		return errors.New("rate_per_second is not negative")
	case f.ForMS < 0 || f.ForMS > longestTime.Milliseconds():
		return fmt.Errorf("for_ms is 0 to %d", longestTime.Milliseconds())
	}
	return f.Latency.Check(slowest)
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
