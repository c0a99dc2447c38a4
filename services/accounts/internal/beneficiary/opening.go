package beneficiary

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// nameDiffers is why an account stays closed to payments that a bank opened in another name.
const nameDiffers = "name_differs"

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

// opened takes the account, and holds it up where a bank says that its holder died meanwhile.
func (c RecordOpening) opened(b Beneficiary, a Account, m decider.Meta) ([]events.Event, error) {
	switch {
	case c.Number == "", c.Mark == "":
		return nil, problem.Reject("report_incomplete", "an opened account has a number", "tài khoản đã mở phải có số tài khoản")
	case a.Status == Refused, a.Mark != "" && a.Mark != c.Mark:
		return nil, errContradictory()
	case a.Mark != "":
		if c.Biometric && a.Status == Opened {
			return []events.Event{accounts.AccountActivated{Account: a.Account, Beneficiary: a.Beneficiary}}, nil
		}
		return nil, nil
	case c.HolderMatch != "match" && c.HolderMatch != "close_match":
		return c.unclear(a, nameDiffers)
	}
	facts := []events.Event{accounts.AccountOpened{
		Account: a.Account, Beneficiary: a.Beneficiary, Bank: a.Bank,
		Number: c.Number, Mark: c.Mark, Holder: a.Holder, HolderMatch: c.HolderMatch,
	}}
	if c.Biometric {
		facts = append(facts, accounts.AccountActivated{Account: a.Account, Beneficiary: a.Beneficiary})
	}
	if b.concerned(a) {
		facts = append(facts, b.holdUp(a, m))
	}
	return facts, nil
}

// unclear keeps the request open. It says nothing about an account that the bank has opened or refused since.
func (c RecordOpening) unclear(a Account, reason string) ([]events.Event, error) {
	waiting := a.Status == Requested || a.Status == NeedsInformation && a.Reason != reason
	if !waiting {
		return nil, nil
	}
	return []events.Event{accounts.AccountNeedsInformation{Account: a.Account, Beneficiary: a.Beneficiary, Reason: reason}}, nil
}

func (c RecordOpening) refused(a Account) ([]events.Event, error) {
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
