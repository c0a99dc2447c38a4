package disbursement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/events"
	facts "github.com/songan-vn/songan/events/disbursement"
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
	// closuresAtOnce is how many lists a process closes at the same time: each keeps a connection, and needs others.
	closuresAtOnce = 2
	// parting is how long giving a lock back may take.
	parting = 2 * time.Second
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
	var out eventstore.Outcome[payroll.Payroll]
	if err := a.alone(ctx, p.Payroll, func(held func(context.Context) error) (err error) {
		out, err = a.shut(ctx, p.Payroll, c, held)
		return err
	}); err != nil {
		return httpapi.Done[Closure]{}, err
	}
	// What a bank settled meanwhile saw an open list, and this call did not see it settled.
	if err := a.carryRejected(ctx, p.Payroll, c.Meta); err != nil {
		return httpapi.Done[Closure]{}, err
	}
	answer := Closure{
		Payroll: out.State.Payroll, Status: out.State.Status, CarriedForward: out.State.Closing.CarriedForward, Carried: out.State.Closing.Carried,
	}
	return httpapi.Done[Closure]{Answer: answer, Position: out.Position, Replayed: out.Replayed}, nil
}

// alone closes a list unless another call is at it, in whichever process: what that one carried forward behind the closure would be
// in no sum, and would leave its money in a closed list. Work asks held before it closes: the lock goes with its connection.
func (a *app) alone(ctx context.Context, list string, work func(held func(context.Context) error) error) (err error) {
	select {
	case a.closing <- struct{}{}:
		defer func() { <-a.closing }()
	case <-ctx.Done():
		return fmt.Errorf("wait for other closures: %w", ctx.Err())
	}
	conn, err := a.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect for the lock of a closure: %w", err)
	}
	defer conn.Release()
	const key = `(hashtextextended('songan/closure/' || current_schema() || '/' || $1, 0))`
	var ours bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock`+key, list).Scan(&ours); err != nil {
		return fmt.Errorf("lock a closure: %w", err)
	}
	if !ours {
		return problem.New(problem.Conflict, "payroll_closing", "the list is being closed; wait for that", "danh sách đang được đóng; hãy chờ")
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
		defer cancel()
		if _, lost := conn.Exec(ctx, `select pg_advisory_unlock`+key, list); lost != nil {
			_ = conn.Conn().Close(ctx) // with the connection the lock goes
		}
	}()
	return work(conn.Ping)
}

// shut carries forward, and closes the list while no payment begins. One that was tried again after the closure looked last would end
// behind it, with money that is nobody's. Stops and payments wait for whoever is inside, so that asks the log alone and waits for nothing.
func (a *app) shut(
	ctx context.Context, id string, c httpapi.Call[struct{}], held func(context.Context) error,
) (out eventstore.Outcome[payroll.Payroll], err error) {
	stream, cmd := payroll.Stream(id), payroll.Close{By: c.Who.ID}
	p, err := eventstore.State[payroll.Payroll](ctx, a.log, stream)
	if err != nil {
		return out, err
	}
	if p.Status == payroll.Closed { // also by whoever was at it until now
		return eventstore.Execute(ctx, a.log, stream, cmd, c.Meta, eventstore.OncePerKey())
	}
	if err := p.MayClose(); err != nil {
		return out, err
	}
	if err := a.carryForward(ctx, id, c); err != nil {
		return out, err
	}
	sums, seen, err := a.answered(ctx, id)
	if err != nil {
		return out, err
	}
	cmd.CarriedForward, cmd.Carried = carried(sums)
	err = a.stops.Pay(ctx, func(ctx context.Context) (err error) {
		if err := held(ctx); err != nil {
			return fmt.Errorf("the lock of a closure was lost: %w", err)
		}
		if err := a.notBegun(ctx, id, seen); err != nil {
			return err
		}
		out, err = eventstore.Execute(ctx, a.log, stream, cmd, c.Meta, eventstore.OncePerKey())
		return err
	})
	return out, err
}

// answered sums up how the payments of a list stand in the log now, and says where that ended. It refuses while a bank owes an answer.
func (a *app) answered(ctx context.Context, id string) (sums []projections.StatusSum, seen int64, err error) {
	if seen, err = a.seeAll(ctx); err != nil {
		return nil, 0, err
	}
	if sums, err = projections.SumByStatus(ctx, a.pool, id); err != nil {
		return nil, 0, err
	}
	for _, s := range sums {
		if slices.Contains(payment.Open(), s.Status) {
			return nil, 0, errUnanswered()
		}
	}
	return sums, seen, nil
}

// seeAll waits until the read model shows everything that is in the log now, and says where that ends.
func (a *app) seeAll(ctx context.Context) (seen int64, err error) {
	if seen, err = a.log.Head(ctx); err != nil {
		return 0, err
	}
	return seen, a.payment.model.WaitFor(ctx, seen)
}

func errUnanswered() error {
	return problem.Reject("payments_open",
		"a bank has not reported about every payment yet", "còn khoản chi chưa có kết quả từ ngân hàng")
}

// notBegun refuses where a payment of the list was tried again behind a position of the log. That is the only way in which one begins
// whose list is all released.
func (a *app) notBegun(ctx context.Context, id string, seen int64) error {
	_, last, err := a.log.LastOf(ctx, seen, facts.PaymentReissued{}.EventName())
	for err == nil && seen < last {
		var page []events.Recorded
		page, err = a.log.Read(ctx, seen, carryPage)
		for _, r := range page {
			if again, is := r.Event.(facts.PaymentReissued); is && again.Payroll == id {
				return errUnanswered()
			}
			seen = r.Position
		}
	}
	return err
}

// carryForward carries what was not paid and gives back what nobody is owed, unless a bank owes an answer.
func (a *app) carryForward(ctx context.Context, id string, c httpapi.Call[struct{}]) error {
	if _, _, err := a.answered(ctx, id); err != nil {
		return err
	}
	m := c.Meta
	m.Cause = "closure/" + id
	for _, status := range []string{payment.Rejected, payment.Returned, payment.CashPending} {
		if err := a.carryAll(ctx, projections.PaymentFilter{Payroll: id, Status: status, Limit: carryPage}, payment.CarryForward{}, m); err != nil {
			return err
		}
	}
	return a.refundEnded(ctx, id, c.Who.ID, m)
}

// carryRejected carries what was settled while the list was being closed.
func (a *app) carryRejected(ctx context.Context, id string, m decider.Meta) error {
	m.Cause = "closure/" + id
	return a.carryAll(ctx, projections.PaymentFilter{Payroll: id, Status: payment.Rejected, Limit: carryPage}, payment.CarryForward{Late: true}, m)
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
func carried(sums []projections.StatusSum) (count int, total money.Amount) {
	for _, s := range sums {
		if s.Status == payment.CarriedForward {
			count, total = count+int(s.Count), total+money.Amount(s.Amount)
		}
	}
	return count, total
}
