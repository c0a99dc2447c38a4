// Package entitlement says what a person has a right to for a month, and proves it. It is pure: what the law is on
// a day stands in data with dates (rules.json), and the day is a parameter.
//
//  1. A decision grants a category. Age bands within it follow from the birth date: whoever crosses an age limit
//     in a month crosses it for the month after, also when the birthday is the first of the month.
//  2. A right begins in the month in which the decision is signed. Changes and stops hold from the month after they
//     happen; the caller says which month that is.
//  3. The last month of somebody who died is the month of death.
//  4. A suspension pays nothing. It lasts until the right is resumed, for three months at most; after that the right
//     has ended and needs a new decision.
//  5. Of several categories only the highest counts, across programmes. Categories that may be paid side by side are
//     listed as combinations: a single parent's children (c4) with one of elderly, disabled, or living with HIV.
//     Among equal sums the rule earlier in the file counts.
//  6. An amount is standard x coefficient x times, in whole dong: coefficients are tenths, standards multiples of
//     ten dong, and there is nothing to round. The standard is the higher one of the nation's and the province's.
//  7. What is owed for a month depends on the day of asking: a decree of August with effect back to July may be used
//     from the day it is in force. Before that day the old amount goes on; after it the difference is [Due].
//  8. Nothing is lost without a reason. Whatever did not count is in [Entitlement.Rejected] with its [Reason].
//  9. What was paid too little and what was paid too much stay apart, month by month, and are never netted.
//
// A person who moves to another province is computed month by month with the province of that month.
package entitlement

import (
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// Person is what a right depends on besides decisions.
type Person struct {
	// BirthDate may be known to the year or the month only; the rules say which day it counts as.
	BirthDate vn.PartialDate `json:"birth_date"`
	// DiedOn is no date for the living.
	DiedOn vn.Date `json:"died_on,omitzero"`
	// Province is the code of the province which pays in the month that is computed; it may grant a higher level.
	Province string `json:"province"`
}

// Enrolment is one decision which grants a category, with what became of it.
type Enrolment struct {
	ID        string  `json:"id"`
	Programme string  `json:"programme"`
	Category  string  `json:"category"`
	SignedOn  vn.Date `json:"signed_on"`
	// StartsFrom is the first month of the right, where that isn't the month of the signature: a decision which
	// changes an earlier one holds from the month after.
	StartsFrom month.Month `json:"starts_from,omitzero"`
	Facts      Facts       `json:"facts,omitzero"`
	// Changes are later facts, in the order of their months.
	Changes     []Change     `json:"changes,omitempty"`
	Suspensions []Suspension `json:"suspensions,omitempty"`
	// StoppedFrom is the first month without a right: the month after the loss.
	StoppedFrom month.Month `json:"stopped_from,omitzero"`
}

// Facts is what the amount of a category depends on.
type Facts struct {
	// Children is the number of children of a single parent, for categories that count by child.
	Children int `json:"children,omitempty"`
}

// Change replaces the facts of an enrolment from a month on.
type Change struct {
	From  month.Month `json:"from"`
	Facts Facts       `json:"facts"`
}

// Suspension holds a right back from one month until the month in which it is resumed. If it turns out to have been
// unfounded, the caller leaves it out, and its months come back as arrears.
type Suspension struct {
	From        month.Month `json:"from"`
	ResumedFrom month.Month `json:"resumed_from,omitzero"`
}

// Entitlement is a person's right for one month and its proof. Its order does not depend on the order of enrolments.
type Entitlement struct {
	Month month.Month `json:"month"`
	// Lines are what counts: usually one, the highest first.
	Lines []Line `json:"lines,omitempty"`
	// Rejected is what did not count.
	Rejected []Rejected `json:"rejected,omitempty"`
}

// Line is one amount with everything needed to compute it again by hand.
type Line struct {
	Enrolment string `json:"enrolment"`
	Programme string `json:"programme"`
	// Rule is the row of the table of coefficients, "C6-c".
	Rule     string       `json:"rule"`
	Amount   money.Amount `json:"amount"`
	Standard money.Amount `json:"standard"`
	// Province is set where the standard is the province's, because it is higher than the nation's.
	Province    string `json:"province,omitempty"`
	Coefficient string `json:"coefficient"`
	// Times is the number of children, 1 for every other category.
	Times int `json:"times"`
	// LegalBasis names the source of the coefficient, then that of the standard.
	LegalBasis []string `json:"legal_basis"`
	// Unverified says that a row which the line rests on could not be checked against a source: the coefficient, the
	// standard, the reading of an unknown birthday, or the combination by which it is paid beside another line.
	Unverified bool `json:"unverified,omitempty"`
}

// Rejected is something that was examined and does not count.
type Rejected struct {
	Enrolment string `json:"enrolment"`
	// Rule and Amount are empty when the reason is found before a rule, or before an amount.
	Rule   string       `json:"rule,omitempty"`
	Amount money.Amount `json:"amount,omitempty"`
	Reason Reason       `json:"reason"`
}

// Total returns what the lines add up to. Lines of [Rules.Entitled] are far too small to overflow.
func (e Entitlement) Total() money.Amount {
	var total money.Amount
	for _, line := range e.Lines {
		total += line.Amount
	}
	return total
}

// Entitled returns the right of a person for a month, by the rules that may be used on the day asOf. It has an answer
// for enrolments that [Rules.CheckEnrolment] would refuse, too: they are rejected with a reason.
func (r Rules) Entitled(p Person, enrolments []Enrolment, m month.Month, asOf vn.Date) Entitlement {
	c := computation{rules: &r, person: p, month: m, asOf: asOf}
	for i := range enrolments {
		c.examine(&enrolments[i])
	}
	lines := c.choose()
	sortRejected(c.rejected)
	return Entitlement{Month: m, Lines: lines, Rejected: c.rejected}
}
