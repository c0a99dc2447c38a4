// Package bankgateway declares the facts about what was said to banks and what they reported. They carry no personal
// data: names and account numbers stand on a bank's own topic (package bank) and in the gateway's vault.
//
// Streams: "instruction-<end-to-end id>", "opening-<account id>" and "bank-<BIC>".
package bankgateway

import (
	"time"

	"github.com/songan-vn/songan/events"
)

// Catalog lists every published fact of this package; logs and the bus decode only these.
func Catalog() []events.Event {
	return append(append(OpeningFacts(), InstructionFacts()...), ChannelFacts()...)
}

// OpeningFacts lists the facts of the stream of one request for an account.
func OpeningFacts() []events.Event {
	return []events.Event{OpeningSent{}, OpeningHeld{}, OpeningResumed{}, OpeningReported{}, OpeningReportSetAside{}}
}

// InstructionFacts lists the facts of the stream of one instruction.
func InstructionFacts() []events.Event {
	return []events.Event{
		InstructionSent{},
		InstructionHeld{},
		InstructionResumed{},
		InquirySent{},
		RecallSent{},
		PaymentReported{},
		ReportSetAside{},
		InstructionWithdrawn{},
		DeathReported{},
	}
}

// OpeningSent says that a bank was asked for an account and has the request durably.
type OpeningSent struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
	Bank        string `json:"bank"`
	// Holder is the reference, in the vault of accounts, of the person in whose name the account was asked for. What the
	// bank reports is compared with them.
	Holder string `json:"holder"`
}

// EventName is the fact's name in the log and on the bus.
func (OpeningSent) EventName() string { return "bankgateway.opening_sent.v1" }

// OpeningReported is what a bank says about a request for an account.
type OpeningReported struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
	Bank        string `json:"bank"`
	// Status is opened, needs_information or refused.
	Status string `json:"status"`
	// Reason is a code of the bank; empty when it opened the account.
	Reason string `json:"reason,omitempty"`
	// Number is the reference of the account number in the gateway's vault; empty unless opened.
	Number string `json:"number,omitempty"`
	// Mark is a keyed name of bank and account number.
	Mark string `json:"mark,omitempty"`
	// HolderMatch compares the bank's holder name with ours: match, close_match, no_match; empty unless opened.
	HolderMatch string `json:"holder_match,omitempty"`
	// Biometric tells that the holder passed the bank's biometric check.
	Biometric bool `json:"biometric,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (OpeningReported) EventName() string { return "bankgateway.opening_reported.v1" }

// OpeningHeld says that the bank cannot be asked, because somebody's data cannot be read any more. An operator has to
// look; see the gateway's quarantine.
type OpeningHeld struct {
	Account string `json:"account"`
	Bank    string `json:"bank"`
	// Reason is holder_erased, holder_unreadable, person_erased or person_unreadable.
	Reason string `json:"reason"`
}

// EventName is the fact's name in the log and on the bus.
func (OpeningHeld) EventName() string { return "bankgateway.opening_held.v1" }

// OpeningResumed says that what held the request is mended: it will be sent.
type OpeningResumed struct {
	Account string `json:"account"`
	Bank    string `json:"bank"`
}

// EventName is the fact's name in the log and on the bus.
func (OpeningResumed) EventName() string { return "bankgateway.opening_resumed.v1" }

// OpeningReportSetAside is a report about a request for an account that is recorded and changes nothing.
type OpeningReportSetAside struct {
	Account string `json:"account"`
	Bank    string `json:"bank"`
	// Status is opened, needs_information or refused.
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	// Mark is a keyed name of bank and account number; empty unless opened.
	Mark string `json:"mark,omitempty"`
	// HolderMatch is as in opening_reported.
	HolderMatch string `json:"holder_match,omitempty"`
	// Why is late or contradictory.
	Why string `json:"why"`
}

// EventName is the fact's name in the log and on the bus.
func (OpeningReportSetAside) EventName() string { return "bankgateway.opening_report_set_aside.v1" }

// Instruction names one attempt to pay.
type Instruction struct {
	// EndToEndID is ISO 20022's: at most 35 characters, the same on every repetition, for ever.
	EndToEndID string `json:"end_to_end_id"`
	Payment    string `json:"payment"`
	// Attempt counts 1, 2, ...; a reissue is the next one.
	Attempt int `json:"attempt"`
	// Bank is the BIC.
	Bank string `json:"bank"`
}

// InstructionSent says that the bank's topic has the instruction durably.
type InstructionSent struct {
	Instruction

	// Amount is in dong; what banks got is summed up from here.
	Amount int64 `json:"amount"`
	// Account is the account that it pays into, as in accounts.account_opened.
	Account string `json:"account,omitempty"`
	// Assumed tells that nobody knows whether the topic has it: sending it broke off, and it cannot be written again. It counts
	// as sent, so the bank is asked.
	Assumed bool `json:"assumed,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (InstructionSent) EventName() string { return "bankgateway.instruction_sent.v1" }

// InstructionHeld says that the instruction cannot be sent, because the account number or its holder cannot be read any
// more. An operator has to look; see the gateway's quarantine.
type InstructionHeld struct {
	Instruction

	// Reason is number_erased, number_unreadable, holder_erased or holder_unreadable.
	Reason string `json:"reason"`
}

// EventName is the fact's name in the log and on the bus.
func (InstructionHeld) EventName() string { return "bankgateway.instruction_held.v1" }

// InstructionResumed says that what held the instruction is mended: it will be sent.
type InstructionResumed struct{ Instruction }

// EventName is the fact's name in the log and on the bus.
func (InstructionResumed) EventName() string { return "bankgateway.instruction_resumed.v1" }

// InstructionWithdrawn says that the instruction was not sent, and never will be.
type InstructionWithdrawn struct {
	Instruction

	// Reason is as in disbursement.withdrawal_requested.v1.
	Reason string `json:"reason"`
}

// EventName is the fact's name in the log and on the bus.
func (InstructionWithdrawn) EventName() string { return "bankgateway.instruction_withdrawn.v1" }

// InquirySent says that the bank was asked what became of the instruction.
type InquirySent struct {
	Instruction

	// Inquiry counts 1, 2, ...
	Inquiry int `json:"inquiry"`
}

// EventName is the fact's name in the log and on the bus.
func (InquirySent) EventName() string { return "bankgateway.inquiry_sent.v1" }

// RecallSent says that the bank was asked to give the money back.
type RecallSent struct {
	Instruction

	// Reason is an ISO 20022 code.
	Reason string `json:"reason"`
}

// EventName is the fact's name in the log and on the bus.
func (RecallSent) EventName() string { return "bankgateway.recall_sent.v1" }

// Report is what a bank says about an instruction.
type Report struct {
	// Status is ISO 20022's: RCVD, ACTC, ACCP, ACSP, PDNG, ACSC, ACCC, BLCK, RJCT, or RTND for money that came back
	// (camt RtrInf or reversal).
	Status string `json:"status"`
	// Reason is ISO 20022's external code, of RJCT, BLCK and RTND.
	Reason string `json:"reason,omitempty"`
	// BankReference names the booking at the bank; of ACSC, ACCC and RTND.
	BankReference string `json:"bank_reference,omitempty"`
	// BookedAt is when the bank booked it.
	BookedAt time.Time `json:"booked_at,omitzero"`
	// Answers is the inquiry that the report answers; 0 for one that came by itself.
	Answers int `json:"answers,omitempty"`
}

// PaymentReported is a report that fits what was known before it, or that fits now: money that came back before its
// credit was heard of (set aside as early) is reported again as soon as the credit is.
type PaymentReported struct {
	Instruction
	Report
}

// EventName is the fact's name in the log and on the bus.
func (PaymentReported) EventName() string { return "bankgateway.payment_reported.v1" }

// ReportSetAside is a report that is recorded and changes nothing.
type ReportSetAside struct {
	Instruction
	Report

	// Why is late (the last word was said), backward (the bank was further), early (money came back that is not known
	// to have been paid) or contradictory (one of two final words is wrong: people have to ask the bank). A mere
	// repetition is not recorded at all.
	Why string `json:"why"`
}

// EventName is the fact's name in the log and on the bus.
func (ReportSetAside) EventName() string { return "bankgateway.report_set_aside.v1" }

// DeathReported says that the bank gave the death of the account's holder as its reason (ISO 20022 MD07). It is the bank's word,
// and no proof: a person has to look.
type DeathReported struct {
	Instruction

	Account string `json:"account"`
}

// EventName is the fact's name in the log and on the bus.
func (DeathReported) EventName() string { return "bankgateway.death_reported.v1" }
