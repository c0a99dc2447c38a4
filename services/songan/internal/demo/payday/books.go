package payday

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

// behave tells all banks how to behave, notes what they have booked so far, and returns how to undo it.
func (b *banks) behave(ctx context.Context, s *Scenario) (restore func(context.Context, error) error, err error) {
	system, err := b.system()
	if err != nil {
		return nil, err
	}
	b.bics = slices.Sorted(maps.Keys(system.Banks))
	if len(b.bics) == 0 {
		return nil, errors.New("demo.json names no banks")
	}
	books, err := b.books(ctx)
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
func (b *banks) owed(ctx context.Context) (int64, error) {
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

// daysPass lets the returns happen that wait, and waits until the banks owe no more answers.
func (b *banks) daysPass(ctx context.Context) error {
	return until(ctx, "returns", func(ctx context.Context) (bool, error) {
		for _, bic := range b.bics {
			if err := b.ask(ctx, question{bic, http.MethodPost, controlReturns, struct{}{}, nil}); err != nil {
				return false, fmt.Errorf("let days pass at bank %s: %w", bic, err)
			}
		}
		owed, err := b.owed(ctx)
		return owed == 0, err
	})
}

// booked is a payment in the book of a bank.
type booked struct {
	booking

	bank string
}

// library are the books of all banks. Whatever was looked up is taken out of open.
type library struct {
	open  map[string]booked
	twice map[string]bool
}

// books reads the books of all banks.
func (b *banks) books(ctx context.Context) (library, error) {
	l := library{open: map[string]booked{}, twice: map[string]bool{}}
	for _, bic := range b.bics {
		var text []byte
		if err := b.ask(ctx, question{bic, http.MethodGet, controlLedger, nil, &text}); err != nil {
			return l, fmt.Errorf("ask for the book of bank %s: %w", bic, err)
		}
		for row := range bytes.Lines(text) {
			var one booking
			if err := json.Unmarshal(row, &one); err != nil {
				return l, fmt.Errorf("read the book of bank %s: %w", bic, err)
			}
			_, known := l.open[one.ID]
			l.twice[one.ID] = l.twice[one.ID] || known
			l.open[one.ID] = booked{one, bic}
		}
	}
	return l, nil
}

// take looks a payment up.
func (l library) take(id string) (booked, bool) {
	one, found := l.open[id]
	delete(l.open, id)
	if l.twice[id] {
		one.Conflicts++ // no payment may stand in two places
	}
	return one, found
}

// state is how a payment stands in the book, in the words of the contract.
func (b booking) state() string {
	switch b.Status {
	case "ACCC":
		return "credited"
	case "RJCT":
		return "rejected"
	case "RTND":
		return "returned"
	}
	return b.Status
}

// differsFrom says how a bank's book differs from what the API says of a payment, or nothing.
func (b booked) differsFrom(one payment, found bool) string {
	switch {
	case !found && (one.Status == "credited" || one.Status == "returned" || one.Status == "rejected"):
		return one.Status + ", and no bank knows it"
	case !found:
		return one.Status + ", and no bank has booked it"
	case b.bank != one.Bank:
		return fmt.Sprintf("instructed at %s, and booked at %s", one.Bank, b.bank)
	case b.Conflicts > 0:
		return "its id was used for another payment too"
	case b.Amount != one.Amount:
		return fmt.Sprintf("%d dong, and %d in the bank's book", one.Amount, b.Amount)
	case b.state() != one.Status:
		return fmt.Sprintf("%s, and %s in the bank's book", one.Status, b.state())
	case b.Status != "ACCC" && b.Reason != one.Reason:
		return fmt.Sprintf("%s for %q, and for %q in the bank's book", one.Status, one.Reason, b.Reason)
	}
	return ""
}
