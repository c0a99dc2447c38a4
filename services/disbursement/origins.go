package disbursement

import (
	"context"
	"errors"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// mostOrigins is how many months in a row a payment can be carried forward: longer than anybody lives.
const mostOrigins = 12 * 150

// notCreditedBefore refuses what took over another payment, directly or through several lists, of which the bank says by now
// that it was credited. It asks the log, because a read model may not know yet.
func (a *app) notCreditedBefore(ctx context.Context, p payment.Payment) error {
	origin := p.Origin
	for range mostOrigins {
		if origin == "" {
			return nil
		}
		before, err := eventstore.State[payment.Payment](ctx, a.log, payment.Stream(origin))
		switch {
		case err != nil:
			return err
		case before.Contested():
			return problem.Reject("origin_contested",
				"the bank says that the payment which this one takes over was credited after all; wait for its return",
				"ngân hàng báo khoản chi kỳ trước chuyển sang đã được ghi có; hãy chờ hoàn trả")
		}
		origin = before.Origin
	}
	return errors.New("a payment goes back further than anybody lives")
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
