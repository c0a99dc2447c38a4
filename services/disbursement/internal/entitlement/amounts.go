package entitlement

import (
	"maps"
	"slices"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// Amounts returns what anybody, anywhere, can be entitled to in a programme for a month, by the rules that may be used on the day
// asOf: [Rules.Entitled] comes to none but these.
func (r Rules) Amounts(programme string, m month.Month, asOf vn.Date) map[money.Amount]bool {
	provinces := map[string]bool{"": true}
	for at := range r.levels {
		provinces[at.province] = true
	}
	sums := make(map[money.Amount]bool)
	for province := range provinces {
		w := ways{computation: computation{rules: &r, person: Person{Province: province}, month: m, asOf: asOf}, sums: sums}
		w.find(programme)
		w.extend(0, make([]string, 0, maxLines), 0)
	}
	return sums
}

// ways are the amounts that somebody may be paid in a province, whoever they are.
type ways struct {
	computation

	categories []string
	amounts    map[string][]money.Amount // of each category, at every age and with every number of children
	sums       map[money.Amount]bool
}

// find looks for the categories of a programme, and what each grants.
func (w *ways) find(programme string) {
	w.amounts = make(map[string][]money.Amount)
	for name, category := range w.rules.categories {
		standard, _, ok := w.standard(category.programme.Standard)
		if category.programme.ID != programme || !ok {
			continue
		}
		for _, band := range category.rules {
			if rule, inForce := band.at(w.month, w.asOf); inForce {
				w.amounts[name] = append(w.amounts[name], rule.amounts(standard)...)
			}
		}
	}
	w.categories = slices.Sorted(maps.Keys(w.amounts))
}

// amounts is what a rule grants, with every number of children.
func (r *Rule) amounts(standard level) []money.Amount {
	amounts := []money.Amount{r.amount(standard, 1)}
	for n := 2; r.PerChild && n <= maxChildren; n++ {
		amounts = append(amounts, r.amount(standard, n))
	}
	return amounts
}

// extend adds up every set of categories that may be paid side by side.
func (w *ways) extend(from int, chosen []string, sum money.Amount) {
	if len(chosen) > 0 {
		w.sums[sum] = true
	}
	if len(chosen) == maxLines {
		return
	}
	for i, category := range w.categories[from:] {
		if !w.beside(chosen, category) {
			continue
		}
		for _, amount := range w.amounts[category] {
			w.extend(from+i+1, append(chosen, category), sum+amount)
		}
	}
}

func (w *ways) beside(chosen []string, category string) bool {
	return !slices.ContainsFunc(chosen, func(other string) bool { return w.rules.combination(other, category, w.month, w.asOf) == nil })
}
