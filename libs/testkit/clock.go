package testkit

import (
	"sync"
	"time"
)

// Clock is a clock which only moves when told to; give its Now method to
// whatever takes a func() time.Time. It's safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that stands at a moment.
func NewClock(at time.Time) *Clock { return &Clock{now: at} }

// Now is the moment the clock stands at.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on; a negative d moves it back, as a corrected
// system clock does.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
