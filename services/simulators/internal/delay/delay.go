// Package delay says how long something takes that is slow in the way of queues.
package delay

import (
	"fmt"
	"math"
	"time"

	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

// Latency is how slow answers are: half of them take up to P50, 99 of 100 up to P99, none more than twice P99.
type Latency struct {
	P50MS int64 `json:"p50_ms"`
	P99MS int64 `json:"p99_ms"`
}

// Check says what is wrong with a latency; its 99 of 100 are not longer than slowest.
func (l Latency) Check(slowest time.Duration) error {
	if l.P50MS < 0 || l.P99MS < l.P50MS || l.P99MS > slowest.Milliseconds() {
		return fmt.Errorf("latency is 0 <= p50_ms <= p99_ms <= %d", slowest.Milliseconds())
	}
	return nil
}

// Draw decides how long this time. Between the two marks delays grow exponentially, as they do in queues.
func (l Latency) Draw(d *dice.Dice) time.Duration {
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
