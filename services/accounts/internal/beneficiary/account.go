package beneficiary

import (
	"slices"
	"strconv"
	"strings"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// ErrNoAccount is the answer about an account that does not exist, or that the caller may not know of.
func ErrNoAccount() error {
	return problem.New(problem.NotFound, "account_unknown", "there is no such account", "không có tài khoản này")
}

// OfAccount returns the beneficiary whose account has this id.
func OfAccount(account string) (beneficiary string, ok bool) {
	i := strings.LastIndexByte(account, '-')
	if i <= 0 || i == len(account)-1 {
		return "", false
	}
	return account[:i], true
}

// Request asks a bank for an account. Its issuance was approved by two people.
type Request struct {
	Issuance string
	// Bank is the BIC.
	Bank string
	// Replaces is the account that is closed by the same decision; empty for a first account.
	Replaces string
	// MayHold tells whether the beneficiary may hold an account on the day of the request.
	MayHold bool
	// By approved the issuance.
	By string
}

// Decide refuses whoever died, cannot hold an account, or has one. A repetition within the issuance has nothing to do.
func (c Request) Decide(b Beneficiary, _ decider.Meta) ([]events.Event, error) {
	switch {
	case !b.Exists():
		return nil, ErrUnknown()
	case b.DiedOn != "":
		return nil, errDied()
	case b.Representative == "" && !c.MayHold:
		return nil, problem.Reject("representative_missing",
			"the beneficiary cannot hold an account, and has no representative",
			"người hưởng chưa đủ điều kiện tự mở tài khoản và chưa có người nhận thay")
	}
	holder := b.Representative
	if holder == "" {
		holder = b.Person
	}
	request := accounts.AccountRequested{
		Account: b.Beneficiary + "-" + strconv.Itoa(len(b.Accounts)+1), Beneficiary: b.Beneficiary, Unit: b.Unit,
		Issuance: c.Issuance, Bank: c.Bank, Person: b.Person, Holder: holder,
	}
	var facts []events.Event
	if last, found := b.Latest(); found && last.Issuance == c.Issuance {
		return nil, nil
	} else if found && last.Alive() {
		if last.Account != c.Replaces {
			return nil, problem.Reject("account_exists",
				"the beneficiary has an account, or a request for one", "người hưởng đã có tài khoản hoặc đang chờ mở tài khoản")
		}
		facts = append(facts, accounts.AccountClosed{
			Account: last.Account, Beneficiary: b.Beneficiary, Reason: "replaced", By: c.By,
		})
	}
	if reported, _ := b.Account(b.Reported.Account); !b.held(request).sameHolder(reported) {
		facts = append(facts, b.settled(c.By)...)
	}
	return append(facts, request), nil
}

// Suspend stops payments into an account until it is reinstated.
type Suspend struct {
	Account string
	// Reason is a code, Note the vault reference of the officer's remark.
	Reason, Note string
}

// Decide suspends what money could be paid into.
func (c Suspend) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	if _, err := b.usable(c.Account); err != nil {
		return nil, err
	}
	return []events.Event{accounts.AccountSuspended{
		Account: c.Account, Beneficiary: b.Beneficiary, Reason: c.Reason, Note: c.Note, By: m.Actor,
	}}, nil
}

// Block records that the bank or an authority blocked an account.
type Block struct {
	Account string
	// Reason is a code, Note the vault reference of the officer's remark.
	Reason, Note string
}

// Decide blocks what money could be paid into, and what is suspended: the block is what lasts.
func (c Block) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	a, err := b.usable(c.Account)
	if err != nil && a.Status != Suspended {
		return nil, err
	}
	return []events.Event{accounts.AccountBlocked{
		Account: c.Account, Beneficiary: b.Beneficiary, Reason: c.Reason, Note: c.Note, By: m.Actor,
	}}, nil
}

// usable returns an account that money can be paid into.
func (b Beneficiary) usable(id string) (Account, error) {
	a, found := b.Account(id)
	switch {
	case !found:
		return a, ErrNoAccount()
	case !a.usable():
		return a, problem.Reject("account_not_open", "no money can be paid into the account now", "tài khoản hiện không nhận được tiền")
	}
	return a, nil
}

// Reinstate ends a suspension or a block.
type Reinstate struct {
	Account string
	// Note is the vault reference of the officer's remark.
	Note string
}

// Decide wants another officer than those who suspended or blocked the account: a block by another one does not let somebody
// end the suspension that they began.
func (c Reinstate) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	a, found := b.Account(c.Account)
	reason := b.heldUp(a)
	switch {
	case !found:
		return nil, ErrNoAccount()
	case a.Status != Suspended && a.Status != Blocked:
		return nil, problem.Reject("account_not_suspended", "the account is not suspended or blocked", "tài khoản không bị tạm dừng hay phong tỏa")
	case reason == deathReported:
		return nil, problem.Reject(deathReported, "a bank says that the holder died; record the death, or dismiss the report",
			"ngân hàng báo chủ tài khoản đã mất; hãy ghi nhận báo tử hoặc bác bỏ báo cáo")
	case reason == representativeChanged:
		return nil, problem.Reject(representativeChanged, "the account is in the name of who received before; replace it",
			"tài khoản đứng tên người nhận thay trước đây; hãy thay tài khoản")
	case slices.Contains(a.HeldBy, m.Actor):
		return nil, problem.Reject("same_person",
			"whoever suspended or blocked the account cannot reinstate it", "người tạm dừng hoặc phong tỏa không được tự mở lại")
	}
	return []events.Event{accounts.AccountReinstated{
		Account: c.Account, Beneficiary: b.Beneficiary, Status: a.Usable, Note: c.Note, By: m.Actor,
	}}, nil
}

// Close ends an account, or the request for one.
type Close struct {
	Account string
	// Note is the vault reference of the officer's remark.
	Note string
}

// Decide closes what is alive.
func (c Close) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	a, found := b.Account(c.Account)
	switch {
	case !found:
		return nil, ErrNoAccount()
	case !a.Alive():
		return nil, problem.Reject("account_closed", "the account is closed or was refused", "tài khoản đã đóng hoặc bị từ chối mở")
	}
	facts := []events.Event{accounts.AccountClosed{
		Account: c.Account, Beneficiary: b.Beneficiary, Reason: "closed", Note: c.Note, By: m.Actor,
	}}
	if b.concerned(a) {
		facts = append(facts, b.settled(m.Actor)...)
	}
	return facts, nil
}
