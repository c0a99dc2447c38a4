package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
)

// ticks is how often a second the kernel counts the time of a process (USER_HZ, a constant of Linux).
const ticks = 100

// spent is the CPU time that the system has used so far: its process, PostgreSQL's, and those of theirs that have
// ended. Unlike a rate it says the same when others use the machine as well.
func (l *lab) spent() time.Duration { return cpuOf(l.system.Process.Pid) }

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

// cost is a figure without a bar: the CPU time of the system, PostgreSQL included and the load's excluded, per item.
func cost(measure string, used time.Duration, items int64) figure {
	return figure{measure: measure, value: fmt.Sprintf("%d µs", used.Microseconds()/max(items, 1))}
}

// behind counts the facts of the accommodation service that its read models, or its relay, have yet to see.
const behind = `
select (select max(position) from events) - least(
       (select min(position) from projection_checkpoints where source = 'log' and name not like '%/%'),
       (select min(position) from relay_positions))`

// catchUp waits until read models and relay have seen everything that was accepted, and says how far behind they were
// and how long it took. What the identity service has yet to check is bounded by the population database's rate, and
// is not waited for.
func (l *lab) catchUp(ctx context.Context, after string) (figure, error) {
	conn, err := pgx.Connect(ctx, l.database("accommodation"))
	if err != nil {
		return figure{}, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is lost with it
	began, first := time.Now(), int64(-1)
	err = poll(ctx, func() error {
		var lag int64
		if err := conn.QueryRow(ctx, behind).Scan(&lag); err != nil {
			return fmt.Errorf("look how far behind: %w", err)
		}
		if first < 0 {
			first = lag
		}
		if lag > 1_000 { // checks go on: something always is on its way
			return fmt.Errorf("%d facts behind", lag)
		}
		return nil
	})
	return figure{
		measure: "read models and relay after " + after,
		value:   fmt.Sprintf("%d facts behind, caught up after %.1f s", first, time.Since(began).Seconds()),
	}, err
}

const (
	idleWindow = time.Second
	// idleMost is what a system may use of a core that has nothing to do: its consumers ask Kafka twice a second.
	idleMost = idleWindow / 5
	// idleWindows in a row tell that it is idle: others may have kept it from the machine for one.
	idleWindows = 3
)

// untilIdle waits until the system has digested what it was given: what one measurement left behind must not be in the next.
func (l *lab) untilIdle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	for before, idle := l.spent(), 0; idle < idleWindows; {
		if err := client.Wait(ctx, idleWindow); err != nil {
			return fmt.Errorf("wait for an idle system: %w", err)
		}
		now := l.spent()
		if idle++; now-before > idleMost {
			idle = 0
		}
		before = now
	}
	l.say("  the system is idle after %.0f s", time.Since(began).Seconds())
	return nil
}
