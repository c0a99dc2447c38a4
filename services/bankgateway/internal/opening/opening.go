// Package opening is the life of one request to a bank to open an account.
//
//  1. A request is sent once as far as this log is concerned. The topic may hold it twice, under the same id.
//  2. A bank opens, refuses, or needs information and decides later. What it said before is a repetition, and nothing.
//  3. An account that was opened stays the one that was opened: another number later, or a refusal, is contradictory and
//     set aside. The same number again may bring news: the holder passed the biometric check, or their name was mended.
//     A name that only came close settles the number, and the bank may still give it as it is.
//  4. A holder whose name is another one (no_match) is not whom the account is for. Until the bank mends that, nothing is
//     settled, and another number may come.
//  5. The number never stands here: the fact names its row in the vault, and a mark by which equal numbers are found.
package opening

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// What a bank may say, and why a report is set aside.
const (
	Opened           = "opened"
	NeedsInformation = "needs_information"
	Refused          = "refused"

	Late          = "late"
	Contradictory = "contradictory"
)

// Stream is the name of the stream of a request, by the id of the account.
func Stream(account string) string { return "opening-" + account }

// Opening is the folded state. Its zero value is a request that was never heard of.
type Opening struct {
	Account     string
	Beneficiary string
	Bank        string
	// Holder is the reference of the person in the vault of accounts.
	Holder string
	Sent   bool
	// Held says why it cannot be sent; empty when it can.
	Held string
	// Last is the last report that counts.
	Last bankgateway.OpeningReported
	// Aside are those that do not.
	Aside []bankgateway.OpeningReportSetAside
}

// Settled tells whether an account stands to its holder's name.
func (o Opening) Settled() bool { return o.Last.Status == Opened && o.Last.HolderMatch != NoMatch }

// Evolve is the whole state machine on one screen.
func (o Opening) Evolve(e events.Event) Opening {
	switch e := e.(type) {
	case bankgateway.OpeningSent:
		o.Account, o.Beneficiary, o.Bank, o.Holder, o.Sent, o.Held = e.Account, e.Beneficiary, e.Bank, e.Holder, true, ""
	case bankgateway.OpeningHeld:
		o.Account, o.Bank, o.Held = e.Account, e.Bank, e.Reason
	case bankgateway.OpeningResumed:
		o.Held = ""
	case bankgateway.OpeningReported:
		o.Last = e
	case bankgateway.OpeningReportSetAside:
		o.Aside = append(o.Aside[:len(o.Aside):len(o.Aside)], e)
	default:
		panic(decider.Unknown(e))
	}
	return o
}

// Command is a command on a request for an account.
type Command = decider.Command[Opening]

// Send says that the bank's topic has the request.
type Send bankgateway.OpeningSent

// Decide records the first time.
func (c Send) Decide(o Opening, _ decider.Meta) ([]events.Event, error) {
	if o.Sent {
		return nil, nil
	}
	return []events.Event{bankgateway.OpeningSent(c)}, nil
}

// Hold says that the request cannot be sent.
type Hold bankgateway.OpeningHeld

// Decide records a reason that is new.
func (c Hold) Decide(o Opening, _ decider.Meta) ([]events.Event, error) {
	if o.Sent || o.Held == c.Reason {
		return nil, nil
	}
	return []events.Event{bankgateway.OpeningHeld(c)}, nil
}

// Resume says that what held the request is mended.
type Resume struct{}

// Decide resumes what is held.
func (Resume) Decide(o Opening, _ decider.Meta) ([]events.Event, error) {
	if o.Held == "" {
		return nil, nil
	}
	return []events.Event{bankgateway.OpeningResumed{Account: o.Account, Bank: o.Bank}}, nil
}

// Hear takes note of what a bank says. What could not be kept in clear was sealed before: see [Check] for what has to be
// true of the message itself.
type Hear struct {
	// Bank is whose topic it came on.
	Bank   string
	Status string
	Reason string
	// Number is the vault reference of the account number, Mark its keyed name, HolderMatch how the names compare; empty
	// unless opened.
	Number, Mark, HolderMatch string
	Biometric                 bool
}

// Decide forgets repetitions, reports news, and sets aside what cannot be true any more.
func (c Hear) Decide(o Opening, _ decider.Meta) ([]events.Event, error) {
	switch {
	case !o.Sent:
		return nil, Unknown()
	case o.Bank != c.Bank:
		return nil, OtherBank()
	case c.repeats(o.Last):
		return nil, nil
	}
	why := c.aside(o)
	switch {
	case why == "" && c.Status == Opened && c.Number == "":
		return nil, problem.New(problem.Conflict, "number_not_sealed",
			"the request changed while the report was read", "yêu cầu đã thay đổi trong khi đọc báo cáo")
	case why == "":
		return []events.Event{bankgateway.OpeningReported{
			Account: o.Account, Beneficiary: o.Beneficiary, Bank: o.Bank, Status: c.Status, Reason: c.Reason,
			Number: c.Number, Mark: c.Mark, HolderMatch: c.HolderMatch, Biometric: c.Biometric,
		}}, nil
	}
	set := bankgateway.OpeningReportSetAside{
		Account: o.Account, Bank: o.Bank, Status: c.Status, Reason: c.Reason, Mark: c.Mark, HolderMatch: c.HolderMatch, Why: why,
	}
	for _, before := range o.Aside {
		if before == set {
			return nil, nil
		}
	}
	return []events.Event{set}, nil
}

func (c Hear) repeats(last bankgateway.OpeningReported) bool {
	return last.Status == c.Status && last.Reason == c.Reason && last.Mark == c.Mark &&
		last.HolderMatch == c.HolderMatch && last.Biometric == c.Biometric
}

// aside says why a report does not count; empty if it does.
func (c Hear) aside(o Opening) string {
	switch {
	case o.Last.Status == Refused && c.Status == NeedsInformation:
		return Late
	case o.Last.Status == Refused:
		return Contradictory
	case !o.Settled():
		return ""
	case c.Status == NeedsInformation:
		return Late
	case c.Status == Refused, c.Mark != o.Last.Mark, c.HolderMatch == NoMatch:
		return Contradictory
	case o.Last.Biometric && !c.Biometric, c.HolderMatch == CloseMatch && o.Last.HolderMatch == Match && c.Biometric == o.Last.Biometric:
		return Late // the same account, as it was described before
	}
	return ""
}

// Unknown refuses a report about a request that was never sent.
func Unknown() error {
	return problem.Reject("request_unknown", "nothing was requested under this id", "không có yêu cầu nào mang mã này")
}

// OtherBank refuses a report of a bank that was not asked.
func OtherBank() error {
	return problem.Reject("request_of_other_bank", "another bank was asked", "yêu cầu này gửi cho ngân hàng khác")
}

// Counts tells whether a report would be reported on, so that what is set aside need not be sealed.
func (c Hear) Counts(o Opening) bool {
	return o.Sent && o.Bank == c.Bank && !c.repeats(o.Last) && c.aside(o) == ""
}
