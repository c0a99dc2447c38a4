package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

// memory watches the resident memory of the whole process during a long upload.
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
	figure := lab.Flat(
		fmt.Sprintf("memory of the whole process, NDJSON upload of %d lines: peak of the second half : of the first", accepted), peaks[0], peaks[1])
	figure.Value += fmt.Sprintf(" in %.0f s", time.Since(began).Seconds())
	return []lab.Figure{figure}, nil
}

// watch returns the peaks of resident memory in both halves of the upload, in KiB.
func (l *system) watch(sent *atomic.Int64, done <-chan struct{}) (peaks [2]int64) {
	tick := time.NewTicker(lab.WatchEvery)
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
