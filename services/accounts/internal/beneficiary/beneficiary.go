// Package beneficiary is the life of one beneficiary and of their social-security accounts, one after the other.
//
//  1. One stream per person, commune and file: registering the same again is refused, whoever asks and with whichever key.
//  2. At most one account is alive at a time. A request counts as alive: two officers cannot ask two banks.
//  3. An account is in the name of the representative where there is one, else of the beneficiary, who must be 15 years
//     old and have capacity. Without either there is no account, and money is paid in cash.
//  4. A bank's report counts for the account that it was asked for. A repetition changes nothing; what contradicts a
//     final answer is refused, so that a person looks at it.
//  5. An account in another name than we asked for is not opened here, whatever the bank says: the bank has to explain.
//     A name that only comes close (other accents, a mask) is somebody else's until an officer says otherwise who neither
//     entered or corrected the person nor drafted the request, or until the bank gives the name as it is. Nothing is paid before.
//  6. What an officer has suspended or blocked is reinstated by another officer, never by themselves.
//  7. A correction brings new references and starts the identity check again. It cannot make another person of somebody:
//     the document's number stays, or they are registered anew. If somebody else receives for them from then on, or nobody, the
//     account of who did before is suspended, also one that a bank opens later, and not reinstated while that is so.
//  8. A death closes the account or the request, and nothing is requested after it. Another officer than who recorded it can revoke
//     it, by a document; a wrong day is revoked, and recorded again. The account stays closed.
//  9. A bank's word that the holder died is no death: it suspends the account in that holder's name, or the one that a bank opens
//     in it meanwhile, until an officer has recorded the death, or dismissed the report. Nothing else reinstates the account. If
//     the holder is a representative, the case ends as well when they do not receive any more. There is one case at a time: the
//     beneficiary's comes first, and that of who receives for them follows when it is dismissed.
package beneficiary

import (
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
)

// The states of an account.
const (
	Requested        = "requested"
	NeedsInformation = "needs_information"
	Refused          = "refused"
	Opened           = "opened"
	Active           = "active"
	Suspended        = "suspended"
	Blocked          = "blocked"
	Closed           = "closed"
)

// Pending is the result of the identity check until it is answered.
const Pending = "pending"

// Beneficiary is the folded state. Its zero value is somebody nobody registered.
type Beneficiary struct {
	accounts.BeneficiaryRegistered
	Identity       string
	IdentityFields []string
	DiedOn         string
	// DeathBy recorded the death.
	DeathBy string
	// EnteredBy registered the person, or corrected them at any time: the name that a bank is asked for is their word.
	EnteredBy []string
	// Reported is the report of a death that nobody has decided about; empty when there is none.
	Reported accounts.DeathReported
	// Behind is one about who receives for a beneficiary who is reported dead themselves: it is decided about after that.
	Behind accounts.DeathReported
	// Accounts are all there ever were, the latest last.
	Accounts []Account
}

// Account is one account, or the request for it.
type Account struct {
	accounts.AccountRequested
	// HolderMark is the keyed name of a representative who holds it.
	HolderMark string
	Status     string
	Reason     string
	// Number, Mark and HolderMatch are there once the bank opened it.
	Number, Mark, HolderMatch string
	// Biometric is whether the holder of a doubted account passed the bank's check.
	Biometric bool
	// Usable is opened or active: what the account is when nothing holds it up.
	Usable string
	// HeldBy are those who suspended or blocked it, since it was last open.
	HeldBy []string
}

// doubted tells whether the account waits for somebody to confirm its holder.
func (a Account) doubted() bool { return a.Status == NeedsInformation && a.Mark != "" }

// usable tells whether money is paid into the account.
func (a Account) usable() bool { return a.Status == Opened || a.Status == Active }

// Alive tells whether the account, or the request, may still lead to payments: another one has to wait for its end.
func (a Account) Alive() bool { return a.Status != Refused && a.Status != Closed }

// Exists tells whether somebody was registered.
func (b Beneficiary) Exists() bool { return b.Beneficiary != "" }

// Latest returns the last account, which is the only one that may be alive.
func (b Beneficiary) Latest() (Account, bool) {
	if len(b.Accounts) == 0 {
		return Account{}, false
	}
	return b.Accounts[len(b.Accounts)-1], true
}

// Account returns one of the accounts by its id.
func (b Beneficiary) Account(id string) (Account, bool) {
	i := slices.IndexFunc(b.Accounts, func(a Account) bool { return a.Account == id })
	if i < 0 {
		return Account{}, false
	}
	return b.Accounts[i], true
}

// Evolve is the whole state machine on one screen; what concerns one account stands in [Account.Evolve].
func (b Beneficiary) Evolve(e events.Event) Beneficiary {
	switch e := e.(type) {
	case accounts.BeneficiaryRegistered:
		return Beneficiary{BeneficiaryRegistered: e, Identity: Pending, EnteredBy: []string{e.By}}
	case accounts.BeneficiaryCorrected:
		b.EnteredBy = with(b.EnteredBy, e.By)
		b.Person, b.DocumentType, b.MayHold = e.Person, e.DocumentType, e.MayHold
		b.Representative, b.RepresentativeMark = e.Representative, e.RepresentativeMark
		b.Identity, b.IdentityFields = Pending, nil
	case accounts.BeneficiaryIdentified:
		b.Identity, b.IdentityFields = e.Result, e.Fields
	case accounts.BeneficiaryDied:
		b.DiedOn, b.DeathBy, b.Reported, b.Behind = e.DiedOn, e.By, accounts.DeathReported{}, accounts.DeathReported{}
	case accounts.BeneficiaryDeathRevoked:
		b.DiedOn, b.DeathBy = "", ""
	case accounts.DeathReported, accounts.DeathReportNoted, accounts.DeathReportDismissed, accounts.DeathReportSettled:
		b = b.heard(e)
	case accounts.AccountRequested:
		b.Accounts = append(slices.Clone(b.Accounts), b.held(e))
	default:
		id, ok := AccountOf(e)
		if !ok {
			panic(decider.Unknown(e))
		}
		b.Accounts = slices.Clone(b.Accounts)
		for i, a := range b.Accounts {
			if a.Account == id {
				b.Accounts[i] = a.Evolve(e)
			}
		}
	}
	return b
}

// held is a request with its holder.
func (b Beneficiary) held(e accounts.AccountRequested) Account {
	a := Account{AccountRequested: e, Status: Requested}
	if e.Holder == b.Representative {
		a.HolderMark = b.RepresentativeMark
	}
	return a
}

// AccountOf names the account that a fact concerns; facts about the person concern none.
func AccountOf(e events.Event) (id string, ok bool) {
	switch e := e.(type) {
	case accounts.AccountRequested:
		return e.Account, true
	case accounts.AccountNeedsInformation:
		return e.Account, true
	case accounts.AccountHolderDoubted:
		return e.Account, true
	case accounts.AccountRefused:
		return e.Account, true
	case accounts.AccountOpened:
		return e.Account, true
	case accounts.AccountActivated:
		return e.Account, true
	case accounts.AccountSuspended:
		return e.Account, true
	case accounts.AccountBlocked:
		return e.Account, true
	case accounts.AccountReinstated:
		return e.Account, true
	case accounts.AccountClosed:
		return e.Account, true
	default:
		return "", false
	}
}

// Evolve folds a fact about an account.
func (a Account) Evolve(e events.Event) Account {
	switch e := e.(type) {
	case accounts.AccountRequested:
		return Account{AccountRequested: e, Status: Requested}
	case accounts.AccountNeedsInformation:
		a.Status, a.Reason = NeedsInformation, e.Reason
	case accounts.AccountHolderDoubted:
		a.Status, a.Reason = NeedsInformation, nameClose
		a.Number, a.Mark, a.HolderMatch, a.Biometric = e.Number, e.Mark, closeMatch, e.Biometric
	case accounts.AccountRefused:
		a.Status, a.Reason = Refused, e.Reason
	case accounts.AccountOpened:
		a.Status, a.Usable, a.Reason = Opened, Opened, ""
		a.Number, a.Mark, a.HolderMatch = e.Number, e.Mark, e.HolderMatch
	case accounts.AccountActivated:
		a.Status, a.Usable, a.Reason = Active, Active, ""
	case accounts.AccountSuspended:
		a.Status, a.Reason, a.HeldBy = Suspended, e.Reason, with(a.HeldBy, e.By)
	case accounts.AccountBlocked:
		a.Status, a.Reason, a.HeldBy = Blocked, e.Reason, with(a.HeldBy, e.By)
	case accounts.AccountReinstated:
		a.Status, a.Reason, a.HeldBy = e.Status, "", nil
	case accounts.AccountClosed:
		a.Status, a.Reason = Closed, e.Reason
	default:
		panic(decider.Unknown(e))
	}
	return a
}

// with adds somebody to those who had a part in something, without touching the list of an earlier state.
func with(parties []string, by string) []string {
	if slices.Contains(parties, by) {
		return parties
	}
	return append(slices.Clip(parties), by)
}
