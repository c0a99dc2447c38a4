package ring_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/eventstore/internal/ring"
)

func TestItAnswersOnlyForThePositionBeforeOneThatItHolds(t *testing.T) {
	t.Parallel()
	r := ring.New[int64](3, 1000)
	for position := int64(4); position <= 8; position++ {
		r.Add(position, position, 1)
	}
	for after, want := range map[int64][]int64{3: nil, 4: nil, 5: {6, 7, 8}, 6: {7, 8}, 7: {8}, 8: nil, 9: nil} {
		if got := r.After(after, 10); !slices.Equal(got, want) {
			t.Errorf("after %d: %v, want %v", after, got, want)
		}
	}
	if got := r.After(5, 2); !slices.Equal(got, []int64{6, 7}) {
		t.Errorf("two after 5: %v", got)
	}
}

func TestWhoCanDoWithoutWhatWasForgottenGetsTheRest(t *testing.T) {
	t.Parallel()
	r := ring.New[int64](3, 1000)
	for position := int64(4); position <= 8; position++ {
		r.Add(position, position, 1)
	}
	for after, want := range map[int64][]int64{0: {6, 7}, 4: {6, 7}, 5: {6, 7}, 6: {7, 8}, 7: {8}, 8: nil, 9: nil} {
		if got := r.Since(after, 2); !slices.Equal(got, want) {
			t.Errorf("since %d: %v, want %v", after, got, want)
		}
	}
}

func TestAnEmptyRingHoldsNothing(t *testing.T) {
	t.Parallel()
	r := ring.New[int64](3, 1000)
	for _, after := range []int64{-1, 0, 1} {
		if got := append(r.After(after, 10), r.Since(after, 10)...); got != nil {
			t.Errorf("after %d: %v", after, got)
		}
	}
}

func TestAHoleMakesItForgetWhatLiesBeforeIt(t *testing.T) {
	t.Parallel()
	r := ring.New[int64](10, 1000)
	for _, position := range []int64{1, 2, 5, 3, 5, 6} { // 3 comes too late, 5 twice
		r.Add(position, position, 1)
	}
	for after, want := range map[int64][]int64{0: nil, 1: nil, 2: nil, 4: {5, 6}} {
		if got := r.After(after, 10); !slices.Equal(got, want) {
			t.Errorf("after %d: %v, want %v", after, got, want)
		}
	}
}

// The ring against a list: whatever is added, what it hands out is the dense end of the list, within the bounds.
func TestItIsTheDenseEndOfWhatWasAdded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most, mostBytes := rapid.IntRange(1, 8).Draw(t, "most"), rapid.IntRange(1, 30).Draw(t, "bytes")
		r := ring.New[[2]int64](most, mostBytes)
		var held [][2]int64 // position, bytes
		next := int64(1)
		for range rapid.IntRange(0, 60).Draw(t, "adds") {
			position := max(1, next+int64(rapid.IntRange(-2, 2).Draw(t, "off")))
			bytes := rapid.IntRange(0, 12).Draw(t, "size")
			item := [2]int64{position, int64(bytes)}
			r.Add(position, item, bytes)
			held = model(held, item, most, mostBytes)
			next = held[len(held)-1][0] + 1
			after := next - int64(rapid.IntRange(0, most+2).Draw(t, "back"))
			var want [][2]int64
			for i, h := range held {
				if h[0] == after+1 {
					want = held[i:]
				}
			}
			if got := r.After(after, 100); !slices.Equal(got, want) {
				t.Fatalf("after %d: %v, want %v", after, got, want)
			}
		}
	})
}

func model(held [][2]int64, item [2]int64, most, mostBytes int) [][2]int64 {
	if n := len(held); n > 0 && item[0] <= held[n-1][0] {
		return held
	} else if n > 0 && item[0] > held[n-1][0]+1 {
		held = nil
	}
	held = append(slices.Clone(held), item)
	sum := func() (bytes int64) {
		for _, h := range held {
			bytes += h[1]
		}
		return bytes
	}
	for len(held) > most || len(held) > 1 && sum() > int64(mostBytes) {
		held = held[1:]
	}
	return held
}
