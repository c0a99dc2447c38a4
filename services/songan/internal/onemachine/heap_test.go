package onemachine

import (
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

func TestTheHeapHasRoomAndNeverLessThanWhatLives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live, room := rapid.Uint64Range(0, 8<<30).Draw(t, "live"), roomIn(rapid.Uint64Range(0, 64<<30).Draw(t, "memory"))
		percent := growth(live, room)
		if percent < leastGrowth || percent > mostGrowth {
			t.Fatalf("the heap may grow by %d %%", percent)
		}
		if heap := live + live*uint64(percent)/100; heap > max(room, 2*live) {
			t.Fatalf("a heap of %d bytes for %d that live", heap, live)
		}
	})
}

func TestTheRoomIsAShareOfTheMachine(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "meminfo")
	if err := os.WriteFile(file, []byte("MemTotal:       8388608 kB\nMemFree: 1 kB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ got, want uint64 }{
		"8 GiB":       {roomIn(memoryOf(file)), (8 << 30) / share},
		"no file":     {roomIn(memoryOf(file + "x")), leastRoom},
		"much memory": {roomIn(1 << 40), mostRoom},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", what, c.got, c.want)
		}
	}
}
