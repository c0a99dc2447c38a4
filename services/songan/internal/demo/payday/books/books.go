package books

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
)

// daysLater is after how many further payments a return comes: after none of a payday, before days have passed.
const daysLater = 1_000_000

// Normal is a normal day at a bank: most accounts are opened, some are refused; most payments are credited, some rejected
// (wrong account, account closed), and some come back days later.
func Normal() *Scenario {
	return &Scenario{
		"reject":  map[string]int{"AC01": 8, "AC04": 12},
		"returns": client.Object{"per_mille": 10, "after": daysLater, "reason": "AC04"},
		"accounts": map[string]int{
			"refused": 20, "needs_information": 15, "biometric_pending": 250, "plain_name": 120, "other_name": 5,
		},
		"latency": map[string]int{"p50_ms": 40, "p99_ms": 400},
	}
}

// The routes of a bank's control address.
const (
	controlScenario = "/control/scenario"
	controlReturns  = "/control/returns"
	controlTotals   = "/ledger"
	controlLedger   = "/ledger.jsonl"
)

// BICs are those of the banks, in their order, once they were told how to behave.
func (b *Banks) BICs() []string { return b.bics }

// Behave tells all banks how to behave, notes what they have booked so far, and returns how to undo it.
func (b *Banks) Behave(ctx context.Context, s *Scenario) (restore func(context.Context, error) error, err error) {
	addresses, err := b.find()
	if err != nil {
		return nil, err
	}
	b.bics = slices.Sorted(maps.Keys(addresses))
	if len(b.bics) == 0 {
		return nil, errors.New("demo.json names no banks")
	}
	books, err := b.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was booked before: %w", err)
	}
	b.before = map[string]bool{}
	for id := range books.open {
		b.before[id] = true
	}
	earlier := map[string]Scenario{}
	for _, bic := range b.bics {
		var was Scenario
		if err := b.ask(ctx, question{bic, http.MethodGet, controlScenario, nil, &was}); err != nil {
			return nil, fmt.Errorf("ask how bank %s behaves: %w", bic, err)
		}
		if err := b.ask(ctx, question{bic, http.MethodPost, controlScenario, s, nil}); err != nil {
			return nil, fmt.Errorf("tell bank %s how to behave: %w", bic, err)
		}
		earlier[bic] = was
	}
	return func(ctx context.Context, failed error) error {
		faults := []error{failed}
		for bic, was := range earlier {
			faults = append(faults, b.ask(context.WithoutCancel(ctx), question{bic, http.MethodPost, controlScenario, was, nil}))
		}
		return errors.Join(faults...)
	}, nil
}

// owed is how many answers banks still have to give.
func (b *Banks) owed(ctx context.Context) (int64, error) {
	var sum int64
	for _, bic := range b.bics {
		var totals struct {
			Owed int64 `json:"owed"`
		}
		if err := b.ask(ctx, question{bic, http.MethodGet, controlTotals, nil, &totals}); err != nil {
			return 0, fmt.Errorf("ask what bank %s owes: %w", bic, err)
		}
		sum += totals.Owed
	}
	return sum, nil
}

// DaysPass lets the returns happen that wait, and waits until the banks owe no more answers.
func (b *Banks) DaysPass(ctx context.Context) error {
	return client.Until(ctx, "returns", func(ctx context.Context) (bool, error) {
		for _, bic := range b.bics {
			if err := b.ask(ctx, question{bic, http.MethodPost, controlReturns, struct{}{}, nil}); err != nil {
				return false, fmt.Errorf("let days pass at bank %s: %w", bic, err)
			}
		}
		owed, err := b.owed(ctx)
		return owed == 0, err
	})
}

// Entry is what is looked at in a payment in a bank's own book.
type Entry struct {
	ID         string `json:"end_to_end_id"`
	Amount     int64  `json:"amount"`
	Status     string `json:"status"`
	Reason     string `json:"reason"`
	Reference  string `json:"reference"`
	Instructed int    `json:"instructed"`
	Conflicts  int    `json:"conflicts"`
	// Bank is the BIC of the one whose book it is.
	Bank string `json:"-"`
}

// State is how a payment stands in the book, in the words of the contract.
func (e Entry) State() string {
	switch e.Status {
	case "ACCC":
		return "credited"
	case "RJCT":
		return "rejected"
	case "RTND":
		return "returned"
	}
	return e.Status
}

// Library are the books of all banks. Whatever was looked up is taken out of it.
type Library struct {
	open          map[string]Entry
	twice, before map[string]bool
}

// LibraryOf is made of entries by their end-to-end ids, and of the ids that stood there before.
func LibraryOf(entries map[string]Entry, before map[string]bool) Library {
	return Library{open: maps.Clone(entries), twice: map[string]bool{}, before: before}
}

// Read reads the books of all banks.
func (b *Banks) Read(ctx context.Context) (Library, error) {
	l := LibraryOf(map[string]Entry{}, b.before)
	for _, bic := range b.bics {
		var text []byte
		if err := b.ask(ctx, question{bic, http.MethodGet, controlLedger, nil, &text}); err != nil {
			return l, fmt.Errorf("ask for the book of bank %s: %w", bic, err)
		}
		for row := range bytes.Lines(text) {
			one := Entry{Bank: bic}
			if err := json.Unmarshal(row, &one); err != nil {
				return l, fmt.Errorf("read the book of bank %s: %w", bic, err)
			}
			_, known := l.open[one.ID]
			l.twice[one.ID] = l.twice[one.ID] || known
			l.open[one.ID] = one
		}
	}
	return l, nil
}

// Take looks a payment up.
func (l Library) Take(id string) (Entry, bool) {
	one, found := l.open[id]
	delete(l.open, id)
	if l.twice[id] {
		one.Conflicts++ // no payment may stand in two places
	}
	return one, found
}

// Left are the payments that were booked since the banks were told how to behave, and that nobody has taken.
func (l Library) Left() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(l.open)), func(id string) bool { return l.before[id] })
}
