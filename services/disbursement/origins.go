package disbursement

import (
	"context"
	"errors"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// mostOrigins is how many months in a row a payment can be carried forward: longer than anybody lives.
const mostOrigins = 12 * 150

// notCreditedBefore refuses what took over another payment or was made in its place, directly or through several lists, of which the bank
// says by now that it was credited. It asks the log, because a read model may not know yet.
func (a *app) notCreditedBefore(ctx context.Context, p payment.Payment) error {
	asked := map[string]bool{"": true}
	for waiting := []payment.Payment{p}; len(waiting) > 0; waiting = waiting[1:] {
		instead, err := projections.InsteadOf(ctx, a.pool, waiting[0].Payment, waiting[0].Payroll)
		if err != nil {
			return err
		}
		for _, id := range append(instead, waiting[0].Origin) {
			if asked[id] {
				continue
			}
			asked[id] = true
			before, err := eventstore.State[payment.Payment](ctx, a.log, payment.Stream(id))
			switch {
			case err != nil:
				return err
			case before.Contested():
				return problem.Reject("origin_contested",
					"the bank says that an earlier payment of this money was credited after all; wait for its return",
					"ngân hàng báo khoản chi kỳ trước đã được ghi có; hãy chờ hoàn trả")
			case len(asked) > mostOrigins:
				return errors.New("a payment goes back further than anybody lives")
			}
			waiting = append(waiting, before)
		}
	}
	return nil
}

// notClosed keeps the money of a closed list where it is: what was available went back to the treasury. What was returned or
// recalled is still there.
func (a *app) notClosed(ctx context.Context, p payment.Payment) error {
	if ledger.Where(p) != ledger.Available {
		return nil
	}
	list, err := eventstore.State[payroll.Payroll](ctx, a.log, payroll.Stream(p.Payroll))
	if err != nil || list.Status != payroll.Closed {
		return err
	}
	return problem.Reject("payroll_closed", "the list is closed, and its money went back to the treasury",
		"danh sách đã đóng, kinh phí đã hoàn về kho bạc")
}
