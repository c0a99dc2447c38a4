package disbursement

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

const (
	// closureTimeout is for carrying forward what a province did not pay. Whoever waits in vain closes again: it goes on.
	closureTimeout = 2 * time.Minute
	// carryPage is how many payments are looked at together, carryAtOnce how many are carried at the same time.
	carryPage   = 1_000
	carryAtOnce = 32
)

// Closure is a closed list.
type Closure struct {
	Payroll        string `json:"payroll"`
	Status         string `json:"status" enum:"closed"`
	CarriedForward int    `json:"carried_forward" doc:"payments that the next list takes over"`
	Carried        int64  `json:"carried" doc:"dong"`
}

// closePayroll carries forward what was not paid, each payment once, gives the treasury back what nobody is owed any more, and
// then closes the list. If it breaks off, the next call goes on, also with a list that is closed: what was carried is carried.
func (a *app) closePayroll(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Closure], error) {
	p, err := a.payrollOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Closure]{}, err
	}
	if p.Status != payroll.Closed {
		if err := p.MayClose(); err != nil {
			return httpapi.Done[Closure]{}, err
		}
		if err := a.carryForward(ctx, p.Payroll, c.Meta); err != nil {
			return httpapi.Done[Closure]{}, err
		}
		refunding := c.Meta
		refunding.Cause = "closure/" + p.Payroll
		if err := a.refundEnded(ctx, p.Payroll, c.Who.ID, refunding); err != nil {
			return httpapi.Done[Closure]{}, err
		}
	}
	out, err := a.shut(ctx, p, c)
	if err != nil {
		return httpapi.Done[Closure]{}, err
	}
	// What a bank settled meanwhile saw an open list, and this call did not see it settled.
	if err := a.carryRejected(ctx, p.Payroll, payment.CarryForward{Late: true}, c.Meta); err != nil {
		return httpapi.Done[Closure]{}, err
	}
	answer := Closure{
		Payroll: out.State.Payroll, Status: out.State.Status, CarriedForward: out.State.Closing.CarriedForward, Carried: out.State.Closing.Carried,
	}
	return httpapi.Done[Closure]{Answer: answer, Position: out.Position, Replayed: out.Replayed}, nil
}

// shut closes the list while no payment begins. One that was tried again after the closure looked first would end behind it, with money
// that is nobody's.
func (a *app) shut(
	ctx context.Context, p payroll.Payroll, c httpapi.Call[struct{}],
) (out eventstore.Outcome[payroll.Payroll], err error) {
	cmd := payroll.Close{By: c.Who.ID}
	if p.Status == payroll.Closed {
		return eventstore.Execute(ctx, a.log, payroll.Stream(p.Payroll), cmd, c.Meta, eventstore.OncePerKey())
	}
	err = a.stops.Pay(ctx, func(ctx context.Context) (err error) {
		if err := a.answered(ctx, p.Payroll); err != nil {
			return err
		}
		if err := a.carryRejected(ctx, p.Payroll, payment.CarryForward{}, c.Meta); err != nil {
			return err
		}
		if cmd.CarriedForward, cmd.Carried, err = a.carried(ctx, p.Payroll); err != nil {
			return err
		}
		out, err = eventstore.Execute(ctx, a.log, payroll.Stream(p.Payroll), cmd, c.Meta, eventstore.OncePerKey())
		return err
	})
	return out, err
}

// answered refuses while a bank owes an answer.
func (a *app) answered(ctx context.Context, id string) error {
	if err := a.seeAll(ctx); err != nil {
		return err
	}
	sums, err := projections.SumByStatus(ctx, a.pool, id)
	if err != nil {
		return err
	}
	for _, s := range sums {
		if slices.Contains(payment.Open(), s.Status) {
			return problem.Reject("payments_open",
				"a bank has not reported about every payment yet", "còn khoản chi chưa có kết quả từ ngân hàng")
		}
	}
	return nil
}

// carryForward carries what was not paid, unless a bank owes an answer.
func (a *app) carryForward(ctx context.Context, id string, m decider.Meta) error {
	if err := a.answered(ctx, id); err != nil {
		return err
	}
	m.Cause = "closure/" + id
	for _, status := range []string{payment.Rejected, payment.Returned, payment.CashPending} {
		if err := a.carryAll(ctx, projections.PaymentFilter{Payroll: id, Status: status, Limit: carryPage}, payment.CarryForward{}, m); err != nil {
			return err
		}
	}
	return nil
}

// carryRejected carries what was rejected, or settled, while the list was being closed.
func (a *app) carryRejected(ctx context.Context, id string, carry payment.CarryForward, m decider.Meta) error {
	m.Cause = "closure/" + id
	return a.carryAll(ctx, projections.PaymentFilter{Payroll: id, Status: payment.Rejected, Limit: carryPage}, carry, m)
}

// seeAll waits until the read model shows everything that is in the log now.
func (a *app) seeAll(ctx context.Context) error {
	head, err := a.log.Head(ctx)
	if err != nil {
		return err
	}
	return a.payment.model.WaitFor(ctx, head)
}

// carryAll carries the payments that the filter finds, those that must stay (see package payment, rule 8) excepted.
func (a *app) carryAll(
	ctx context.Context, filter projections.PaymentFilter, carry payment.CarryForward, m decider.Meta,
) error {
	for {
		page, err := projections.ListPayments(ctx, a.pool, filter)
		if err != nil {
			return err
		}
		group, inner := errgroup.WithContext(ctx)
		group.SetLimit(carryAtOnce)
		for _, row := range page {
			group.Go(func() error {
				_, err := eventstore.Execute(inner, a.log, payment.Stream(row.Payment), carry, m)
				if p, refused := errors.AsType[*problem.Problem](err); refused && p.Kind == problem.Rejected {
					return nil
				}
				return err
			})
			filter.After = row.Payment
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if len(page) < filter.Limit {
			return nil
		}
	}
}

// carried sums up what the next list takes over.
func (a *app) carried(ctx context.Context, id string) (count int, total money.Amount, err error) {
	if err := a.seeAll(ctx); err != nil {
		return 0, 0, err
	}
	sums, err := projections.SumByStatus(ctx, a.pool, id)
	if err != nil {
		return 0, 0, err
	}
	for _, s := range sums {
		if s.Status == payment.CarriedForward {
			count, total = count+int(s.Count), total+money.Amount(s.Amount)
		}
	}
	return count, total, nil
}
