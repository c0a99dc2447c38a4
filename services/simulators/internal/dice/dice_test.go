package dice_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

func TestAPermutationReachesEveryNumberOnceAndBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 3000).Draw(t, "n")
		p := dice.NewPermutation(n, rapid.Uint64().Draw(t, "key"))
		seen := make([]bool, n)
		for x := range n {
			y := p.Apply(x)
			if y >= n || seen[y] {
				t.Fatalf("%d of %d became %d, which is too large or taken", x, n, y)
			}
			seen[y] = true
			if back := p.Invert(y); back != x {
				t.Fatalf("%d became %d, and that %d", x, y, back)
			}
		}
	})
}

func TestLargePermutationsGoBackToo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 1<<40).Draw(t, "n")
		p := dice.NewPermutation(n, rapid.Uint64().Draw(t, "key"))
		x := rapid.Uint64Range(0, n-1).Draw(t, "x")
		if y := p.Apply(x); y >= n || p.Invert(y) != x {
			t.Fatalf("%d of %d became %d, and that %d", x, n, y, p.Invert(y))
		}
	})
}

func TestDiceAreTheSameForEver(t *testing.T) {
	t.Parallel()
	d := dice.New(1, 'c', 2)
	got := []uint64{d.Next(), d.Next(), d.Below(1000), d.Below(1000), dice.NewPermutation(1000, 7).Apply(1)}
	want := []uint64{13073928577648138977, 11851164658214528927, 645, 558, 299}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all people change with these (-want +got):\n%s", diff)
	}
}

func TestADieFallsOnEverySide(t *testing.T) {
	t.Parallel()
	d, sides := dice.New(3), map[int]int{}
	for range 6000 {
		sides[d.Between(1, 6)]++
	}
	for side, times := range sides {
		if side < 1 || side > 6 || times < 850 || times > 1150 {
			t.Errorf("side %d fell %d times of 6,000", side, times)
		}
	}
	if len(sides) != 6 || dice.Pick(d, []string{"only"}) != "only" || !d.OneIn(1) {
		t.Errorf("sides: %v", sides)
	}
}

func Example() {
	// Where a number lands can be computed back, without a table.
	shuffle := dice.NewPermutation(1_000_000, 42)
	serial := shuffle.Apply(7)
	fmt.Println(shuffle.Invert(serial))
	// Output: 7
}
