package payment

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// Why nobody is owed the money of a payment any more.
const (
	RightEnded  = "right_ended"
	AlreadyPaid = "already_paid"
)

// Refund gives money that lies with its list back to the State Treasury.
type Refund struct {
	// Reason is one of the above; empty when the person is owed the money still, as far as anybody knows outside of the payment.
	Reason string
	By     string
}

// Decide does it once, with what came back or never left, and never while the bank may have paid it after all (rule 8).
func (c Refund) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	reason := c.Reason
	if Duplicate(p.Current.Reason) || Duplicate(p.Current.Recall) {
		reason = AlreadyPaid // the bank says so, or an officer who asked for it back
	}
	switch {
	case !p.Exists():
		return nil, ErrUnknown()
	case p.Status == Refunded:
		return nil, nil
	case p.Status != Returned && p.Status != Recalled:
		return nil, problem.Reject("payment_not_back", "only what was returned or recalled goes back to the treasury",
			"chỉ khoản đã hoàn trả hoặc thu hồi mới được nộp lại kho bạc")
	case p.Contested():
		return nil, p.held()
	case reason == "":
		return nil, problem.Reject("still_owed", "the person is owed this money: pay it again, or end the right first",
			"người hưởng vẫn có quyền nhận khoản này; hãy chi lại hoặc dừng hưởng trước")
	}
	return []events.Event{disbursement.PaymentRefunded{Payment: p.Payment, From: p.Status, Reason: reason, By: c.By}}, nil
}
