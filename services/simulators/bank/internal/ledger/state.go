package ledger

import (
	"encoding/hex"
	"time"
)

// Payment is one instruction and what became of it.
type Payment struct {
	// ID is the end-to-end id.
	ID string `json:"id"`
	// Digest says what was instructed, so that another body under the same id is told apart.
	Digest  Digest `json:"digest"`
	Amount  int64  `json:"amount"`
	Account string `json:"account"`
	// Status is ACCC, RJCT or RTND; Reason belongs to the last two.
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	// Reference names the booking of the credit, ReturnReference that of the return.
	Reference       string    `json:"reference,omitempty"`
	ReturnReference string    `json:"return_reference,omitempty"`
	BookedAt        time.Time `json:"booked_at,omitzero"`
	ReturnedAt      time.Time `json:"returned_at,omitzero"`
	// Number counts payments in the order in which they were decided: 1, 2, 3, ...
	Number int64 `json:"number"`
	// Instructed counts the records that asked for it, Conflicts those of them that had another body.
	Instructed int `json:"instructed"`
	Conflicts  int `json:"conflicts,omitempty"`
}

// Account is a request to open an account, and the answer.
type Account struct {
	RequestID string `json:"request_id"`
	// Answer is opened, needs_information or refused; Reason belongs to the last two.
	Answer string `json:"answer"`
	Reason string `json:"reason,omitempty"`
	Number string `json:"number,omitempty"`
	// Holder is the name that was asked for, Reported the one that the bank says.
	Holder    string `json:"holder,omitempty"`
	Reported  string `json:"reported,omitempty"`
	Biometric bool   `json:"biometric,omitempty"`
	// State is active, dormant, suspended, blocked, closed or deceased.
	State string `json:"state,omitempty"`
}

// Digest is the first half of a SHA-256.
type Digest [16]byte

// MarshalText writes hexadecimal.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return hex.ErrLength
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// batch is one line of the file.
type batch struct {
	Handled []mark  `json:"handled,omitempty"`
	At      *mark   `json:"at,omitempty"` // the only one, in a ledger from before a line could have several
	Entries []entry `json:"do,omitempty"`
}

// mark says how far a partition of the instructions has been handled, this record included.
type mark struct {
	Partition int   `json:"p"`
	Offset    int64 `json:"o"`
}

// entry is one change; exactly one of its fields is set.
type entry struct {
	Pay     *Payment  `json:"pay,omitempty"`
	Again   *again    `json:"again,omitempty"`
	Return  *giveBack `json:"return,omitempty"`
	Account *Account  `json:"account,omitempty"`
	Set     *set      `json:"set,omitempty"`
	Owe     *Debt     `json:"owe,omitempty"`
	Told    string    `json:"told,omitempty"`
	Refuse  string    `json:"refuse,omitempty"`
}

type again struct {
	ID       string `json:"id"`
	Conflict bool   `json:"conflict,omitempty"`
}

type giveBack struct {
	ID        string    `json:"id"`
	Reason    string    `json:"reason"`
	Reference string    `json:"reference"`
	At        time.Time `json:"at"`
}

type set struct {
	Number string `json:"number"`
	State  string `json:"state"`
}

// Debt is an answer that is still to be given, and is given again after a crash until the ledger knows that it was.
type Debt struct {
	// Key names the debt, ID the payment or the request that it is about.
	Key string `json:"key"`
	ID  string `json:"id"`
	// At is when it falls due; Payments is how many payments have to be decided before.
	At       time.Time `json:"at"`
	Payments int64     `json:"payments,omitempty"`
	// First says that nothing was reported about the payment yet.
	First bool `json:"first,omitempty"`
	// Return is the reason for which the money goes back when it falls due.
	Return string `json:"return,omitempty"`
	// Inquiry is the one that is answered.
	Inquiry int `json:"inquiry,omitempty"`
}

// Totals are what GET /ledger shows.
type Totals struct {
	// Payments and Amount count what stands in the ledger now, by status.
	Payments map[string]int64 `json:"payments"`
	Amount   map[string]int64 `json:"amount"`
	// Rejected counts rejections by reason.
	Rejected map[string]int64 `json:"rejected"`
	// Instructed counts the records that asked for a payment; Repeated those that came under a known id, and
	// Conflicts those of them that had another body.
	Instructed int64 `json:"instructed"`
	Repeated   int64 `json:"repeated"`
	Conflicts  int64 `json:"conflicts"`
	// Accounts counts requests by answer.
	Accounts map[string]int64 `json:"accounts"`
	// Owed is how many answers are still to be given.
	Owed int64 `json:"owed"`
}

// state is the ledger in memory. It changes through apply alone, at the start as well as later.
type state struct {
	payments map[string]*Payment
	order    []*Payment
	requests map[string]*Account
	accounts []*Account
	numbers  map[string]*Account
	refused  map[string]bool // ids that were asked about before they were instructed
	handled  map[int]int64   // by partition: the last offset
	owed     map[string]Debt
	totals   Totals
}

func newState() state {
	return state{
		payments: map[string]*Payment{}, requests: map[string]*Account{}, numbers: map[string]*Account{},
		refused: map[string]bool{}, handled: map[int]int64{}, owed: map[string]Debt{},
		totals: Totals{
			Payments: map[string]int64{}, Amount: map[string]int64{}, Rejected: map[string]int64{}, Accounts: map[string]int64{},
		},
	}
}

func (s *state) apply(b batch) {
	for _, e := range b.Entries {
		s.enter(e)
	}
	for _, at := range b.Handled {
		s.handled[at.Partition] = at.Offset
	}
	if b.At != nil {
		s.handled[b.At.Partition] = b.At.Offset
	}
}

func (s *state) enter(e entry) {
	switch {
	case e.Pay != nil:
		s.pay(*e.Pay)
	case e.Again != nil:
		s.again(*e.Again)
	case e.Return != nil:
		s.giveBack(*e.Return)
	case e.Account != nil:
		s.open(*e.Account)
	case e.Set != nil:
		s.numbers[e.Set.Number].State = e.Set.State
	case e.Owe != nil:
		s.owed[e.Owe.Key] = *e.Owe
	case e.Refuse != "":
		s.refused[e.Refuse] = true
	default:
		delete(s.owed, e.Told)
	}
}

func (s *state) pay(p Payment) {
	s.payments[p.ID] = &p
	s.order = append(s.order, &p)
	s.totals.Instructed++
	s.count(p, 1)
	if p.Status == "RJCT" {
		s.totals.Rejected[p.Reason]++
	}
}

func (s *state) count(p Payment, by int64) {
	s.totals.Payments[p.Status] += by
	s.totals.Amount[p.Status] += by * p.Amount
}

func (s *state) again(a again) {
	p := s.payments[a.ID]
	p.Instructed++
	s.totals.Instructed++
	s.totals.Repeated++
	if a.Conflict {
		p.Conflicts++
		s.totals.Conflicts++
	}
}

func (s *state) giveBack(g giveBack) {
	p := s.payments[g.ID]
	s.count(*p, -1)
	p.Status, p.Reason, p.ReturnReference, p.ReturnedAt = "RTND", g.Reason, g.Reference, g.At
	s.count(*p, 1)
}

func (s *state) open(a Account) {
	if before, known := s.requests[a.RequestID]; known { // asked again after more information
		s.totals.Accounts[before.Answer]--
		*before = a
	} else {
		s.requests[a.RequestID] = &a
		s.accounts = append(s.accounts, &a)
	}
	s.totals.Accounts[a.Answer]++
	if a.Number != "" {
		s.numbers[a.Number] = s.requests[a.RequestID]
	}
}
