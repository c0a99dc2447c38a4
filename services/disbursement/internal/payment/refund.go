package payment

import (
	"cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// RightEnded says that nobody is owed the money of a payment any more, because the right to it is over.
const RightEnded = "right_ended"

// Refund gives money that lies with its list back to the State Treasury.
type Refund struct {
	// Reason is [RightEnded] or [disbursement.AlreadyPaid]; empty when the person is owed the money still, as far as anybody knows
	// outside of the payment.
	Reason string
	// DuplicateOf is the other payment by which the person has the month, if this one is called a duplicate.
	DuplicateOf string
	By          string
}

// Decide does it once, with what lies with the list, and never while the bank may have paid it after all (rule 8); what the bank
// refused as a duplicate goes back for that other payment alone, because a right that ended leaves the month to another one. A recall
// and this take two persons: alone, one could take the month from somebody.
func (c Refund) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	switch {
	case !p.Exists():
		return nil, ErrUnknown()
	case p.Status == Refunded:
		return nil, nil
	case !p.Back():
		return nil, problem.Reject("payment_not_back", "only what lies with its list, returned or recalled, goes back to the treasury",
			"chỉ khoản đã hoàn trả hoặc thu hồi còn ở danh sách mới được nộp lại kho bạc")
	case p.Contested():
		return nil, p.maybePaid()
	case p.Status == Rejected && c.Reason == RightEnded && !p.Carries():
		return nil, cmp.Or(p.maybePaid(), p.inquired())
	case c.Reason == "":
		return nil, problem.Reject("still_owed", "the person is owed this money: pay it again, or end the right first",
			"người hưởng vẫn có quyền nhận khoản này; hãy chi lại hoặc dừng hưởng trước")
	case c.Reason == disbursement.AlreadyPaid && p.Current.RecalledBy != "" && p.Current.RecalledBy == c.By:
		return nil, problem.Reject("same_person",
			"whoever recalled the payment does not say that it was paid another way; another treasurer has to do this",
			"người yêu cầu thu hồi không được tự xác nhận khoản này đã chi; cần thủ quỹ khác thực hiện")
	}
	return []events.Event{disbursement.PaymentRefunded{
		Payment: p.Payment, From: p.Status, Reason: c.Reason, DuplicateOf: c.DuplicateOf, By: c.By,
	}}, nil
}
