package onemachine

import (
	"testing"

	"pgregory.net/rapid"
)

func TestTheHeapHasRoomAndNeverLessThanWhatLives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live := rapid.Uint64Range(0, 8<<30).Draw(t, "live")
		percent := growth(live)
		if percent < leastGrowth || percent > mostGrowth {
			t.Fatalf("the heap may grow by %d %%", percent)
		}
		if heap := live + live*uint64(percent)/100; heap > max(heapRoom, 2*live) {
			t.Fatalf("a heap of %d bytes for %d that live", heap, live)
		}
	})
}
