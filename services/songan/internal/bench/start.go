package bench

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

const (
	// startsEach is how often the system is started after each kind of end; the slowest counts.
	startsEach = 3
	// warm is how long a start may take on data that are there.
	warm = 5 * time.Second
	// startsOn is how many notices the system starts with.
	startsOn = 10_000
)

// start measures from the start of the process until /readyz says that everything can serve: on an empty directory, after a
// stop, and after a power cut. Their guests are being checked meanwhile.
func start(ctx context.Context, l *system) ([]lab.Figure, error) {
	if _, err := l.upload(ctx, func(n int) bool { return n < startsOn }, nil); err != nil {
		return nil, err
	}
	figures := []lab.Figure{{Measure: "from start to ready, on an empty directory", Value: inSeconds(l.Took)}}
	for _, end := range []struct {
		after  string
		signal syscall.Signal
	}{{"a stop", syscall.SIGTERM}, {"kill -9", syscall.SIGKILL}} {
		var slowest time.Duration
		for range startsEach {
			took, err := l.Again(ctx, end.signal)
			if err != nil {
				return nil, fmt.Errorf("start after %s: %w", end.after, err)
			}
			slowest = max(slowest, took)
		}
		figures = append(figures, lab.Figure{
			Measure: fmt.Sprintf("from start to ready, after %s, with %d notices, slowest of %d", end.after, startsOn, startsEach),
			Value:   inSeconds(slowest), Bar: "<= " + inSeconds(warm), OK: slowest <= warm,
		})
	}
	return figures, nil
}

func inSeconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
