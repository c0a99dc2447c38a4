package ledger

import (
	"iter"
	"maps"
	"time"
)

// View reads the ledger.
type View struct{ state *state }

// Payment returns the payment with that end-to-end id.
func (v View) Payment(id string) (Payment, bool) {
	if p, found := v.state.payments[id]; found {
		return *p, true
	}
	return Payment{}, false
}

// Refused tells whether the bank said that it does not know that end-to-end id.
func (v View) Refused(id string) bool { return v.state.refused[id] }

// Payments returns up to limit payments, in the order in which they were decided, after the first so many.
func (v View) Payments(after, limit int) []Payment {
	return section(v.state.order, after, limit)
}

// Accounts returns up to limit requests for accounts, in the order in which they came, after the first so many.
func (v View) Accounts(after, limit int) []Account {
	return section(v.state.accounts, after, limit)
}

func section[T any](all []*T, after, limit int) []T {
	after = min(after, len(all))
	part := all[after:min(after+limit, len(all))]
	copied := make([]T, len(part))
	for i, item := range part {
		copied[i] = *item
	}
	return copied
}

// Request returns the answer to a request for an account.
func (v View) Request(id string) (Account, bool) {
	if a, found := v.state.requests[id]; found {
		return *a, true
	}
	return Account{}, false
}

// Number returns the account with that number.
func (v View) Number(number string) (Account, bool) {
	if a, found := v.state.numbers[number]; found {
		return *a, true
	}
	return Account{}, false
}

// Decided is how many payments were decided.
func (v View) Decided() int64 { return int64(len(v.state.order)) }

// Handled tells whether a record of the instructions was handled before.
func (v View) Handled(partition int, offset int64) bool {
	last, any := v.state.handled[partition]
	return any && offset <= last
}

// Debts runs through the answers that are still to be given, in no order.
func (v View) Debts() iter.Seq[Debt] {
	return func(yield func(Debt) bool) {
		for _, o := range v.state.owed {
			if !yield(o) {
				return
			}
		}
	}
}

// Totals returns what GET /ledger shows.
func (v View) Totals() Totals {
	t := v.state.totals
	t.Payments, t.Amount = maps.Clone(t.Payments), maps.Clone(t.Amount)
	t.Rejected, t.Accounts = maps.Clone(t.Rejected), maps.Clone(t.Accounts)
	t.Owed = int64(len(v.state.owed))
	return t
}

// Tx is a change of the ledger under way. What it enters can be read through it at once.
type Tx struct {
	state *state
	made  batch
}

// View reads the ledger as it will be.
func (tx *Tx) View() View { return View{tx.state} }

func (tx *Tx) enter(e entry) {
	tx.state.enter(e)
	tx.made.Entries = append(tx.made.Entries, e)
}

// Pay enters a payment that is not there yet, and gives it its number. It returns false if it is there.
func (tx *Tx) Pay(p Payment) bool {
	if _, known := tx.state.payments[p.ID]; known {
		return false
	}
	p.Number, p.Instructed = int64(len(tx.state.order))+1, 1
	tx.enter(entry{Pay: &p})
	return true
}

// Refuse enters that the bank does not know an end-to-end id and said so: nothing is ever paid under it.
func (tx *Tx) Refuse(id string) {
	if !tx.state.refused[id] {
		tx.enter(entry{Refuse: id})
	}
}

// Again counts an instruction under an id that is there.
func (tx *Tx) Again(id string, conflict bool) {
	if _, known := tx.state.payments[id]; known {
		tx.enter(entry{Again: &again{id, conflict}})
	}
}

// Return gives the money of a credited payment back. It returns false if there is nothing to give back.
func (tx *Tx) Return(id, reason, reference string, at time.Time) bool {
	if p, known := tx.state.payments[id]; !known || p.Status != "ACCC" {
		return false
	}
	tx.enter(entry{Return: &giveBack{id, reason, reference, at}})
	return true
}

// Open enters the answer to a request for an account.
func (tx *Tx) Open(a Account) { tx.enter(entry{Account: &a}) }

// SetState changes the state of an account. It returns false if there is no such account.
func (tx *Tx) SetState(number, state string) bool {
	if _, known := tx.state.numbers[number]; !known {
		return false
	}
	tx.enter(entry{Set: &set{number, state}})
	return true
}

// Owe notes an answer that is still to be given. A second debt of one key takes the place of the first.
func (tx *Tx) Owe(d Debt) {
	tx.enter(entry{Owe: &d})
}

// Told notes that the answer was given.
func (tx *Tx) Told(key string) {
	if _, owed := tx.state.owed[key]; owed {
		tx.enter(entry{Told: key})
	}
}

// At notes how far a partition of the instructions has been handled. It never goes back, so that a topic that is read
// again is known for what it is.
func (tx *Tx) At(partition int, offset int64) {
	if tx.View().Handled(partition, offset) {
		return
	}
	tx.state.handled[partition] = offset
	tx.made.Handled = append(tx.made.Handled, mark{partition, offset})
}
