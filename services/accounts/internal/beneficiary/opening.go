package beneficiary

import (
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// Why an account stays closed to payments that a bank opened: in another name, or in one that only comes close.
const (
	nameDiffers = "name_differs"
	nameClose   = "name_close"
)

// How the bank's name of the holder compares with ours. Everything else is another name.
const (
	match      = "match"
	closeMatch = "close_match"
)

// RecordOpening notes what a bank says about a request, as the bank gateway checked it.
type RecordOpening struct {
	Account, Bank string
	// Status is opened, needs_information or refused.
	Status string
	Reason string
	// Number, Mark and HolderMatch come with an opened account.
	Number, Mark, HolderMatch string
	Biometric                 bool
}

// Decide applies the report to the account, or refuses it so that it waits for an operator.
func (c RecordOpening) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	a, found := b.Account(c.Account)
	switch {
	case !found:
		return nil, ErrNoAccount()
	case a.Bank != c.Bank:
		return nil, problem.Reject("report_of_another_bank", "another bank was asked for this account", "tài khoản này được yêu cầu ở ngân hàng khác")
	case a.Status == Closed:
		return nil, nil // too late: the gateway's log has the report
	}
	switch c.Status {
	case Opened:
		return c.opened(b, a, m)
	case NeedsInformation:
		return c.unclear(a, c.Reason)
	case Refused:
		return c.refused(a)
	default:
		return nil, problem.Reject("report_unknown", "the report has an unknown status", "trạng thái báo cáo không xác định")
	}
}

// opened takes the account of whom we asked for. One whose name only comes close waits for an officer, and another name keeps
// the account closed.
func (c RecordOpening) opened(b Beneficiary, a Account, m decider.Meta) ([]events.Event, error) {
	switch {
	case c.Number == "", c.Mark == "":
		return nil, problem.Reject("report_incomplete", "an opened account has a number", "tài khoản đã mở phải có số tài khoản")
	case a.Status == Refused, a.Mark != "" && a.Mark != c.Mark, a.doubted() && c.HolderMatch != match && c.HolderMatch != closeMatch:
		return nil, errContradictory()
	case a.Mark != "" && !a.doubted():
		if c.Biometric && a.Status == Opened {
			return []events.Event{accounts.AccountActivated{Account: a.Account, Beneficiary: a.Beneficiary}}, nil
		}
		return nil, nil
	case c.HolderMatch == match:
		a.Number, a.Mark, a.HolderMatch, a.Biometric = c.Number, c.Mark, match, c.Biometric || a.Biometric
		return b.opens(a, accounts.AccountOpened{}, m), nil
	case c.HolderMatch != closeMatch:
		return c.unclear(a, nameDiffers)
	case a.doubted() && (a.Biometric || !c.Biometric):
		return nil, nil
	}
	return []events.Event{accounts.AccountHolderDoubted{
		Account: a.Account, Beneficiary: a.Beneficiary, Number: c.Number, Mark: c.Mark, Biometric: c.Biometric,
	}}, nil
}

// opens lets money be paid into an account as the bank described it, unless something holds it up that came meanwhile. fact says
// who confirmed the holder, if somebody had to.
func (b Beneficiary) opens(a Account, fact accounts.AccountOpened, m decider.Meta) []events.Event {
	fact.Account, fact.Beneficiary, fact.Bank, fact.Holder = a.Account, b.Beneficiary, a.Bank, a.Holder
	fact.Number, fact.Mark, fact.HolderMatch = a.Number, a.Mark, a.HolderMatch
	facts := []events.Event{fact}
	if a.Biometric {
		facts = append(facts, accounts.AccountActivated{Account: a.Account, Beneficiary: a.Beneficiary})
	}
	return append(facts, b.holdUp(a, m)...)
}

// ConfirmHolder is an officer's word that an account whose holder's name only comes close is the one that was asked for.
// Who says no closes it.
type ConfirmHolder struct {
	Account string
	// Maker drafted the issuance.
	Maker string
	// Note is the vault reference of how the officer knows.
	Note string
}

// Decide wants another officer than those whose word the name and the request are.
func (c ConfirmHolder) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	a, found := b.Account(c.Account)
	switch {
	case !found:
		return nil, ErrNoAccount()
	case !a.doubted():
		return nil, problem.Reject("holder_not_doubted",
			"no account waits for somebody to confirm its holder", "không có tài khoản nào chờ xác nhận chủ tài khoản")
	case m.Actor == c.Maker, slices.Contains(b.EnteredBy, m.Actor):
		return nil, problem.Reject("same_person", "whoever entered the person or drafted the request cannot confirm the holder",
			"người nhập thông tin người hưởng hoặc lập đợt cấp không được tự xác nhận chủ tài khoản")
	}
	return b.opens(a, accounts.AccountOpened{Note: c.Note, By: m.Actor}, m), nil
}

// unclear keeps the request open. It says nothing about an account that the bank has opened or refused since.
func (c RecordOpening) unclear(a Account, reason string) ([]events.Event, error) {
	waiting := a.Status == Requested || a.Status == NeedsInformation && a.Reason != reason && !a.doubted()
	if !waiting {
		return nil, nil
	}
	return []events.Event{accounts.AccountNeedsInformation{Account: a.Account, Beneficiary: a.Beneficiary, Reason: reason}}, nil
}

func (c RecordOpening) refused(a Account) ([]events.Event, error) {
	if a.doubted() {
		return nil, errContradictory()
	}
	switch a.Status {
	case Requested, NeedsInformation:
		return []events.Event{accounts.AccountRefused{Account: a.Account, Beneficiary: a.Beneficiary, Reason: c.Reason}}, nil
	case Refused:
		return nil, nil
	default:
		return nil, errContradictory()
	}
}

func errContradictory() error {
	return problem.Reject("report_contradictory",
		"the bank reports something else than before about the same account", "ngân hàng báo cáo khác với lần trước về cùng một tài khoản")
}
