package beneficiary

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// Deceased is the reason by which a bank says that a holder died (ISO 20022 MD07).
const Deceased = "MD07"

// deathReported is why an account is suspended whose holder a bank says has died.
const deathReported = "death_reported"

// ReportDeath is a bank's word that the holder of an account died.
type ReportDeath struct {
	Account, Bank string
	// EndToEndID is the payment by which it came up; empty for a request that was refused.
	EndToEndID string
}

// Decide opens the case once, and suspends the account that money could go into. Whoever is known to have died has no case.
func (c ReportDeath) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	a, found := b.Account(c.Account)
	switch {
	case !found:
		return nil, ErrNoAccount()
	case a.Bank != c.Bank:
		return nil, problem.Reject("report_of_another_bank", "another bank was asked for this account", "tài khoản này được yêu cầu ở ngân hàng khác")
	case b.DiedOn != "" || b.Reported.Account == c.Account || b.Reported.Of == "beneficiary":
		return nil, nil // a case about somebody else, or about an account that was replaced, does not answer this one
	}
	of := "beneficiary"
	if a.Holder != a.Person {
		of = "representative"
	}
	facts := []events.Event{accounts.DeathReported{
		Beneficiary: b.Beneficiary, Account: a.Account, Bank: a.Bank, Of: of, EndToEndID: c.EndToEndID,
	}}
	if a.Status == Opened || a.Status == Active {
		facts = append(facts, accounts.AccountSuspended{
			Account: a.Account, Beneficiary: b.Beneficiary, Reason: deathReported, By: m.Actor,
		})
	}
	return facts, nil
}

// DismissDeath says that the person lives.
type DismissDeath struct {
	// Note is the vault reference of how the officer knows.
	Note string
}

// Decide reinstates what the report suspended.
func (c DismissDeath) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	switch {
	case !b.Exists():
		return nil, ErrUnknown()
	case b.Reported.Beneficiary == "":
		return nil, problem.Reject("death_not_reported", "no bank's report of a death waits for a decision", "không có báo tử nào của ngân hàng đang chờ xác minh")
	}
	facts := []events.Event{accounts.DeathReportDismissed{Beneficiary: b.Beneficiary, Note: c.Note, By: m.Actor}}
	if a, found := b.Account(b.Reported.Account); found && a.Status == Suspended && a.Reason == deathReported {
		facts = append(facts, accounts.AccountReinstated{
			Account: a.Account, Beneficiary: b.Beneficiary, Status: a.Usable, Note: c.Note, By: m.Actor,
		})
	}
	return facts, nil
}
