package payment

import (
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// Unsendable is why two persons withdraw an instruction that the gateway holds. The other reasons are those of a removed
// line.
const Unsendable = "unsendable"

// Unsent lists how a payment stands that no bank was told of, as far as we know.
func Unsent() []string { return []string{Released, Reissued} }

// withdrawn folds that a payment is not made. What was stopped waits for an officer; what could not be sent is unpaid.
func (p Payment) withdrawn(e disbursement.PaymentWithdrawn) Payment {
	p.Status = AfterWithdrawal(e.Reason)
	if e.Attempt > 0 {
		p.Current.Outcome, p.Current.Reason = Rejected, e.Reason
	}
	return p
}

// AfterWithdrawal is how a payment stands that was withdrawn for a reason.
func AfterWithdrawal(reason string) string {
	if reason == Unsendable {
		return Rejected
	}
	return Recalled
}

// Withdraw stops what nobody has yet, because the right or the account ended.
type Withdraw struct {
	// Reason is that of a removed line.
	Reason string
	By     string
}

// Decide keeps cash at once, and asks the gateway to keep an instruction. What a bank has is left to it.
func (c Withdraw) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	switch {
	case p.Status == CashPending:
		return []events.Event{disbursement.PaymentWithdrawn{Payment: p.Payment, Reason: c.Reason}}, nil
	case p.unsent() == nil && p.Current.Withdrawal == "":
		return []events.Event{p.request(c.Reason, c.By)}, nil
	default:
		return nil, nil
	}
}

// ProposeWithdrawal is a treasurer's wish to take back what cannot be sent.
type ProposeWithdrawal struct{ By string }

// Decide refuses what a bank has.
func (c ProposeWithdrawal) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	if err := p.unsent(); err != nil {
		return nil, err
	}
	if p.Current.Proposed != "" || p.Current.Withdrawal != "" {
		return nil, problem.Reject("withdrawal_proposed", "somebody wants to withdraw this already", "đã có đề nghị rút lệnh này")
	}
	return []events.Event{disbursement.WithdrawalProposed{Payment: p.Payment, Attempt: p.Current.Attempt, By: c.By}}, nil
}

// ApproveWithdrawal is another person's consent.
type ApproveWithdrawal struct{ By string }

// Decide asks the gateway, unless the same person proposed it.
func (c ApproveWithdrawal) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	if err := p.unsent(); err != nil {
		return nil, err
	}
	switch {
	case p.Current.Proposed == "":
		return nil, problem.Reject("withdrawal_not_proposed", "nobody has proposed to withdraw this", "chưa có đề nghị rút lệnh này")
	case p.Current.Proposed == c.By || c.By == "":
		return nil, problem.Reject("same_person", "whoever proposed the withdrawal cannot approve it", "người đề nghị không được tự duyệt")
	case p.Current.Withdrawal != "":
		return nil, problem.Reject("withdrawal_proposed", "the gateway was asked already", "đã yêu cầu rút lệnh này")
	}
	return []events.Event{p.request(Unsendable, c.By)}, nil
}

// MarkWithdrawn is the gateway's answer that no bank will be told.
type MarkWithdrawn struct {
	EndToEndID string
	Attempt    int
	Reason     string
}

// Decide refuses what a bank has spoken of: somebody has to look at that before the money is available again.
func (c MarkWithdrawn) Decide(p Payment, _ decider.Meta) ([]events.Event, error) {
	a, err := p.about(c.EndToEndID, c.Attempt)
	switch {
	case err != nil:
		return nil, err
	case a.Outcome != "" && !a.Sent && a.Reason == c.Reason:
		return nil, nil
	case a != &p.Current || p.unsent() != nil:
		return nil, problem.New(problem.Invalid, "payment_was_sent",
			"the bank knows of this payment, so it was not withdrawn", "ngân hàng đã nhận lệnh nên không thể coi là đã rút")
	}
	return []events.Event{disbursement.PaymentWithdrawn{Payment: p.Payment, Attempt: c.Attempt, Reason: c.Reason}}, nil
}

// unsent refuses what a bank has, or what is paid in cash.
func (p Payment) unsent() error {
	switch {
	case !p.Exists():
		return ErrUnknown()
	case !slices.Contains(Unsent(), p.Status):
		return problem.Reject("payment_not_waiting",
			"only what waits to be sent to a bank is withdrawn; recall what was sent", "chỉ rút được lệnh chưa gửi ngân hàng; lệnh đã gửi phải thu hồi")
	}
	return nil
}

func (p Payment) request(reason, by string) events.Event {
	return disbursement.WithdrawalRequested{
		Payment: p.Payment, Attempt: p.Current.Attempt, EndToEndID: p.Current.EndToEndID, Bank: p.Current.Bank, Reason: reason, By: by,
	}
}
