// Package enrolment is the life of one decision that grants a person a programme.
//
//  1. The right begins in the month in which the decision is signed, or in the one after where the decision says so.
//  2. A suspension pays nothing from a month on. It ends by a resumption, in time; after that the right has lapsed and
//     needs a new decision.
//  3. A stop names the first month without right. It may be moved to an earlier month, when it becomes known that the
//     reason arose before, and never to a later one.
//  4. The death of the person stops the right from the month after, and needs no officer. An officer's stop may take its place.
//
// Amounts are not computed here: see package entitlement.
package enrolment

import (
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// Enrolment is the folded state. Its zero value is one that nobody granted.
type Enrolment struct {
	disbursement.Enrolled
	Suspensions []entitlement.Suspension
	// StoppedFrom is the first month without right; none while it lasts.
	StoppedFrom month.Month
	// Died says that it was stopped because the person died.
	Died bool
}

// Stream is where the life of an enrolment is recorded.
func Stream(id string) string { return "enrolment-" + id }

// Exists tells whether the enrolment was granted.
func (e Enrolment) Exists() bool { return e.Enrolment() != "" }

// Enrolment is the id.
func (e Enrolment) Enrolment() string { return e.Enrolled.Enrolment }

// Start is the first month of the right.
func (e Enrolment) Start() month.Month { return Start(e.Enrolled) }

// Start is the first month of the right that a decision grants.
func Start(e disbursement.Enrolled) month.Month {
	if from := parsed(e.StartsFrom); !from.IsZero() {
		return from
	}
	signed, err := vn.ParseDate(e.SignedOn)
	if err != nil {
		return month.Month{}
	}
	return month.Of(signed)
}

// Suspended tells whether a suspension is open.
func (e Enrolment) Suspended() bool {
	return len(e.Suspensions) > 0 && e.Suspensions[len(e.Suspensions)-1].ResumedFrom.IsZero()
}

// Evolve is the whole state machine on one screen.
func (e Enrolment) Evolve(fact events.Event) Enrolment {
	switch f := fact.(type) {
	case disbursement.Enrolled:
		e.Enrolled = f
	case disbursement.EnrolmentSuspended:
		e.Suspensions = WithSuspension(e.Suspensions, f)
	case disbursement.EnrolmentResumed:
		e.Suspensions = WithResumption(e.Suspensions, f)
	case disbursement.EnrolmentStopped:
		e.StoppedFrom, e.Died = parsed(f.FromMonth), f.Note == ""
	default:
		panic(decider.Unknown(fact))
	}
	return e
}

// WithSuspension returns the suspensions with one more. The read model folds with it, too.
func WithSuspension(all []entitlement.Suspension, f disbursement.EnrolmentSuspended) []entitlement.Suspension {
	return append(slices.Clip(all), entitlement.Suspension{From: parsed(f.FromMonth)})
}

// WithResumption returns the suspensions with the last one ended.
func WithResumption(all []entitlement.Suspension, f disbursement.EnrolmentResumed) []entitlement.Suspension {
	if len(all) == 0 {
		return nil
	}
	all = slices.Clone(all)
	all[len(all)-1].ResumedFrom = parsed(f.FromMonth)
	return all
}

// parsed reads a month of a fact. What stands there was checked before it was recorded.
func parsed(text string) month.Month {
	m, err := month.Parse(text)
	if err != nil {
		return month.Month{}
	}
	return m
}
