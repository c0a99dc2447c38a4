package delay_test

import (
	"slices"
	"testing"
	"time"

	"github.com/songan-vn/songan/services/simulators/internal/delay"
	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

func TestMarksAreWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	const n = 10_000
	d, l := dice.New(1), delay.Latency{P50MS: 20, P99MS: 200}
	drawn := make([]time.Duration, n)
	for i := range drawn {
		drawn[i] = l.Draw(d)
	}
	slices.Sort(drawn)
	for _, c := range []struct{ got, least, most time.Duration }{
		{drawn[0], 10 * time.Millisecond, 11 * time.Millisecond},
		{drawn[n/2], 19 * time.Millisecond, 21 * time.Millisecond},
		{drawn[n*99/100], 170 * time.Millisecond, 230 * time.Millisecond},
		{drawn[n-1], 200 * time.Millisecond, 400 * time.Millisecond},
	} {
		if c.got < c.least || c.got > c.most {
			t.Errorf("%s is not between %s and %s", c.got, c.least, c.most)
		}
	}
	if got := (delay.Latency{}).Draw(d); got != 0 {
		t.Errorf("without a latency it takes %s", got)
	}
}

func TestALatencyHasItsLimits(t *testing.T) {
	t.Parallel()
	for l, fine := range map[delay.Latency]bool{
		{}: true, {P50MS: 1, P99MS: 1000}: true, {P50MS: 1, P99MS: 1001}: false, {P50MS: 2, P99MS: 1}: false, {P50MS: -1}: false,
	} {
		if err := l.Check(time.Second); (err == nil) != fine {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
