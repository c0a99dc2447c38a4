package entitlement

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// ErrNegative says that a right or a payment of a month is less than nothing. Money that came back lowers what was
// paid; it is no payment of its own.
var ErrNegative = errors.New("amount is negative")

// The kinds of [Owed].
const (
	Arrears  = "arrears"  // the person is owed the amount
	Overpaid = "overpaid" // the person was paid the amount without a right
)

// Owed is the difference between right and payment of one month. Arrears and overpayments of different months are
// different items with different fates: the one is paid, the other waits for a decision to ask it back.
type Owed struct {
	Month    month.Month  `json:"month"`
	Kind     string       `json:"kind"`
	Entitled money.Amount `json:"entitled"`
	Paid     money.Amount `json:"paid"`
	// Amount is the difference and always positive.
	Amount money.Amount `json:"amount"`
}

// Due compares rights with payments month by month, in the order of months. A month that only one side knows counts
// as nothing on the other; months that agree are left out.
func Due(entitled, paid map[month.Month]money.Amount) ([]Owed, error) {
	months := slices.AppendSeq(slices.Collect(maps.Keys(entitled)), maps.Keys(paid))
	slices.SortFunc(months, month.Month.Compare)
	var due []Owed
	for _, m := range slices.Compact(months) {
		right, payment := entitled[m], paid[m]
		if right < 0 || payment < 0 {
			return nil, fmt.Errorf("compare %v: %w", m, ErrNegative)
		}
		switch { // neither difference can overflow: both sides are 0 or more
		case right > payment:
			due = append(due, Owed{Month: m, Kind: Arrears, Entitled: right, Paid: payment, Amount: right - payment})
		case right < payment:
			due = append(due, Owed{Month: m, Kind: Overpaid, Entitled: right, Paid: payment, Amount: payment - right})
		}
	}
	return due, nil
}
