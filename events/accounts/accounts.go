// Package accounts declares the facts about people who receive social-security money, and about the accounts that
// are issued to them with a bank (Project 06; dispatch 5234/LDTBXH-TTTT).
//
// Streams: "beneficiary-<id>", which holds the life of the beneficiary and of their accounts, one after the other, so
// that two at a time are impossible; and "issuance-<id>", the batch in which officers ask a bank for accounts.
// People stand in the vault of the accounts service, account numbers in that of the bank gateway; facts name both by
// reference.
package accounts

import "github.com/songan-vn/songan/events"

// Catalog lists every published fact of this package; logs and the bus decode only these.
func Catalog() []events.Event { return append(BeneficiaryFacts(), IssuanceFacts()...) }

// BeneficiaryFacts lists the facts of a beneficiary's stream.
func BeneficiaryFacts() []events.Event {
	return []events.Event{
		BeneficiaryRegistered{},
		BeneficiaryCorrected{},
		BeneficiaryIdentified{},
		BeneficiaryDied{},
		BeneficiaryDeathRevoked{},
		DeathReported{},
		DeathReportDismissed{},
		DeathReportSettled{},
		DeathReportNoted{},
		AccountRequested{},
		AccountNeedsInformation{},
		AccountHolderDoubted{},
		AccountRefused{},
		AccountOpened{},
		AccountActivated{},
		AccountSuspended{},
		AccountBlocked{},
		AccountReinstated{},
		AccountClosed{},
	}
}

// IssuanceFacts lists the facts of an issuance's stream.
func IssuanceFacts() []events.Event {
	return []events.Event{IssuanceDrafted{}, IssuanceSubmitted{}, IssuanceApproved{}, IssuanceRejected{}, IssuanceRequested{}}
}

// BeneficiaryRegistered says that a LISA officer entered a person with the file by which they receive money.
type BeneficiaryRegistered struct {
	Beneficiary string      `json:"beneficiary"`
	Unit        events.Unit `json:"unit"`
	// FileNumber is the number of the file at the commune; it says nothing about the person.
	FileNumber string `json:"file_number"`
	// Person is the vault reference of name, birth date, document, residence and phone.
	Person string `json:"person"`
	// Mark is a keyed name of the person's document: the same person under another file has the same mark. It
	// cannot be turned back without the vault's key.
	Mark string `json:"mark"`
	// DocumentType says whether the population database can be asked: citizen_id, birth_certificate, ...
	DocumentType string `json:"document_type"`
	// Representative is the vault reference of who receives for them (guardian, carer); empty when they do themselves.
	Representative string `json:"representative,omitempty"`
	// RepresentativeMark is the representative's keyed name, made as Mark is.
	RepresentativeMark string `json:"representative_mark,omitempty"`
	// MayHold tells whether the law lets them hold an account themselves: 15 years old and with capacity.
	MayHold bool `json:"may_hold,omitempty"`
	// By is the officer.
	By string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (BeneficiaryRegistered) EventName() string { return "accounts.beneficiary_registered.v1" }

// BeneficiaryCorrected says that the person, or who represents them, was entered wrongly or has changed. It is still the
// same person: their mark stays. An account that is open stays in the name in which it was opened, and is suspended if that is
// somebody who does not receive for them any more.
type BeneficiaryCorrected struct {
	Beneficiary string `json:"beneficiary"`
	// Person is the new vault reference; it is checked against the population database again.
	Person       string `json:"person"`
	DocumentType string `json:"document_type"`
	// Representative and RepresentativeMark are empty when nobody receives for them any more.
	Representative     string `json:"representative,omitempty"`
	RepresentativeMark string `json:"representative_mark,omitempty"`
	MayHold            bool   `json:"may_hold,omitempty"`
	// Note is the vault reference of the reason.
	Note string `json:"note"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (BeneficiaryCorrected) EventName() string { return "accounts.beneficiary_corrected.v1" }

// BeneficiaryIdentified records what the population database answered about the person.
type BeneficiaryIdentified struct {
	Beneficiary string `json:"beneficiary"`
	Person      string `json:"person"`
	// Result is matched, mismatched, not_found or unavailable.
	Result string `json:"result"`
	// Fields names what differs: full_name, birth_date, sex. Never a value.
	Fields []string `json:"fields,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (BeneficiaryIdentified) EventName() string { return "accounts.beneficiary_identified.v1" }

// BeneficiaryDied ends every right from the month after the death, unless it is revoked before that was done.
type BeneficiaryDied struct {
	Beneficiary string `json:"beneficiary"`
	// DiedOn is a calendar day, "2026-10-31".
	DiedOn string `json:"died_on"`
	// Source is who said so: civil_registry, family, bank, officer.
	Source string `json:"source"`
	By     string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (BeneficiaryDied) EventName() string { return "accounts.beneficiary_died.v1" }

// BeneficiaryDeathRevoked says that the death was recorded for the wrong person, or on a wrong day. Whoever counts deaths forgets it
// from then on. What it ended stays ended: the account is asked for anew, and a new decision covers the months.
type BeneficiaryDeathRevoked struct {
	Beneficiary string `json:"beneficiary"`
	// Paper is the number of the document that shows it; it says nothing about the person.
	Paper string `json:"paper"`
	// Note is the vault reference of the reason.
	Note string `json:"note"`
	// By is never the officer who recorded the death.
	By string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (BeneficiaryDeathRevoked) EventName() string { return "accounts.beneficiary_death_revoked.v1" }

// DeathReported says that a bank gave the death of an account's holder as its reason. Nothing is paid until an officer has
// recorded the death, or dismissed the report.
type DeathReported struct {
	Beneficiary string `json:"beneficiary"`
	Account     string `json:"account"`
	// Bank is the BIC.
	Bank string `json:"bank"`
	// Of is who is said to have died: beneficiary or, where another person holds the account, representative.
	Of string `json:"of"`
	// EndToEndID is the payment that the bank refused or returned; empty when it refused to open the account.
	EndToEndID string `json:"end_to_end_id,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (DeathReported) EventName() string { return "accounts.death_reported.v1" }

// DeathReportDismissed says that an officer found the person alive.
type DeathReportDismissed struct {
	Beneficiary string `json:"beneficiary"`
	// Note is the vault reference of how they know.
	Note string `json:"note"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (DeathReportDismissed) EventName() string { return "accounts.death_report_dismissed.v1" }

// DeathReportSettled says that the representative whom a bank reported dead does not receive for the beneficiary any more: their
// account was closed, or another one was asked for in somebody else's name. Nobody has to decide about it then.
type DeathReportSettled struct {
	Beneficiary string `json:"beneficiary"`
	// By closed the account, or approved the new one.
	By string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (DeathReportSettled) EventName() string { return "accounts.death_report_settled.v1" }

// DeathReportNoted says that a bank reported a death about which there is nothing new to decide: a case is open, the death is recorded,
// or the representative it speaks of does not receive any more. Every payment that a bank refuses or returns for a death is named by it or by
// [DeathReported], so that whoever waits for that knows when it was heard. It has the fields of that.
type DeathReportNoted struct {
	Beneficiary string `json:"beneficiary"`
	Account     string `json:"account"`
	Bank        string `json:"bank"`
	Of          string `json:"of"`
	EndToEndID  string `json:"end_to_end_id,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (DeathReportNoted) EventName() string { return "accounts.death_report_noted.v1" }

// AccountRequested says that a bank is asked to open an account.
type AccountRequested struct {
	// Account is "<beneficiary>-<ordinal>"; it is also the id of the request at the bank.
	Account     string      `json:"account"`
	Beneficiary string      `json:"beneficiary"`
	Unit        events.Unit `json:"unit"`
	Issuance    string      `json:"issuance"`
	// Bank is the BIC.
	Bank string `json:"bank"`
	// Person and Holder are vault references: whom the money is for, and in whose name the account is opened. They are
	// the same unless a representative receives.
	Person string `json:"person"`
	Holder string `json:"holder"`
}

// EventName is the fact's name in the log and on the bus.
func (AccountRequested) EventName() string { return "accounts.account_requested.v1" }

// FirstAccount is the id of a beneficiary's first account: there was none before it.
func FirstAccount(beneficiary string) string { return beneficiary + "-1" }

// AccountNeedsInformation says that the bank cannot decide yet.
type AccountNeedsInformation struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
	// Reason is the bank's code, or name_differs when the holder's name is not the one we asked for.
	Reason string `json:"reason"`
}

// EventName is the fact's name in the log and on the bus.
func (AccountNeedsInformation) EventName() string { return "accounts.account_needs_information.v1" }

// AccountHolderDoubted says that the bank opened an account whose holder's name only comes close to the one we asked for: other
// accents, or a mask. Nothing is paid into it before an officer has confirmed the holder, or the bank has named them exactly.
type AccountHolderDoubted struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
	// Number and Mark are as in [AccountOpened].
	Number string `json:"number"`
	Mark   string `json:"mark"`
	// Biometric is whether the holder passed the bank's check; the fact comes again when they have.
	Biometric bool `json:"biometric"`
}

// EventName is the fact's name in the log and on the bus.
func (AccountHolderDoubted) EventName() string { return "accounts.account_holder_doubted.v1" }

// AccountRefused says that the bank will not open the account. Another request may follow.
type AccountRefused struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
	Reason      string `json:"reason"`
}

// EventName is the fact's name in the log and on the bus.
func (AccountRefused) EventName() string { return "accounts.account_refused.v1" }

// AccountOpened says that money can be paid into the account.
type AccountOpened struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
	Bank        string `json:"bank"`
	// Number is the reference of the account number in the bank gateway's vault.
	Number string `json:"number"`
	// Mark is a keyed name of bank and account number: the same account of several people has the same mark.
	Mark string `json:"mark"`
	// Holder is the vault reference of the person in whose name the account is.
	Holder string `json:"holder"`
	// HolderMatch is how the bank's holder name compares with ours: match or close_match.
	HolderMatch string `json:"holder_match"`
	// Note is the vault reference of how an officer knows that a close match is the holder; empty for a match.
	Note string `json:"note,omitempty"`
	// By is who confirmed it, and neither entered or corrected the person nor drafted the request.
	By string `json:"by,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (AccountOpened) EventName() string { return "accounts.account_opened.v1" }

// AccountActivated says that the holder passed the bank's biometric check and can withdraw electronically.
type AccountActivated struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
}

// EventName is the fact's name in the log and on the bus.
func (AccountActivated) EventName() string { return "accounts.account_activated.v1" }

// AccountSuspended says that nothing is paid into the account until it is active again.
type AccountSuspended struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
	// Reason is a code: owner, dispute, signal, other; death_reported, when a bank says that the holder died; or
	// representative_changed, when the holder received for the beneficiary and does not any more.
	Reason string `json:"reason"`
	// Note is the vault reference of the officer's remark; empty when there is none.
	Note string `json:"note,omitempty"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (AccountSuspended) EventName() string { return "accounts.account_suspended.v1" }

// AccountBlocked says that the bank or an authority blocked the account.
type AccountBlocked struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
	// Reason is a code: bank, authority.
	Reason string `json:"reason"`
	// Note is the vault reference of the officer's remark; empty when there is none.
	Note string `json:"note,omitempty"`
	// By is the officer who entered it.
	By string `json:"by,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (AccountBlocked) EventName() string { return "accounts.account_blocked.v1" }

// AccountReinstated ends a suspension or a block: money can be paid into the account again.
type AccountReinstated struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
	// Status is what the account is again: opened or active.
	Status string `json:"status"`
	// Note is the vault reference of the officer's remark.
	Note string `json:"note,omitempty"`
	// By is never the officer who suspended or blocked it.
	By string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (AccountReinstated) EventName() string { return "accounts.account_reinstated.v1" }

// AccountClosed ends an account for good. Another one may be requested.
type AccountClosed struct {
	Account     string `json:"account"`
	Beneficiary string `json:"beneficiary"`
	// Reason is closed, replaced or died.
	Reason string `json:"reason"`
	// Note is the vault reference of the officer's remark; empty when there is none.
	Note string `json:"note,omitempty"`
	By   string `json:"by"`
}

// EventName is the fact's name in the log and on the bus.
func (AccountClosed) EventName() string { return "accounts.account_closed.v1" }
