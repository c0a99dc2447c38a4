package disbursement

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/disbursement/internal/voucher"
)

// orderOf is an order of the State Treasury for a list. Orders are numbered by the treasury, so a number counts once, whatever
// list it is for.
func (a *app) orderOf(reference, payroll string) voucher.Use {
	return voucher.Use{Paper: a.vault.Name("treasury_order", reference), For: payroll, Use: rand.Text(), Pointer: "/reference"}
}

// receipt is what somebody signed.
type receipt struct {
	unit             events.Unit
	number, on, mark string
}

// receiptOf is a receipt for a person. Each unit numbers its receipts, and begins anew every year; one receipt may be for
// several months.
func (a *app) receiptOf(r receipt) voucher.Use {
	year := r.on[:min(len("2026"), len(r.on))]
	paper := a.vault.Name("receipt", r.unit.Code, r.unit.ValidFrom, year, r.number)
	return voucher.Use{Paper: paper, For: r.mark, Use: rand.Text(), Pointer: "/receipt"}
}

// proven records what a paper proves, after it took the paper. What is refused then, because somebody was faster, gives the
// paper back. What failed otherwise does not: it may have been recorded, and who tries again still has the paper.
func proven[T any](ctx context.Context, a *app, use voucher.Use, m decider.Meta, record func() (T, error)) (T, error) {
	m.Cause, m.Fingerprint = "", "" // each use is one of its own
	if _, err := eventstore.Execute(ctx, a.log, voucher.Stream(use.Paper), use, m); err != nil {
		var none T
		return none, err
	}
	done, err := record()
	if p, refused := problem.Of(err); refused && (p.Kind == problem.Rejected || p.Kind == problem.Invalid) {
		undo := voucher.Undo{Paper: use.Paper, Use: use.Use}
		_, lost := eventstore.Execute(ctx, a.log, voucher.Stream(use.Paper), undo, m)
		err = errors.Join(err, lost)
	}
	return done, err
}
