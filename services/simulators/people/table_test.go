package people

import (
	"testing"

	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

func TestHeavyEntriesAreDrawnMoreOften(t *testing.T) {
	t.Parallel()
	var w weighted[string]
	for item, weight := range map[string]string{"never": "0", "rare": "1", "often": "9"} {
		if err := w.add(item, weight); err != nil {
			t.Fatal(err)
		}
	}
	d, drawn := dice.New(1), map[string]int{}
	for range 10_000 {
		drawn[w.draw(d)]++
	}
	if drawn["never"] != 0 || drawn["rare"] < 900 || drawn["rare"] > 1100 {
		t.Errorf("drawn: %v", drawn)
	}
	if err := w.add("wrong", "-1"); err == nil {
		t.Error("a negative weight was accepted")
	}
}
