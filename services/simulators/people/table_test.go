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

func TestACellEndsAtItsLastPerson(t *testing.T) {
	t.Parallel()
	r, err := New(Options{Seed: 11, Size: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	for cell := range 500 {
		w, count := r.cells.at(cell), r.cells.count(cell)
		for within, exists := range map[uint64]bool{0: count > 0, count - 1: count > 0, count: false} {
			if within == ^uint64(0) {
				continue // there is nobody before the first of an empty cell
			}
			number := r.citizen(0, w, within).Document.Number
			if p, found := r.Lookup(number); found != exists || found && r.At(p.Index).Document.Number != number {
				t.Fatalf("person %d of %d in cell %d: found %t", within, count, cell, found)
			}
		}
	}
}
