package payment

import (
	"slices"
	"strings"

	"github.com/songan-vn/songan/events/disbursement"
)

// Said is what a bank said about the money of one attempt: which bookings credited it and which brought it back, each once,
// and whether it contradicted itself about a credit without naming a booking.
type Said []string

// Doubt is said where a credit may not be one, or a rejection not one.
const Doubt = "?"

// CreditSaid is a booking that credited the account.
func CreditSaid(reference string) string { return "+" + reference }

// ReturnSaid is a booking that brought the money back.
func ReturnSaid(reference string) string { return "-" + reference }

// NotedSaid is what a report adds that was recorded beside an outcome; empty when it adds nothing. A rejection is a doubt only
// about a credit that stands.
func NotedSaid(e disbursement.ReportNoted, outcome string) string {
	switch {
	case e.Status == statusACCC:
		return CreditSaid(e.BankReference)
	case e.Status == statusRTND:
		return ReturnSaid(e.BankReference)
	case e.Why != Contradictory, e.Status == statusRJCT && outcome != Credited:
		return ""
	default:
		return Doubt
	}
}

// With adds something, unless it was said before.
func (s Said) With(what string) Said {
	if what == "" || slices.Contains(s, what) {
		return s
	}
	return append(slices.Clip(s), what)
}

// Contested tells whether somebody may have the money although the outcome says otherwise, or more of it than once.
func (s Said) Contested(outcome string) bool {
	var credits, returns, doubts int
	for _, what := range s {
		switch {
		case what == Doubt:
			doubts = 1
		case strings.HasPrefix(what, "+"):
			credits++
		default:
			returns++
		}
	}
	if outcome == Credited {
		return credits > 1 || returns > 0 || doubts > 0
	}
	return max(credits, doubts) > returns
}

// hear adds what the bank said, and weighs all of it against the outcome.
func (a *Attempt) hear(what string) {
	a.said = a.said.With(what)
	a.Contested = a.said.Contested(a.Outcome)
}

// knows tells whether the bank said this of the attempt before. Credits and returns are told apart by their bookings.
func (a *Attempt) knows(status, reference string) bool {
	switch status {
	case statusACCC:
		return slices.Contains(a.said, CreditSaid(reference))
	case statusRTND:
		return slices.Contains(a.said, ReturnSaid(reference))
	default:
		return a.seen.has(status)
	}
}

// credited tells whether any booking was named that credited the account.
func (a *Attempt) credited() bool {
	return slices.ContainsFunc(a.said, func(what string) bool { return strings.HasPrefix(what, "+") })
}
