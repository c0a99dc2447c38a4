package entitlement_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// What is granted to anybody is among the amounts that there are.
func TestNobodyIsGrantedWhatIsNoAmount(t *testing.T) {
	t.Parallel()
	ask(t, func(t *rapid.T, q question) {
		sums := map[string]money.Amount{}
		for _, line := range q.answer(q.enrolments...).Lines {
			sums[line.Programme] += line.Amount
		}
		for programme, sum := range sums {
			if !q.rules.Amounts(programme, q.month, q.asOf)[sum] {
				t.Fatalf("%s grants %d, which is no amount of %v on %v", programme, sum, q.month, q.asOf)
			}
		}
	})
}

func TestAmountsAreThoseThatWereKnownOnTheDay(t *testing.T) {
	t.Parallel()
	rules := entitlement.National()
	for name, c := range map[string]struct {
		programme, month string
		asOf             vn.Date
		want             []money.Amount
	}{
		"the nation's and the provinces'":        {"social_pension", "2026-06", vn.MustDate(2026, 6, 30), []money.Amount{500_000, 530_000, 650_000, 700_000}},
		"the old ones until the decree is known": {"social_pension", "2026-08", vn.MustDate(2026, 10, 4), []money.Amount{500_000, 530_000, 650_000, 700_000}},
		"no lower than the nation's":             {"social_pension", "2026-08", vn.MustDate(2026, 10, 5), []money.Amount{540_000, 650_000, 700_000}},
		"none before there was a right":          {"social_pension", "2025-06", vn.MustDate(2026, 10, 5), nil},
		"none of no programme":                   {"lottery", "2026-08", vn.MustDate(2026, 10, 5), nil},
	} {
		got := slices.Sorted(maps.Keys(rules.Amounts(c.programme, month.Must(c.month), c.asOf)))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Thirty children and a person cared for in the community are the most, and a tenth more is nothing.
func TestAmountsAreSumsOfWhatIsPaidSideBySide(t *testing.T) {
	t.Parallel()
	amounts := entitlement.National().Amounts("social_assistance", month.Must("2026-08"), vn.MustDate(2026, 10, 5))
	most := slices.Max(slices.Collect(maps.Keys(amounts)))
	if most != (30+3)*540_000 || amounts[594_000] || !amounts[3*540_000+810_000] {
		t.Errorf("the most is %d, and there is 594000: %t, or 2430000: %t", most, amounts[594_000], amounts[3*540_000+810_000])
	}
}
