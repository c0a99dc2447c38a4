package beneficiary

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// Deceased is the reason by which a bank says that a holder died (ISO 20022 MD07).
const Deceased = "MD07"

// Why an account is suspended without an officer's wish: a bank says that its holder died, or they are a representative who does not
// receive any more.
const (
	deathReported         = "death_reported"
	representativeChanged = "representative_changed"
)

// ReportDeath is a bank's word that the holder of an account died.
type ReportDeath struct {
	Account, Bank string
	// EndToEndID is the payment by which it came up; empty for a request that was refused.
	EndToEndID string
}

// Decide opens the case once, and suspends the account that money could go into: the latest one of the same holder, if the bank
// speaks of an earlier one. Whoever is known to have died has no case, nor has a representative who does not receive any more; that
// the bank said so is noted, because the payment that it speaks of waits for that, also after the death was revoked.
func (c ReportDeath) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	a, found := b.Account(c.Account)
	switch {
	case !found:
		return nil, ErrNoAccount()
	case a.Bank != c.Bank:
		return nil, problem.Reject("report_of_another_bank", "another bank was asked for this account", "tài khoản này được yêu cầu ở ngân hàng khác")
	}
	report := accounts.DeathReported{
		Beneficiary: b.Beneficiary, Account: a.Account, Bank: a.Bank, Of: ofBeneficiary, EndToEndID: c.EndToEndID,
	}
	if !a.own() {
		report.Of = ofRepresentative
	}
	switch {
	case report == b.Reported:
		return nil, nil
	case b.DiedOn != "", b.concerned(a), !a.own() && !b.receives(a): // a case about somebody else does not answer this one
		return []events.Event{accounts.DeathReportNoted(report)}, nil
	}
	facts := []events.Event{report}
	b.Reported = report
	if latest, _ := b.Latest(); latest.usable() {
		facts = append(facts, b.holdUp(latest, m)...)
	}
	return facts, nil
}

// heard folds what banks say, and what officers make of it.
func (b Beneficiary) heard(e events.Event) Beneficiary {
	switch e := e.(type) {
	case accounts.DeathReported:
		if e.Of == ofBeneficiary {
			b.Behind = b.Reported
		}
		b.Reported = e
	case accounts.DeathReportNoted:
		a, _ := b.Account(e.Account)
		if e.Of == ofRepresentative && b.Reported.Of == ofBeneficiary && b.receives(a) {
			b.Behind = accounts.DeathReported(e)
		}
	default:
		b.Reported, b.Behind = accounts.DeathReported{}, accounts.DeathReported{}
	}
	return b
}

// Whom a bank reports dead.
const (
	ofBeneficiary    = "beneficiary"
	ofRepresentative = "representative"
)

// concerned tells whether a report of a death that nobody has decided about is about the holder of an account. One about the
// beneficiary concerns whoever receives for them.
func (b Beneficiary) concerned(a Account) bool {
	reported, found := b.Account(b.Reported.Account)
	return found && (b.Reported.Of == ofBeneficiary || a.sameHolder(reported))
}

// receives tells whether money goes, or could go, to the holder of an account: the latest one is in their name.
func (b Beneficiary) receives(a Account) bool {
	latest, found := b.Latest()
	return found && latest.Status != Closed && latest.sameHolder(a)
}

// own tells whether the account is in the beneficiary's own name.
func (a Account) own() bool { return a.Holder == a.Person }

// sameHolder tells whether two accounts are in one person's name. Somebody whose data were corrected has another reference.
func (a Account) sameHolder(as Account) bool {
	return a.Holder == as.Holder || a.own() && as.own() || a.HolderMark != "" && a.HolderMark == as.HolderMark
}

// heldUp says why nothing may be paid into an account, as a code; empty when nothing is known of its holder that speaks against it.
func (b Beneficiary) heldUp(a Account) string {
	switch {
	case b.concerned(a):
		return deathReported
	case a.HolderMark != "" && a.HolderMark != b.RepresentativeMark:
		return representativeChanged
	default:
		return ""
	}
}

// holdUp suspends an account as long as there is such a reason.
func (b Beneficiary) holdUp(a Account, m decider.Meta) []events.Event {
	reason := b.heldUp(a)
	if reason == "" {
		return nil
	}
	return []events.Event{accounts.AccountSuspended{Account: a.Account, Beneficiary: b.Beneficiary, Reason: reason, By: m.Actor}}
}

// settled ends the case about a representative who does not receive any more.
func (b Beneficiary) settled(by string) []events.Event {
	if b.Reported.Of != ofRepresentative {
		return nil
	}
	return []events.Event{accounts.DeathReportSettled{Beneficiary: b.Beneficiary, By: by}}
}

// DismissDeath says that the person lives.
type DismissDeath struct {
	// Note is the vault reference of how the officer knows.
	Note string
}

// Decide reinstates what the report suspended, unless it waits for a report about who receives for the person as well, or is the
// account of who does not receive any more.
func (c DismissDeath) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	switch {
	case !b.Exists():
		return nil, ErrUnknown()
	case b.Reported.Beneficiary == "":
		return nil, problem.Reject("death_not_reported", "no bank's report of a death waits for a decision", "không có báo tử nào của ngân hàng đang chờ xác minh")
	}
	facts := []events.Event{accounts.DeathReportDismissed{Beneficiary: b.Beneficiary, Note: c.Note, By: m.Actor}}
	if a, found := b.Account(b.Behind.Account); found && b.receives(a) {
		return append(facts, b.Behind), nil
	}
	b.Reported = accounts.DeathReported{}
	a, found := b.Latest()
	if !found || a.Status != Suspended || a.Reason != deathReported {
		return facts, nil
	}
	if held := b.holdUp(a, m); held != nil {
		return append(facts, held...), nil
	}
	return append(facts, accounts.AccountReinstated{
		Account: a.Account, Beneficiary: b.Beneficiary, Status: a.Usable, Note: c.Note, By: m.Actor,
	}), nil
}

// RevokeDeath says that a death was recorded for the wrong person, or on a wrong day.
type RevokeDeath struct {
	// Paper is the number of the document that shows it, Note the vault reference of the reason.
	Paper, Note string
}

// Decide wants another officer than who recorded the death: what it ended is money that somebody does not get, or does again.
func (c RevokeDeath) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	switch {
	case !b.Exists():
		return nil, ErrUnknown()
	case b.DiedOn == "":
		return nil, problem.Reject("death_not_recorded", "no death is recorded", "chưa ghi nhận báo tử")
	case b.DeathBy == m.Actor:
		return nil, problem.Reject("same_person", "whoever recorded the death cannot revoke it", "người ghi nhận báo tử không được tự hủy")
	}
	return []events.Event{accounts.BeneficiaryDeathRevoked{Beneficiary: b.Beneficiary, Paper: c.Paper, Note: c.Note, By: m.Actor}}, nil
}
