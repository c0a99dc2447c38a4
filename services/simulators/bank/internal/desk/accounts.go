package desk

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/bank/internal/ledger"
)

// The states of an account.
const (
	stateActive    = "active"
	stateDormant   = "dormant"
	stateSuspended = "suspended"
	stateBlocked   = "blocked"
	stateClosed    = "closed"
	stateDeceased  = "deceased"
)

// States lists the states of an account.
func States() []string {
	return []string{stateActive, stateDormant, stateSuspended, stateBlocked, stateClosed, stateDeceased}
}

// reasonOf is why an account in that state takes no money.
func reasonOf(state string) string {
	switch state {
	case stateClosed:
		return "AC04"
	case stateDeceased:
		return "MD07"
	default:
		return "AC06"
	}
}

// opening answers a request for an account. A request that comes again is answered as before, unless it was sent back
// for more information and comes with another name: then the account is opened.
func (e *errand) opening(o opening, cause string) {
	a, known := e.tx.View().Request(o.RequestID)
	fate := ""
	if !known {
		fate = draw(e.dice(diceAccount, o.RequestID), e.scenario.Accounts, Fates())
	}
	if !known || a.Answer == NeedsInformation && a.Holder != o.Holder.FullName {
		a = e.account(o, fate)
		e.tx.Open(a)
	}
	if e.manner(o.RequestID, e.scenario) != Mute {
		e.say(ledger.Debt{Key: cause, ID: o.RequestID}, answerTo(a))
	}
}

func answerTo(a ledger.Account) Outgoing {
	return saying(a.RequestID, typeOpened, openingReport{
		RequestID: a.RequestID, Status: a.Answer, AccountNumber: a.Number, HolderName: a.Reported,
		Biometric: a.Biometric, Reason: a.Reason,
	})
}

func (e *errand) account(o opening, fate string) ledger.Account {
	a := ledger.Account{
		RequestID: o.RequestID, Answer: "opened", Holder: o.Holder.FullName, Reported: o.Holder.FullName,
		Biometric: true, State: stateActive,
	}
	switch fate {
	case NeedsInformation:
		return ledger.Account{RequestID: o.RequestID, Answer: NeedsInformation, Holder: a.Holder, Reason: "document_unreadable"}
	case Refused:
		return ledger.Account{RequestID: o.RequestID, Answer: Refused, Holder: a.Holder, Reason: "restricted"}
	case BiometricPending:
		a.Biometric = false
	case OtherName:
		a.Reported = "Trần Thị Khác"
	case PlainName:
		a.Reported = strings.ToUpper(vn.Fold(a.Holder))
	case MaskedName:
		a.Reported = masked(a.Holder)
	}
	a.Number = e.number(o.RequestID)
	return a
}

// number makes the number of an account, which follows from the seed and the request. The next one is taken if somebody
// has it already.
func (e *errand) number(request string) string {
	const most = 10_000_000_000 // ten digits before the two that check them
	for at := e.dice(diceNumber, request).Below(most); ; at = (at + 1) % most {
		number := fmt.Sprintf("%010d%02d", at, e.checkDigits(at))
		if _, taken := e.tx.View().Number(number); !taken {
			return number
		}
	}
}

// issued tells whether a number is one that this bank would give, also when its ledger does not know the account: the
// check digits depend on the bank's seed.
func (d *Desk) issued(number string) bool {
	if len(number) != 12 || strings.Trim(number, "0123456789") != "" {
		return false
	}
	at, err := strconv.ParseUint(number[:10], 10, 64)
	return err == nil && number[10:] == fmt.Sprintf("%02d", d.checkDigits(at))
}

func (d *Desk) checkDigits(at uint64) uint64 {
	return d.dice(diceNumber, strconv.FormatUint(at, 10)).Below(100)
}

// masked hides all but the first letter of each part of a name.
func masked(name string) string {
	parts := strings.Fields(name)
	for i, part := range parts {
		letters := []rune(part)
		parts[i] = string(letters[:1]) + strings.Repeat("*", max(len(letters)-1, 1))
	}
	return strings.Join(parts, " ")
}

// verifying says whether an account is still what it was. It looks up and changes nothing.
func (e *errand) verifying(v verifying, cause string) {
	if e.manner(v.RequestID, e.scenario) == Mute {
		return
	}
	answer := verification{RequestID: v.RequestID, Answer: "RVNA", Status: stateClosed}
	if a, held := e.tx.View().Number(v.AccountNumber); held {
		answer.Answer, answer.Status = "RVNM", a.State
		switch vn.CompareNames(a.Holder, v.HolderName) {
		case vn.SameName:
			answer.Answer = "RCVC"
		case vn.OtherAccents:
			answer.Answer = "RVMC"
		}
		if a.State == stateDeceased {
			answer.Status = stateBlocked // the contract has no word for it; the money says MD07
		}
	}
	e.sayNow(cause, saying(v.RequestID, typeVerified, answer))
}
