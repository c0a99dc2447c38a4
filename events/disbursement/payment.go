package disbursement

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
)

// PaymentFacts lists the facts of a payment's stream.
func PaymentFacts() []events.Event {
	return []events.Event{
		PaymentReleased{},
		CashReleased{},
		PaymentSent{},
		PaymentAcknowledged{},
		PaymentInFlight{},
		PaymentUnknown{},
		PaymentCredited{},
		PaymentRejected{},
		PaymentReturned{},
		PaymentReissued{},
		MovedToCash{},
		CashPaid{},
		PaymentCarriedForward{},
		RecallRequested{},
		ReportNoted{},
		WithdrawalProposed{},
		WithdrawalRequested{},
		PaymentWithdrawn{},
		CreditContested{},
		PaymentRefunded{},
	}
}

// Payable says what a payment is for.
type Payable struct {
	Payment     string      `json:"payment"`
	Payroll     string      `json:"payroll"`
	Unit        events.Unit `json:"unit"`
	Programme   string      `json:"programme"`
	Beneficiary string      `json:"beneficiary"`
	// Mark is the person's keyed name: two files of one person have the same.
	Mark string `json:"mark"`
	// Month is what the money is for, which is not the payroll's month for arrears.
	Month string `json:"month"`
	// Kind is regular, arrears or carried_forward.
	Kind string `json:"kind"`
	// Origin is the payment that was carried forward; empty for other kinds.
	Origin string `json:"origin,omitempty"`
	// Amount is in dong, and positive.
	Amount int64 `json:"amount"`
}

// Target is the account that an attempt pays into. It was frozen with the list.
type Target struct {
	// EndToEndID is derived from payment and attempt, and is the same on every repetition, for ever.
	EndToEndID string `json:"end_to_end_id"`
	// Attempt counts 1, 2, ...
	Attempt int `json:"attempt"`
	// Bank is the BIC.
	Bank string `json:"bank"`
	// Account is the id of the account; Number its number, in the vault of the bank gateway; Holder the person in
	// whose name it is, in the vault of accounts.
	Account string `json:"account"`
	Number  string `json:"number"`
	Holder  string `json:"holder"`
}

// UETR is the Unique End-to-end Transaction Reference of the attempt: a lower-case UUIDv4 that anybody can compute from
// the end-to-end id, so that it is the same on every repetition.
func (t Target) UETR() string {
	const version, variant = 0x40, 0x80
	sum := sha256.Sum256([]byte("songan/uetr/" + t.EndToEndID))
	sum[6] = sum[6]&0x0f | version
	sum[8] = sum[8]&0x3f | variant
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// PaymentReleased says that a bank is to credit an account.
type PaymentReleased struct {
	Payable
	Target
}

// EventName is the fact's name in the log and on the bus.
func (PaymentReleased) EventName() string { return "disbursement.payment_released.v1" }

// CashReleased says that the money is to be handed over at the commune, because there is no account.
type CashReleased struct {
	Payable

	// Reason is why not by account: no_account, account_pending, account_refused, account_suspended, account_blocked,
	// account_closed.
	Reason string `json:"reason"`
}

// EventName is the fact's name in the log and on the bus.
func (CashReleased) EventName() string { return "disbursement.cash_released.v1" }

// PaymentSent says that the bank's topic has the instruction.
type PaymentSent struct {
	Payment string `json:"payment"`
	Attempt int    `json:"attempt"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentSent) EventName() string { return "disbursement.payment_sent.v1" }

// PaymentAcknowledged says that the bank has the instruction (RCVD, ACTC).
type PaymentAcknowledged struct {
	Payment string `json:"payment"`
	Attempt int    `json:"attempt"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentAcknowledged) EventName() string { return "disbursement.payment_acknowledged.v1" }

// PaymentInFlight says that the bank is working on it (ACCP, ACSP, PDNG, BLCK), or has debited us (ACSC), which is not
// yet a proof of credit.
type PaymentInFlight struct {
	Payment string `json:"payment"`
	Attempt int    `json:"attempt"`
	Status  string `json:"status"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentInFlight) EventName() string { return "disbursement.payment_in_flight.v1" }

// PaymentUnknown says that nothing was heard for too long. The bank is asked; nothing is sent again.
type PaymentUnknown struct {
	Payment    string `json:"payment"`
	Attempt    int    `json:"attempt"`
	EndToEndID string `json:"end_to_end_id"`
	Bank       string `json:"bank"`
	// Inquiry counts 1, 2, ...
	Inquiry int `json:"inquiry"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentUnknown) EventName() string { return "disbursement.payment_unknown.v1" }

// PaymentCredited says that the account was credited (ACCC).
type PaymentCredited struct {
	Payment       string    `json:"payment"`
	Attempt       int       `json:"attempt"`
	BankReference string    `json:"bank_reference"`
	BookedAt      time.Time `json:"booked_at"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentCredited) EventName() string { return "disbursement.payment_credited.v1" }

// PaymentRejected says that the bank did not pay (RJCT).
type PaymentRejected struct {
	Payment string `json:"payment"`
	Attempt int    `json:"attempt"`
	// Reason is ISO 20022's external code.
	Reason string `json:"reason"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentRejected) EventName() string { return "disbursement.payment_rejected.v1" }

// PaymentReturned says that the money came back after it was credited.
type PaymentReturned struct {
	Payment       string    `json:"payment"`
	Attempt       int       `json:"attempt"`
	Reason        string    `json:"reason"`
	BankReference string    `json:"bank_reference"`
	BookedAt      time.Time `json:"booked_at"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentReturned) EventName() string { return "disbursement.payment_returned.v1" }

// PaymentReissued says that a rejected or returned payment is tried again, into the account that the person has now.
type PaymentReissued struct {
	Payable
	Target

	By string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentReissued) EventName() string { return "disbursement.payment_reissued.v1" }

// MovedToCash says that a rejected or returned payment will be handed over in cash.
type MovedToCash struct {
	Payment string `json:"payment"`
	By      string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (MovedToCash) EventName() string { return "disbursement.moved_to_cash.v1" }

// CashPaid says that the money was handed over.
type CashPaid struct {
	Payment string `json:"payment"`
	// CollectedOn is a calendar day.
	CollectedOn string `json:"collected_on"`
	// Receipt is the number of the signed receipt.
	Receipt string `json:"receipt"`
	By      string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (CashPaid) EventName() string { return "disbursement.cash_paid.v1" }

// PaymentCarriedForward says that the next month's list takes over what was not paid: exactly once, as the payment
// whose origin this one is.
type PaymentCarriedForward struct {
	Payment string `json:"payment"`
	// From is how it stood: rejected, returned or cash_pending.
	From string `json:"from"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentCarriedForward) EventName() string { return "disbursement.payment_carried_forward.v1" }

// RecallRequested says that an officer wants the money back from the bank.
type RecallRequested struct {
	Payment    string `json:"payment"`
	Attempt    int    `json:"attempt"`
	EndToEndID string `json:"end_to_end_id"`
	Bank       string `json:"bank"`
	// Reason is an ISO 20022 code: DUPL, CUST, ...
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (RecallRequested) EventName() string { return "disbursement.recall_requested.v1" }

// ReportNoted records a bank's report that came too late or backwards. It changes nothing (invariant I13).
type ReportNoted struct {
	Payment string `json:"payment"`
	Attempt int    `json:"attempt"`
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	// BankReference is the booking that the bank named, if it did.
	BankReference string `json:"bank_reference,omitempty"`
	// Why is late, backward, contradictory, early: the money came back before the bank said that it paid; or uncertain:
	// something beyond the bank did not answer it, and it has to be asked.
	Why string `json:"why"`
}

// EventName is the fact's name in the log and on the bus.
func (ReportNoted) EventName() string { return "disbursement.report_noted.v1" }

// WithdrawalProposed says that a treasurer wants to take an instruction back that no bank has yet, because it cannot be
// sent. Another person has to agree.
type WithdrawalProposed struct {
	Payment string `json:"payment"`
	Attempt int    `json:"attempt"`
	By      string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (WithdrawalProposed) EventName() string { return "disbursement.withdrawal_proposed.v1" }

// WithdrawalRequested asks the gateway to keep an instruction that no bank has yet. It may be too late for that.
type WithdrawalRequested struct {
	Payment    string `json:"payment"`
	Attempt    int    `json:"attempt"`
	EndToEndID string `json:"end_to_end_id"`
	Bank       string `json:"bank"`
	// Reason is died, death_reported, stopped, suspended, account_changed or already_paid; or unsendable, when two persons decided.
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (WithdrawalRequested) EventName() string { return "disbursement.withdrawal_requested.v1" }

// PaymentWithdrawn says that a released payment is not made: no bank was told and none will be, or the cash was not handed
// over. The money is available again.
type PaymentWithdrawn struct {
	Payment string `json:"payment"`
	// Attempt is 0 for cash.
	Attempt int `json:"attempt"`
	// Reason is as in withdrawal_requested.
	Reason string `json:"reason"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentWithdrawn) EventName() string { return "disbursement.payment_withdrawn.v1" }

// CreditContested says that the bank named one booking for the credits of two payments. One of them was not paid, and people
// have to ask which.
type CreditContested struct {
	Payment       string `json:"payment"`
	Attempt       int    `json:"attempt"`
	BankReference string `json:"bank_reference"`
	// Other is the other payment.
	Other string `json:"other"`
}

// EventName is the fact's name in the log and on the bus.
func (CreditContested) EventName() string { return "disbursement.credit_contested.v1" }

// PaymentRefunded says that the money of a payment, which lay with its list, went back to the State Treasury, because nobody is owed
// it any more. If somebody is after all, a later list pays it as arrears.
type PaymentRefunded struct {
	Payment string `json:"payment"`
	// From is how it stood: returned, recalled, or rejected after it was tried again with money that was one of these.
	From string `json:"from"`
	// Reason is right_ended, or already_paid: the person has the money of this month.
	Reason string `json:"reason"`
	// DuplicateOf is the payment that they have it by; empty where only a bank says that they have it.
	DuplicateOf string `json:"duplicate_of,omitempty"`
	By          string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (PaymentRefunded) EventName() string { return "disbursement.payment_refunded.v1" }
