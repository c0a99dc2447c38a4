package onemachine

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Garbage is collected when the heap has grown to its room, or to twice of what lives if that is more: Go's own rule alone
// would let five services with little in their hands collect all the time, and take several times as much memory when
// they are busy. The room is a share of the machine's memory. Paying 120,000 people, with 300 MiB that live, a room of 512 MiB
// cost more than a quarter of the process's time.
const (
	leastRoom   = 512 << 20
	mostRoom    = 1536 << 20
	share       = 16  // of the machine's memory
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
	room := roomIn(memoryOf("/proc/meminfo"))
	for now := 0; ; {
		metrics.Read(sample)
		if next := growth(sample[0].Value.Uint64(), room); next != now {
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

// memoryOf reads how many bytes of memory the machine has; 0 where Linux's file is not there.
func memoryOf(meminfo string) uint64 {
	text, err := os.ReadFile(meminfo) //nolint:gosec // it is /proc/meminfo
	if err != nil {
		return 0
	}
	var kibibytes uint64
	if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kibibytes); err != nil {
		return 0
	}
	return kibibytes << 10
}

// roomIn is the room of the heap on a machine with so much memory.
func roomIn(memory uint64) uint64 { return min(max(memory/share, leastRoom), mostRoom) }

// growth is by how much the heap may grow before it is collected again, in percent of the bytes that live. It moves in
// steps, because every change stops the world for a moment.
func growth(live, room uint64) int {
	const step = 50
	percent := mostGrowth
	if live > 0 {
		percent = int(min(room*100/live, mostGrowth+100)) - 100
	}
	return max(percent/step*step, leastGrowth)
}
