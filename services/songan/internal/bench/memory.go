package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

// watchEvery is how often the system's memory is looked at.
const watchEvery = 250 * time.Millisecond

// memory watches the resident memory of the whole process during a long upload. It is flat when the second half of
// the upload needs no more than a quarter above the first half.
func memory(ctx context.Context, l *system) ([]lab.Figure, error) {
	var sent atomic.Int64
	done := make(chan struct{})
	halves := make(chan [2]int64, 1)
	go func() { halves <- l.watch(&sent, done) }()
	began := time.Now()
	accepted, err := l.upload(ctx, func(n int) bool { return n < l.args.Lines }, &sent)
	close(done)
	peaks := <-halves
	if err != nil {
		return nil, err
	}
	const mebi = 1 << 10 // kibibytes
	first, second := float64(peaks[0])/mebi, float64(peaks[1])/mebi
	return []lab.Figure{{
		Measure:  fmt.Sprintf("memory of the whole process, NDJSON upload of %d lines: peak of the second half : of the first", accepted),
		Value:    fmt.Sprintf("%.0f MiB in %.0f s", second, time.Since(began).Seconds()),
		Baseline: fmt.Sprintf("%.0f MiB", first), Ratio: second / first, Bar: "flat: <= 1.25", OK: second <= 1.25*first,
	}}, nil
}

// watch returns the peaks of resident memory in both halves of the upload, in KiB.
func (l *system) watch(sent *atomic.Int64, done <-chan struct{}) (peaks [2]int64) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return peaks
		case <-tick.C:
			half := 0
			if sent.Load() > int64(l.args.Lines)/2 {
				half = 1
			}
			peaks[half] = max(peaks[half], l.Memory())
		}
	}
}
