package onemachine

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Garbage is collected when the heap has grown to heapRoom, or to twice of what lives if that is more: Go's own rule alone
// would let five services with little in their hands collect all the time, and take several times as much memory when
// they are busy.
const (
	heapRoom    = 512 << 20
	leastGrowth = 100 // percent of what lives
	mostGrowth  = 900
	liveBytes   = "/gc/heap/live:bytes"
	lookEvery   = 250 * time.Millisecond
)

// KeepHeap sees to the pace of garbage collection until ctx ends.
func KeepHeap(ctx context.Context) {
	sample := []metrics.Sample{{Name: liveBytes}}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for now := 0; ; {
		metrics.Read(sample)
		if next := growth(sample[0].Value.Uint64()); next != now {
			debug.SetGCPercent(next)
			now = next
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// growth is by how much the heap may grow before it is collected again, in percent of the bytes that live. It moves in
// steps, because every change stops the world for a moment.
func growth(live uint64) int {
	const step = 50
	percent := mostGrowth
	if live > 0 {
		percent = int(min(heapRoom*100/live, mostGrowth+100)) - 100
	}
	return max(percent/step*step, leastGrowth)
}
