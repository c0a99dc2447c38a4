package statement_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/services/songan/internal/demo/payday/statement"
)

// states are all of the contract.
func states() []string {
	return []string{
		"released", "sent", "acknowledged", "in_flight", "unknown", "credited", "rejected", "returned", "reissued",
		"cash_pending", "cash_paid", "carried_forward", "recalled",
	}
}

func TestWhatIsCountedPaymentByPaymentIsWhatWasInstructed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var sums, first, second statement.Sums
		for i, amount := range rapid.SliceOf(rapid.Int64Range(1, 1e12)).Draw(t, "amounts") {
			state := rapid.SampledFrom(states()).Draw(t, "state")
			part := &first
			if i%2 == 1 {
				part = &second
			}
			for _, s := range []*statement.Sums{&sums, part} {
				if err := s.Count(state, amount); err != nil {
					t.Fatal(err)
				}
				s.Instructed = s.Instructed.Plus(statement.Of(amount))
			}
		}
		if diff := cmp.Diff(sums, first.Plus(second)); diff != "" {
			t.Fatalf("the parts do not add up (-whole +parts):\n%s", diff)
		}
		if sums.Difference() != (statement.Sum{}) {
			t.Fatalf("difference %v of %v", sums.Difference(), sums)
		}
		if sums.Cashless() < 0 || sums.Cashless() > 1000 {
			t.Fatalf("%d per mille without cash", sums.Cashless())
		}
		lost := sums
		lost.Instructed = lost.Instructed.Plus(statement.Of(540_000))
		if diff := cmp.Diff(statement.Of(540_000), lost.Difference()); diff != "" {
			t.Fatalf("a lost payment (-want +got):\n%s", diff)
		}
	})
}

func TestAStateThatNobodyKnowsIsNotOverlooked(t *testing.T) {
	t.Parallel()
	var s statement.Sums
	if err := s.Count("vanished", 540_000); err == nil || s != (statement.Sums{}) {
		t.Fatalf("%v, %v", s, err)
	}
}

func ExampleSums() {
	s := statement.Sums{Instructed: statement.Sum{Payments: 3, Dong: 2_160_000}}
	for state, dong := range map[string]int64{"credited": 540_000, "cash_paid": 810_000, "rejected": 810_000} {
		if err := s.Count(state, dong); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(s.Difference(), s.Open(), s.Cashless())
	// Output: {0 0} 0 500
}

func TestThreeWitnesses(t *testing.T) {
	t.Parallel()
	ten, eleven := statement.Sum{Payments: 10, Dong: 5_400_000}, statement.Sum{Payments: 11, Dong: 5_400_000}
	other := statement.Sum{Payments: 10, Dong: 5_399_999}
	for name, c := range map[string]struct {
		demo, api, banks *statement.Sum
		agree            bool
	}{
		"agree":                       {&ten, &ten, &ten, true},
		"agree when one cannot know":  {&ten, nil, &ten, true},
		"one alone proves nothing":    {nil, &ten, nil, false},
		"nobody knows":                {nil, nil, nil, false},
		"the bank paid one more":      {nil, &ten, &eleven, false},
		"the demo wanted another sum": {&other, &ten, &ten, false},
	} {
		var want []string
		if !c.agree {
			want = []string{"credited"}
		}
		figures := []statement.Figure{{Name: "credited", Demo: c.demo, API: c.api, Banks: c.banks}}
		if diff := cmp.Diff(want, statement.Differing(figures)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
