// Package disbursement declares the facts about who is entitled to social-security money, the monthly lists
// (payrolls), and the payments made of them. Amounts are whole dong.
//
// Streams: "enrolment-<id>", "payroll-<id>" and "payment-<id>". A payment's id is derived from person, programme, month
// and kind, so that a second live payment for the same is the same stream (invariant I2); its attempts follow one another
// in it. Persons stand in the vault of the accounts service, account numbers in that of the bank gateway; the category of
// an enrolment, which may say something about health, stands in the vault of this service.
package disbursement

import "github.com/songan-vn/songan/events"

// Actor is who did what nobody did: the clerk, and whatever answers facts of other services.
const Actor = "service:disbursement"

// AlreadyPaid is why a line is removed and a payment withdrawn or refunded: the person has the money of this month.
const AlreadyPaid = "already_paid"

// Catalog lists every published fact of this package; logs and the bus decode only these.
func Catalog() []events.Event {
	return append(append(EnrolmentFacts(), PayrollFacts()...), PaymentFacts()...)
}

// EnrolmentFacts lists the facts of an enrolment's stream.
func EnrolmentFacts() []events.Event {
	return []events.Event{Enrolled{}, EnrolmentSuspended{}, EnrolmentResumed{}, EnrolmentStopped{}}
}

// Enrolled says that a decision grants a person a programme.
type Enrolled struct {
	Enrolment   string `json:"enrolment"`
	Beneficiary string `json:"beneficiary"`
	// Mark is the person's keyed name, as in accounts.beneficiary_registered.v1.
	Mark      string      `json:"mark"`
	Unit      events.Unit `json:"unit"`
	Programme string      `json:"programme"`
	// Decision is the number of the commune's decision, SignedOn its day. The right starts in that month.
	Decision string `json:"decision"`
	SignedOn string `json:"signed_on"`
	// StartsFrom is the first month of the right, "2026-12", where it is not the one of the signature: a decision that
	// changes an earlier one holds from the month after.
	StartsFrom string `json:"starts_from,omitempty"`
	// PaidUntil is the last month that was paid before this system, and elsewhere; empty when none was.
	PaidUntil string `json:"paid_until,omitempty"`
	// Profile is the reference, in this service's vault, of category, birth date and whatever else the rules ask for.
	Profile string `json:"profile"`
	By      string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (Enrolled) EventName() string { return "disbursement.enrolled.v1" }

// EnrolmentSuspended says that nothing is paid from a month on, until a re-check (3 months at most).
type EnrolmentSuspended struct {
	Enrolment string `json:"enrolment"`
	// FromMonth is the first month without payment, "2026-12".
	FromMonth string `json:"from_month"`
	// Note is the vault reference of the reason.
	Note string `json:"note"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (EnrolmentSuspended) EventName() string { return "disbursement.enrolment_suspended.v1" }

// EnrolmentResumed ends a suspension.
type EnrolmentResumed struct {
	Enrolment string `json:"enrolment"`
	// FromMonth is the first month that is paid again.
	FromMonth string `json:"from_month"`
	By        string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (EnrolmentResumed) EventName() string { return "disbursement.enrolment_resumed.v1" }

// EnrolmentStopped ends the right.
type EnrolmentStopped struct {
	Enrolment string `json:"enrolment"`
	// FromMonth is the first month without right: the one after the reason arose.
	FromMonth string `json:"from_month"`
	// Note is the vault reference of the reason; empty when it is the death of the person.
	Note string `json:"note,omitempty"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (EnrolmentStopped) EventName() string { return "disbursement.enrolment_stopped.v1" }
