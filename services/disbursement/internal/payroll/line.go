package payroll

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/money"
)

// The kinds of lines. They are part of a payment's id.
const (
	Regular        = "regular"         // the month of the list
	Arrears        = "arrears"         // an earlier month, of which not all was paid
	CarriedForward = "carried_forward" // an earlier payment that never reached anybody
)

// How a line is paid.
const (
	ByAccount = "account"
	InCash    = "cash"
)

// What is noticed about a line.
const (
	SignalSharedAccount  = "shared_account"  // several people use the account, and its holder represents none of them: held
	SignalDied           = "died"            // money of an earlier month of somebody who died: who gets it is for people to decide
	SignalDeathReported  = "death_reported"  // a bank says that the person died, and no officer has decided about it: held
	SignalAccountChanged = "account_changed" // the account was replaced a few days before
	SignalIdentity       = "identity"        // the population database did not confirm the person

	SignalPaidElsewhere = "paid_by_other_programme" // another programme's list pays more for the month than the law grants there now: held
)

// Line is one payment as the list foresees it. It names people by reference, and is frozen with the list: an account
// that changes later does not divert it (invariant I12).
type Line struct {
	// Payment is the id that the payment will have, and that of the line.
	Payment     string `json:"payment"`
	Beneficiary string `json:"beneficiary"`
	// Mark is the person's keyed name: two files of one person have the same.
	Mark string `json:"mark"`
	// Enrolments are the rights that the amount is made of, the highest first.
	Enrolments []string `json:"enrolments"`
	// Unit is the commune that the person belongs to, also on the list of a province.
	Unit events.Unit `json:"unit"`
	// Month is what the money is for.
	Month string `json:"month"`
	Kind  string `json:"kind"`
	// Origin is the payment that is carried forward.
	Origin string `json:"origin,omitempty"`
	// InsteadOf are payments of the month, in any programme, that reached nobody, and that this list did not count because no other one
	// ever pays them. Like Origin, each must still have reached nobody when the line is paid.
	InsteadOf []string `json:"instead_of,omitempty"`
	// Amount is positive.
	Amount money.Amount `json:"amount"`
	// Granted is what the law grants for the month in the list's programme, and Covered what other lists pay of it, or what was
	// paid of it before this system: the amount is the difference (invariant I9). Both are 0 for what was carried forward, which its first list has granted.
	Granted money.Amount `json:"granted,omitempty"`
	Covered money.Amount `json:"covered,omitempty"`
	// Method is account or cash; CashReason says why not by account.
	Method     string `json:"method"`
	CashReason string `json:"cash_reason,omitempty"`
	// Account, Bank, Number and Holder are those of events/disbursement's Target; empty for cash.
	Account string   `json:"account,omitempty"`
	Bank    string   `json:"bank,omitempty"`
	Number  string   `json:"number,omitempty"`
	Holder  string   `json:"holder,omitempty"`
	Signals []string `json:"signals,omitempty"`
	// Held lines stand in the list and are not paid.
	Held bool `json:"held,omitempty"`
}

// Paid tells whether the list pays the line.
func (l Line) Paid() bool { return !l.Held }

// Finding is something that an officer has to look at and that is no line: it is never settled silently.
type Finding struct {
	Beneficiary string      `json:"beneficiary"`
	Mark        string      `json:"mark"`
	Unit        events.Unit `json:"unit"`
	Month       string      `json:"month"`
	// Code is overpaid, before_look_back, profile_unreadable or not_computable.
	Code string `json:"code"`
	// Amount is what was paid too much, or what is left out; 0 for other codes.
	Amount money.Amount `json:"amount,omitempty"`
	// Months is how many months are left out, of which Month is the first.
	Months int `json:"months,omitempty"`
}

// The codes of findings.
const (
	Overpaid          = "overpaid"           // more was paid for the month than the law grants
	ProfileUnreadable = "profile_unreadable" // what the rules ask for was erased or damaged
	NotComputable     = "not_computable"     // the rules cannot answer for this person
	BeforeLookBack    = "before_look_back"   // months are owed, and lie before those that the list looks at
)

// LinesComputed records some lines of a draft. It is private: the lists are the business of this service.
//
// A draft's lines lie in streams of one sheet each (see [LinesStream]), so that nobody ever has to hold a whole
// province: a sheet is about a thousand people, appended as a whole or not at all, in chunks of at most [ChunkSize]
// lines. The order of a list is that of sheets, of chunks in them, and of lines in those.
type LinesComputed struct {
	Payroll   string `json:"payroll"`
	Draft     int    `json:"draft"`
	Programme string `json:"programme"`
	Sheet     int    `json:"sheet"`
	// Chunk counts within the sheet, from 0.
	Chunk    int       `json:"chunk"`
	Lines    []Line    `json:"lines"`
	Findings []Finding `json:"findings,omitempty"`
	// Proofs is the vault reference of how each line was computed, in the order of the lines; empty without lines.
	Proofs string `json:"proofs,omitempty"`
	// Through is the last person's mark of the sheet: the next one goes on after it.
	Through string `json:"through"`
	// Final says that no sheet follows.
	Final bool `json:"final,omitempty"`
}

// ChunkSize is the most lines of one fact, and of one row of proofs.
const ChunkSize = 100

// EventName is the fact's name in the log.
func (LinesComputed) EventName() string { return "disbursement.lines_computed.v1" }

// Private keeps the lines in the service.
func (LinesComputed) Private() {}

// PrivateFacts lists the facts that never leave this service.
func PrivateFacts() []events.Event { return []events.Event{LinesComputed{}} }

// Stream is where the life of a payroll is recorded.
func Stream(payroll string) string { return "payroll-" + payroll }

// LinesStream is where one sheet of a draft is recorded. Sheets count from 0.
func LinesStream(payroll string, draft, sheet int) string {
	return fmt.Sprintf("lines-%s-%d-%d", payroll, draft, sheet)
}

// Tally adds up lines in the order of the list. Its zero value is ready.
type Tally struct {
	// Lines counts what is paid, ByAccount and InCash its parts, Held what is not.
	Lines, ByAccount, InCash, Held int
	Total                          money.Amount

	digest hash.Hash
}

// Add takes the next lines in. A sum beyond what an amount can be is an error.
func (t *Tally) Add(lines ...Line) error {
	if t.digest == nil {
		t.digest = sha256.New()
	}
	var buffer []byte
	for i := range lines {
		l := &lines[i]
		buffer = l.canonical(buffer[:0])
		t.digest.Write(buffer)
		if l.Held {
			t.Held++
			continue
		}
		total, err := t.Total.Add(l.Amount)
		if err != nil {
			return fmt.Errorf("total of the list: %w", err)
		}
		t.Total = total
		t.Lines++
		if l.Method == ByAccount {
			t.ByAccount++
		} else {
			t.InCash++
		}
	}
	return nil
}

// Hash is the SHA-256 over everything added, in hexadecimal. More may be added afterwards.
func (t *Tally) Hash() string {
	if t.digest == nil {
		t.digest = sha256.New()
	}
	return hex.EncodeToString(t.digest.Sum(nil))
}

// canonical appends the one form in which a line is hashed: each field as its length, a colon and its text, before a list
// the number of its entries; then a line feed. No two different lines have the same form, whatever their fields hold.
func (l *Line) canonical(b []byte) []byte {
	for _, field := range [...]string{
		l.Payment, l.Beneficiary, l.Mark, l.Unit.Code, l.Unit.ValidFrom, l.Month, l.Kind, l.Origin,
		strconv.FormatInt(int64(l.Amount), 10), strconv.FormatInt(int64(l.Granted), 10), strconv.FormatInt(int64(l.Covered), 10), l.Method, l.CashReason, l.Account, l.Bank, l.Number, l.Holder,
		strconv.FormatBool(l.Held),
	} {
		b = appendField(b, field)
	}
	b = appendFields(appendFields(b, l.Enrolments), l.Signals)
	if len(l.InsteadOf) > 0 { // lines that rest on nothing have the form that they had before there were others
		b = appendFields(b, l.InsteadOf)
	}
	return append(b, '\n')
}

func appendField(b []byte, field string) []byte {
	b = strconv.AppendInt(b, int64(len(field)), 10)
	b = append(b, ':')
	return append(b, field...)
}

func appendFields(b []byte, fields []string) []byte {
	b = appendField(b, strconv.Itoa(len(fields)))
	for _, field := range fields {
		b = appendField(b, field)
	}
	return b
}
