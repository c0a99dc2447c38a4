package accounts

import "github.com/songan-vn/songan/events"

// IssuanceDrafted says that an officer listed people for whom a bank is to open accounts.
type IssuanceDrafted struct {
	Issuance string      `json:"issuance"`
	Unit     events.Unit `json:"unit"`
	// Bank is the BIC.
	Bank string `json:"bank"`
	// Beneficiaries are at most 5,000 ids.
	Beneficiaries []string `json:"beneficiaries"`
	// Replaces is the account that the new one takes the place of; then there is one beneficiary. It is closed when the
	// new one is requested.
	Replaces string `json:"replaces,omitempty"`
	// Note is the vault reference of the officer's remark; empty when there is none.
	Note string `json:"note,omitempty"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (IssuanceDrafted) EventName() string { return "accounts.issuance_drafted.v1" }

// IssuanceSubmitted says that the maker asks for approval.
type IssuanceSubmitted struct {
	Issuance string `json:"issuance"`
	By       string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (IssuanceSubmitted) EventName() string { return "accounts.issuance_submitted.v1" }

// IssuanceApproved says that another person than the maker agreed.
type IssuanceApproved struct {
	Issuance string `json:"issuance"`
	By       string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (IssuanceApproved) EventName() string { return "accounts.issuance_approved.v1" }

// IssuanceRejected ends the batch without any request.
type IssuanceRejected struct {
	Issuance string `json:"issuance"`
	// Note is the vault reference of the reason.
	Note string `json:"note"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (IssuanceRejected) EventName() string { return "accounts.issuance_rejected.v1" }

// IssuanceRequested says that every account of the batch was requested, or left out because it could not be.
type IssuanceRequested struct {
	Issuance string `json:"issuance"`
	// Requested counts the accounts that the bank is asked for.
	Requested int `json:"requested"`
	// LeftOut counts the beneficiaries who had an account or a request by then, or had died.
	LeftOut int `json:"left_out"`
}

// EventName is the fact's name in the log and on the bus.
func (IssuanceRequested) EventName() string { return "accounts.issuance_requested.v1" }
