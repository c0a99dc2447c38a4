package disbursement

import (
	"context"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/services/disbursement/internal/voucher"
)

// orderUsed takes an order of the State Treasury for a list. Orders are numbered by the treasury, so a number counts once,
// whatever list it is for.
func (a *app) orderUsed(ctx context.Context, reference, payroll string, m decider.Meta) error {
	return a.use(ctx, voucher.Use{Paper: a.vault.Name("treasury_order", reference), For: payroll, Pointer: "/reference"}, m)
}

// receiptUsed takes a receipt for a person. Each unit numbers its receipts, and begins anew every year; one receipt may be for
// several months.
func (a *app) receiptUsed(ctx context.Context, receipt receipt, m decider.Meta) error {
	year := receipt.on[:min(len("2026"), len(receipt.on))]
	paper := a.vault.Name("receipt", receipt.unit.Code, receipt.unit.ValidFrom, year, receipt.number)
	return a.use(ctx, voucher.Use{Paper: paper, For: receipt.mark, Pointer: "/receipt"}, m)
}

// receipt is what somebody signed.
type receipt struct {
	unit             events.Unit
	number, on, mark string
}

func (a *app) use(ctx context.Context, cmd voucher.Use, m decider.Meta) error {
	m.Fingerprint = ""       // of another request, perhaps, that did not get further than this
	m.Cause += "/" + cmd.For // the same key for something else is no repetition of this use
	_, err := eventstore.Execute(ctx, a.log, voucher.Stream(cmd.Paper), cmd, m)
	return err
}
