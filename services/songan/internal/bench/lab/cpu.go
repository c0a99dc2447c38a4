package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
)

// ticks is how often a second the kernel counts the time of a process (USER_HZ, a constant of Linux).
const ticks = 100

// Spent is the CPU time that the system has used so far: its process, PostgreSQL's, and those of theirs that have
// ended. Unlike a rate it says the same when others use the machine as well.
func (l *Lab) Spent() time.Duration { return cpuOf(l.system.Process.Pid) }

func cpuOf(pid int) time.Duration {
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return 0 // it has just ended, and its parent counts it
	}
	var used int64
	_, after, _ := strings.Cut(string(stat), ") ") // the name before it may hold anything
	const utime, cstime = 11, 14                   // counted from the state on
	for i, field := range strings.Fields(after) {
		if i >= utime && i <= cstime {
			n, _ := strconv.ParseInt(field, 10, 64) // the kernel writes numbers
			used += n
		}
	}
	total := time.Duration(used) * time.Second / ticks
	threads, _ := filepath.Glob(filepath.Join(folder, "task", "*", "children"))
	for _, thread := range threads {
		children, _ := os.ReadFile(thread) // a thread that has ended has none
		for child := range strings.FieldsSeq(string(children)) {
			if pid, err := strconv.Atoi(child); err == nil {
				total += cpuOf(pid)
			}
		}
	}
	return total
}

const (
	idleWindow = time.Second
	// idleMost is what a system may use of a core that has nothing to do: its consumers ask Kafka twice a second.
	idleMost = idleWindow / 5
	// idleWindows in a row tell that it is idle: others may have kept it from the machine for one.
	idleWindows = 3
)

// UntilIdle waits until the system has digested what it was given: what one measurement left behind must not be in the next.
func (l *Lab) UntilIdle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	began := time.Now()
	for before, idle := l.Spent(), 0; idle < idleWindows; {
		if err := client.Wait(ctx, idleWindow); err != nil {
			return fmt.Errorf("wait for an idle system: %w", err)
		}
		now := l.Spent()
		if idle++; now-before > idleMost {
			idle = 0
		}
		before = now
	}
	l.Say("  the system is idle after %.0f s", time.Since(began).Seconds())
	return nil
}
