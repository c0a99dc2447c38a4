// Package bank declares the messages between Song An and one bank. They are the only ones that carry personal data, and
// stand on topics that only this bank and the gateway may read or write.
//
// songan.bank.<BIC>.instructions.v1, which the bank reads: [PaymentInstructed], [PaymentRecallRequested],
// [AccountOpeningRequested], [AccountVerificationRequested], [StatusInquired].
// songan.bank.<BIC>.reports.v1, which the bank writes: [PaymentStatusReported], [AccountOpeningReported],
// [AccountVerified].
//
//  1. Messages are CloudEvents in binary mode: headers ce_specversion, ce_id, ce_type, ce_source, ce_time, and a JSON
//     body. The record's key is the end-to-end id or the request id: what concerns one payment is in order.
//  2. Everything can come twice. A bank pays one end-to-end id once, for ever, whatever comes how often, and answers a
//     repetition with the status that there is. The same id with another body is a fault: report RJCT, reason DUPL.
//  3. Amounts are whole dong.
package bank

import (
	"time"

	"github.com/songan-vn/songan/events"
)

// Topics are those of one bank, and what is named after them. Only the bank and the gateway may use them.
type Topics struct {
	// Prefix is what the names of all topics of the installation begin with, usually "songan".
	Prefix, BIC string
}

// Instructions is the topic that the bank reads.
func (t Topics) Instructions() string { return t.User() + ".instructions.v1" }

// Reports is the topic that the bank writes to.
func (t Topics) Reports() string { return t.User() + ".reports.v1" }

// Groups is how the names of the bank's consumer groups begin; it may use no other ones.
func (t Topics) Groups() string { return t.User() + "." }

// User is the name under which the bank logs in to Kafka. It is of this installation alone: two on one cluster that called
// a bank by one name would lock each other's bank out, each with its own password.
func (t Topics) User() string { return t.Prefix + ".bank." + t.BIC }

// Instructions lists what a bank reads.
func Instructions() []events.Event {
	return []events.Event{
		PaymentInstructed{}, PaymentRecallRequested{}, AccountOpeningRequested{}, AccountVerificationRequested{}, StatusInquired{},
	}
}

// Reports lists what a bank writes.
func Reports() []events.Event {
	return []events.Event{PaymentStatusReported{}, AccountOpeningReported{}, AccountVerified{}}
}

// Party is a person as a bank needs them.
type Party struct {
	FullName string `json:"full_name"`
	// BirthDate is "1990-01-15", or a year or month where the register knows no more.
	BirthDate string `json:"birth_date"`
	Sex       string `json:"sex"`
	// DocumentType is citizen_id, passport, birth_certificate, ...
	DocumentType   string `json:"document_type"`
	DocumentNumber string `json:"document_number"`
	Residence      string `json:"residence"`
	Phone          string `json:"phone,omitempty"`
}

// PaymentInstructed asks the bank to credit an account (as pain.001 does).
type PaymentInstructed struct {
	EndToEndID string `json:"end_to_end_id"`
	// UETR is a lower-case UUIDv4, derived from the end-to-end id.
	UETR string `json:"uetr"`
	// Amount is in dong.
	Amount int64 `json:"amount"`
	// CreditorName and CreditorAccount are whom the money goes to, as the bank reported them when it opened the account.
	CreditorName    string `json:"creditor_name"`
	CreditorAccount string `json:"creditor_account"`
	// CategoryPurpose is SSBE, social security benefit.
	CategoryPurpose string `json:"category_purpose"`
	// Programme and Month say what the money is for: "social_assistance", "2026-11".
	Programme string `json:"programme"`
	Month     string `json:"month"`
	// Remittance is the text that the holder sees; it names no person and no category.
	Remittance   string    `json:"remittance"`
	InstructedAt time.Time `json:"instructed_at"`
}

// EventName is the message's CloudEvents type.
func (PaymentInstructed) EventName() string { return "bank.payment_instructed.v1" }

// PaymentRecallRequested asks for the money back (as camt.056 does).
type PaymentRecallRequested struct {
	EndToEndID string `json:"end_to_end_id"`
	// Reason is an ISO 20022 code: DUPL, CUST, ...
	Reason      string    `json:"reason"`
	RequestedAt time.Time `json:"requested_at"`
}

// EventName is the message's CloudEvents type.
func (PaymentRecallRequested) EventName() string { return "bank.payment_recall_requested.v1" }

// StatusInquired asks what became of an instruction. It never asks to pay: a bank that does not know the id answers
// RJCT with reason NARR, and may be instructed anew.
type StatusInquired struct {
	EndToEndID string `json:"end_to_end_id"`
	// Inquiry counts 1, 2, ...
	Inquiry    int       `json:"inquiry"`
	InquiredAt time.Time `json:"inquired_at"`
}

// EventName is the message's CloudEvents type.
func (StatusInquired) EventName() string { return "bank.status_inquired.v1" }

// AccountOpeningRequested asks for an account in the name of Holder.
type AccountOpeningRequested struct {
	RequestID string `json:"request_id"`
	Holder    Party  `json:"holder"`
	// Beneficiary is whom the money is for, when a representative holds the account.
	Beneficiary *Party    `json:"beneficiary,omitempty"`
	RequestedAt time.Time `json:"requested_at"`
}

// EventName is the message's CloudEvents type.
func (AccountOpeningRequested) EventName() string { return "bank.account_opening_requested.v1" }

// AccountVerificationRequested asks whether an account is still what it was (as acmt.023 does).
type AccountVerificationRequested struct {
	RequestID     string    `json:"request_id"`
	AccountNumber string    `json:"account_number"`
	HolderName    string    `json:"holder_name"`
	RequestedAt   time.Time `json:"requested_at"`
}

// EventName is the message's CloudEvents type.
func (AccountVerificationRequested) EventName() string {
	return "bank.account_verification_requested.v1"
}

// PaymentStatusReported says how an instruction is doing (as pain.002 and camt.054 do).
type PaymentStatusReported struct {
	EndToEndID string `json:"end_to_end_id"`
	// Status is RCVD, ACTC, ACCP, ACSP, PDNG, ACSC, ACCC, BLCK, RJCT, or RTND for money that came back.
	Status string `json:"status"`
	// Reason is ISO 20022's external code; of RJCT, BLCK and RTND.
	Reason string `json:"reason,omitempty"`
	// BankReference names the booking; of ACSC, ACCC and RTND.
	BankReference string    `json:"bank_reference,omitempty"`
	BookedAt      time.Time `json:"booked_at,omitzero"`
	// Amount is what was booked, in dong; of ACSC, ACCC and RTND. It has to be what was instructed.
	Amount int64 `json:"amount,omitempty"`
	// Inquiry is that of the [StatusInquired] which this answers; left out otherwise. A rejection for a time-out (AB05,
	// AB06, TM01) is believed only as such an answer.
	Inquiry int `json:"inquiry,omitempty"`
}

// EventName is the message's CloudEvents type.
func (PaymentStatusReported) EventName() string { return "bank.payment_status_reported.v1" }

// AccountOpeningReported answers [AccountOpeningRequested].
type AccountOpeningReported struct {
	RequestID string `json:"request_id"`
	// Status is opened, needs_information or refused.
	Status        string `json:"status"`
	AccountNumber string `json:"account_number,omitempty"`
	HolderName    string `json:"holder_name,omitempty"`
	// Biometric tells that the holder passed the bank's biometric check.
	Biometric bool   `json:"biometric,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// EventName is the message's CloudEvents type.
func (AccountOpeningReported) EventName() string { return "bank.account_opening_reported.v1" }

// AccountVerified answers [AccountVerificationRequested] (as acmt.024 does).
type AccountVerified struct {
	RequestID string `json:"request_id"`
	// Answer is RCVC match, RVMC close match, RVNM no match, RVNA cannot verify.
	Answer string `json:"answer"`
	// Status is active, dormant, suspended, blocked or closed.
	Status string `json:"status"`
}

// EventName is the message's CloudEvents type.
func (AccountVerified) EventName() string { return "bank.account_verified.v1" }
