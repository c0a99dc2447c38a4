package entitlement

import (
	"cmp"
	"slices"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// maxLines is how many categories may be paid side by side. Today's law knows two; the limit keeps the search short
// whatever an operator's file combines.
const maxLines = 4

// choose returns the lines with the highest sum among those which may be paid side by side, and rejects the rest.
func (c *computation) choose() []Line {
	slices.SortFunc(c.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.line.Amount, a.line.Amount), cmp.Compare(a.rank, b.rank),
			cmp.Compare(a.line.Enrolment, b.line.Enrolment))
	})
	chosen := c.best()
	var lines []Line
	for i, candidate := range c.candidates {
		line := candidate.line
		if slices.Contains(chosen, i) {
			line.Unverified = line.Unverified || c.combinedUnverified(chosen, i)
			lines = append(lines, line)
			continue
		}
		c.rejected = append(c.rejected, Rejected{Enrolment: line.Enrolment, Rule: line.Rule, Amount: line.Amount, Reason: NotHighest})
	}
	return lines
}

// best returns the places of the chosen candidates.
func (c *computation) best() []int {
	if len(c.candidates) == 1 {
		return []int{0}
	}
	s := search{rules: c.rules, month: c.month, asOf: c.asOf}
	for i, candidate := range c.candidates {
		taken := slices.ContainsFunc(s.places, func(j int) bool { return c.candidates[j].category == candidate.category })
		if !taken { // the highest of its category: the candidates are sorted
			s.places = append(s.places, i)
		}
	}
	s.candidates = c.candidates
	s.extend(0, make([]int, 0, maxLines), 0)
	return s.best
}

// A search tries all sets of categories which may be paid side by side. The first of several equal sums stays.
type search struct {
	rules      *Rules
	month      month.Month
	asOf       vn.Date
	candidates []candidate
	places     []int // one candidate of each category, the highest first
	best       []int
	sum        money.Amount
}

func (s *search) extend(from int, chosen []int, sum money.Amount) {
	if sum > s.sum {
		s.best, s.sum = slices.Clone(chosen), sum
	}
	if len(chosen) == maxLines {
		return
	}
	for next := from; next < len(s.places); next++ {
		i := s.places[next]
		if s.combines(chosen, i) {
			s.extend(next+1, append(chosen, i), sum+s.candidates[i].line.Amount)
		}
	}
}

func (s *search) combines(chosen []int, i int) bool {
	for _, j := range chosen {
		if s.rules.combination(s.candidates[i].category, s.candidates[j].category, s.month, s.asOf) == nil {
			return false
		}
	}
	return true
}

// combinedUnverified tells whether a chosen line is paid beside another one only by a combination that nobody confirmed.
func (c *computation) combinedUnverified(chosen []int, i int) bool {
	return slices.ContainsFunc(chosen, func(j int) bool {
		return j != i && !c.rules.combination(c.candidates[i].category, c.candidates[j].category, c.month, c.asOf).Verified
	})
}

// combination returns the row by which both categories may be paid for one month, whichever of the two it stands
// with; nil if they exclude each other.
func (r *Rules) combination(a, b string, m month.Month, asOf vn.Date) *Combination {
	for _, pair := range [2][2]string{{a, b}, {b, a}} {
		row, ok := r.combinations[pair[0]].at(m, asOf)
		if ok && slices.Contains(row.With, pair[1]) {
			return row
		}
	}
	return nil
}

func sortRejected(rejected []Rejected) {
	slices.SortFunc(rejected, func(a, b Rejected) int {
		return cmp.Or(cmp.Compare(a.Enrolment, b.Enrolment), cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(b.Amount, a.Amount))
	})
}
