// Package ledger keeps the double-entry books of a payroll. It is pure, and derived from facts alone.
//
//  1. A payroll has seven accounts. Money moves from one to another, so every posting sums to zero.
//  2. The treasury goes below zero by what it provided; the other six are never negative.
//  3. Where a payment's money lies follows from how the payment stands ([Where]). A fact that changes that is a
//     posting, and no other fact is: nobody can forget one.
//  4. What the treasury provided = available + reserved + in flight + credited + returned + cash, to the dong
//     (invariant I1).
//  5. An unknown payment is still in flight: silence moves no money.
//  6. At the closure, what is available goes back to the treasury, and so does what would become available behind it. What was
//     returned and not carried forward stays: it waits for somebody's decision. So does what was recalled, whether it came back
//     from a bank or never reached one, and what was tried again with such money and rejected: its payment can still be made, and
//     no other list pays it. What nobody is owed any more goes back to the treasury, before or after the closure.
package ledger

import (
	"errors"
	"fmt"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

// Account is one of a payroll's accounts.
type Account string

// The accounts.
const (
	Treasury  Account = "treasury"
	Available Account = "available"
	Reserved  Account = "reserved"
	InFlight  Account = "in_flight"
	Credited  Account = "credited"
	Returned  Account = "returned"
	Cash      Account = "cash"
)

// Accounts lists them, in the order of the money's way.
func Accounts() []Account {
	return []Account{Treasury, Available, Reserved, InFlight, Credited, Returned, Cash}
}

// Posting moves an amount between two accounts of a payroll.
type Posting struct {
	From, To Account
	Amount   money.Amount
}

// Entry is one side of a posting.
type Entry struct {
	Account Account
	Amount  money.Amount
}

// Entries are the two sides; they sum to zero.
func (p Posting) Entries() [2]Entry { return [2]Entry{{p.From, -p.Amount}, {p.To, p.Amount}} }

// Where says in which account a payment's money lies. A payment that was not released, or is no longer paid by this
// payroll, leaves it available.
func Where(p payment.Payment) Account {
	if p.Back() {
		return Returned
	}
	switch p.Status {
	case payment.Released, payment.Reissued:
		return Reserved
	case payment.Sent, payment.Acknowledged, payment.InFlight, payment.Unknown:
		return InFlight
	case payment.Credited:
		return Credited
	case payment.CashPending, payment.CashPaid:
		return Cash
	case payment.Refunded:
		return Treasury
	default: // not released, rejected, carried forward
		return Available
	}
}

// Move is the posting of a fact that led a payment from one state to another; false when no money moved.
func Move(before, after payment.Payment) (Posting, bool) {
	from, to := Where(before), Where(after)
	return Posting{From: from, To: to, Amount: money.Amount(after.Amount)}, from != to
}

// BehindClosure is the posting in a list that is closed: nothing is available there any more.
func (p Posting) BehindClosure() Posting {
	if p.To == Available {
		p.To = Treasury
	}
	return p
}

// Fund is the posting of money that the State Treasury provides.
func Fund(amount money.Amount) Posting { return Posting{From: Treasury, To: Available, Amount: amount} }

// Close is the posting of a closure; false when nothing is left.
func Close(b Balances) (Posting, bool) {
	left := b[Available]
	return Posting{From: Available, To: Treasury, Amount: left}, left > 0
}

// Balances are what the accounts of a payroll hold. A missing account holds nothing.
type Balances map[Account]money.Amount

// ErrOverdrawn says that more was moved than there was.
var ErrOverdrawn = errors.New("the account does not hold that much")

// Post moves money, in place. It moves none if that would overdraw an account other than the treasury.
func (b Balances) Post(p Posting) error {
	from, err := b[p.From].Sub(p.Amount)
	if err != nil {
		return fmt.Errorf("post from %s: %w", p.From, err)
	}
	to, err := b[p.To].Add(p.Amount)
	if err != nil {
		return fmt.Errorf("post to %s: %w", p.To, err)
	}
	if from < 0 && p.From != Treasury {
		return fmt.Errorf("post from %s: %w", p.From, ErrOverdrawn)
	}
	b[p.From], b[p.To] = from, to
	return nil
}

// Budget is what the treasury provided and did not get back.
func (b Balances) Budget() money.Amount { return -b[Treasury] }

// Held is what lies in the six other accounts. It is the budget, unless something is very wrong.
func (b Balances) Held() (money.Amount, error) {
	total, err := money.Sum(b[Available], b[Reserved], b[InFlight], b[Credited], b[Returned], b[Cash])
	if err != nil {
		return 0, fmt.Errorf("sum up the accounts: %w", err)
	}
	return total, nil
}
