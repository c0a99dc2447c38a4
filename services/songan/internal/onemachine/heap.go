package onemachine

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Garbage is collected when the heap has grown to its room, or by a part of what lives if that is more: Go's own rule alone
// would let five services with little in their hands collect all the time, and take several times as much memory when
// they are busy. The room is a share of the memory that the process may use. Paying 120,000 people, with 300 to 400 MiB that live,
// a room of 512 MiB cost more than a quarter of the process's time. With a heap of twice what lives a release took 327 µs of CPU for a
// payment, with three and a half times 283, with five times 308: a run each, on a machine whose runs differ by more than the last two.
const (
	leastRoom   = 512 << 20
	mostRoom    = 768 << 20 // with twice as much, an upload took a third more of the processor: memory has to be fetched, too
	share       = 16        // of the memory
	mostShare   = 4         // of the memory, unless the least growth is more: the servers beside us need some too
	leastGrowth = 100       // percent of what lives
	ampleGrowth = 250       // where there is memory for it
	mostGrowth  = 900
	liveBytes   = "/gc/heap/live:bytes"
	lookEvery   = 250 * time.Millisecond
)

// KeepHeap sees to the pace of garbage collection until ctx ends. An operator who has set GOGC or GOMEMLIMIT sees to it
// himself.
func KeepHeap(ctx context.Context) {
	if given(os.Getenv) {
		return
	}
	sample := []metrics.Sample{{Name: liveBytes}}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	memory := memoryIn(os.DirFS("/"))
	for now := 0; ; {
		metrics.Read(sample)
		if next := growth(sample[0].Value.Uint64(), memory); next != now {
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

// given tells whether the operator has said how Go is to use memory.
func given(getenv func(string) string) bool {
	return getenv("GOGC") != "" || getenv("GOMEMLIMIT") != ""
}

// roomIn is the room of the heap in so much memory; 0 is unknown.
func roomIn(memory uint64) uint64 {
	if memory == 0 {
		return leastRoom
	}
	return min(max(memory/share, leastRoom), mostRoom, memory/mostShare)
}

// growth is by how much the heap may grow before it is collected again, in percent of the bytes that live. It moves in
// steps, because every change stops the world for a moment.
func growth(live, memory uint64) int {
	const step = 50
	percent := mostGrowth
	if live > 0 {
		of := func(bytes uint64) uint64 { return bytes * 100 / live }
		percent = int(min(max(of(roomIn(memory)), min(of(memory/mostShare), 100+ampleGrowth)), 100+mostGrowth)) - 100
	}
	return max(percent/step*step, leastGrowth)
}
