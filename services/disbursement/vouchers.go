package disbursement

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/voucher"
)

// paper is a use of a paper, and how to see whether it has proven anything for whoever has it.
type paper struct {
	voucher.Use

	counted func(ctx context.Context, whose string) (bool, error)
}

// orderOf is an order of the State Treasury for a list. Orders are numbered by the treasury, so a number counts once, whatever
// list it is for.
func (a *app) orderOf(reference, list string) paper {
	use := voucher.Use{Paper: a.vault.Name("treasury_order", reference), For: list, Use: rand.Text(), Pointer: "/reference"}
	return paper{use, func(ctx context.Context, whose string) (bool, error) {
		p, err := eventstore.State[payroll.Payroll](ctx, a.log, payroll.Stream(whose))
		return slices.Contains(p.References, reference), err
	}}
}

// receipt is what somebody signed.
type receipt struct {
	unit             events.Unit
	number, on, mark string
}

// receiptOf is a receipt for a person. Each unit numbers its receipts, and begins anew every year; one receipt may be for
// several months.
func (a *app) receiptOf(r receipt) paper {
	year := r.on[:min(len("2026"), len(r.on))]
	name := a.vault.Name("receipt", r.unit.Code, r.unit.ValidFrom, year, r.number)
	use := voucher.Use{Paper: name, For: r.mark, Use: rand.Text(), Pointer: "/receipt"}
	return paper{use, func(ctx context.Context, whose string) (bool, error) {
		if _, err := a.seeAll(ctx); err != nil {
			return false, err
		}
		return projections.Receipted(ctx, a.pool, projections.Receipt{Mark: whose, Unit: r.unit, Number: r.number, Year: year})
	}}
}

// givingBack is how long giving a paper back may take, also when whoever asked has no time left.
const givingBack = 5 * time.Second

// proven records what a paper proves, after it took the paper. What is not recorded then, because somebody was faster or time ran
// out, gives the paper back. Where nobody knows whether it was recorded, who tries again still has the paper.
func proven[T any](ctx context.Context, a *app, p paper, m decider.Meta, record func() (T, error)) (T, error) {
	m.Cause, m.Fingerprint = "", "" // each use is one of its own
	if err := a.take(ctx, p, m); err != nil {
		var none T
		return none, err
	}
	done, err := record()
	if err != nil && !errors.Is(err, eventstore.ErrUnknown) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), givingBack)
		defer cancel()
		undo := voucher.Undo{Paper: p.Paper, Use: p.Use.Use}
		_, lost := eventstore.Execute(ctx, a.log, voucher.Stream(p.Paper), undo, m)
		err = errors.Join(err, lost)
	}
	return done, err
}

// take uses a paper, also one that somebody else took long ago and proved nothing with.
func (a *app) take(ctx context.Context, p paper, m decider.Meta) error {
	return a.claim(ctx, p, func(use voucher.Use) error {
		_, err := eventstore.Execute(ctx, a.log, voucher.Stream(p.Paper), use, m)
		return err
	})
}

// usedElsewhere says what is wrong with a paper that take would refuse.
func (a *app) usedElsewhere(ctx context.Context, p paper, m decider.Meta) (problem.Faults, error) {
	err := a.claim(ctx, p, func(use voucher.Use) error {
		return eventstore.Refusal(ctx, a.log, voucher.Stream(p.Paper), use, m)
	})
	if refused, is := problem.Of(err); is && refused.Kind == problem.Invalid {
		return refused.Faults, nil
	}
	return nil, err
}

// claim tries to use a paper, and once more when whoever has it proved nothing with it.
func (a *app) claim(ctx context.Context, p paper, try func(voucher.Use) error) error {
	err := try(p.Use)
	if refused, is := problem.Of(err); !is || refused.Kind != problem.Invalid {
		return err
	}
	held, failed := eventstore.State[voucher.Voucher](ctx, a.log, voucher.Stream(p.Paper))
	if failed != nil {
		return failed
	}
	if counted, failed := p.counted(ctx, held.For); failed != nil {
		return failed
	} else if counted {
		return err
	}
	p.Void = held.For
	return try(p.Use)
}
