package disbursement

import (
	"context"

	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// refund gives money that came back, and that nobody is owed any more, back to the treasury, before or after its list was
// closed. It looks at rights as they are known now; should one be resumed in the same moment, a later list pays arrears.
func (a *app) refund(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Payment], error) {
	p, _, err := a.paymentOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Payment]{}, err
	}
	back, err := a.backWithList(ctx, p.Payroll, p.Payment)
	if err != nil {
		return httpapi.Done[Payment]{}, err
	}
	cmd := payment.Refund{By: c.Who.ID}
	for _, b := range back {
		cmd.Reason, cmd.DuplicateOf = b.Reason, b.DuplicateOf
	}
	return changePayment(ctx, a, c, cmd)
}

// backWithList is what lies with a list, by everything that the log knows now.
func (a *app) backWithList(ctx context.Context, list, id string) ([]projections.Back, error) {
	head, err := a.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	for _, wait := range []func(context.Context, int64) error{a.enrolments.WaitFor, a.lines.WaitFor, a.payment.model.WaitFor} {
		if err := wait(ctx, head); err != nil {
			return nil, err
		}
	}
	return projections.BackWithList(ctx, a.pool, list, id)
}

// refundEnded gives the treasury back what lies with a list because its right has ended. Where only a bank says that somebody has
// the money, an officer decides.
func (a *app) refundEnded(ctx context.Context, list, by string, m decider.Meta) error {
	back, err := a.backWithList(ctx, list, "")
	if err != nil {
		return err
	}
	for _, b := range back {
		if b.Reason != payment.RightEnded {
			continue
		}
		cmd := payment.Refund{Reason: b.Reason, By: by}
		_, err := eventstore.Execute(ctx, a.log, payment.Stream(b.Payment), cmd, m)
		if p, refused := problem.Of(err); refused && p.Kind == problem.Rejected {
			continue // somebody else was faster, or the bank has contradicted itself since
		}
		if err != nil {
			return err
		}
	}
	return nil
}
