package disbursement

import (
	"context"

	facts "github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// uetr is the transaction reference that belongs to an end-to-end id.
func uetr(endToEndID string) string { return facts.Target{EndToEndID: endToEndID}.UETR() }

// reissue asks which account the person has now, and lets the payment decide.
func (a *app) reissue(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Payment], error) {
	p, _, err := a.paymentOf(ctx, c.Path("id"), c.Who)
	if err != nil {
		return httpapi.Done[Payment]{}, err
	}
	if err := a.notClosed(ctx, p); err != nil {
		return httpapi.Done[Payment]{}, err
	}
	cmd := payment.Reissue{By: c.Who.ID}
	person, known, err := projections.OneBeneficiary(ctx, a.pool, p.Beneficiary)
	if err != nil {
		return httpapi.Done[Payment]{}, err
	}
	if known && person.DiedOn != "" {
		return httpapi.Done[Payment]{}, problem.Reject("beneficiary_deceased",
			"the person died; nothing is paid into their account any more", "người hưởng đã mất; không chuyển vào tài khoản nữa")
	}
	if known && person.CashReason() == "" {
		cmd.Target = facts.Target{Bank: person.Bank, Account: person.Account, Number: person.Number, Holder: person.Holder}
	}
	return changePayment(ctx, a, c, cmd)
}

// notClosed keeps the money of a closed list where it is: what was available went back to the treasury. What was returned
// after the closure is still there, and may be paid.
func (a *app) notClosed(ctx context.Context, p payment.Payment) error {
	if p.Current.Outcome == payment.Returned {
		return nil
	}
	list, err := a.payrollState(ctx, p.Payroll)
	if err != nil {
		return err
	}
	if list.Status == payroll.Closed {
		return problem.Reject("payroll_closed", "the list is closed, and its money went back to the treasury",
			"danh sách đã đóng, kinh phí đã hoàn về kho bạc")
	}
	return nil
}

// CashBody says that money was handed over. Without it, a failed payment moves to cash and waits.
type CashBody struct {
	CollectedOn string `json:"collected_on,omitzero" format:"date"`
	Receipt     string `json:"receipt,omitzero" pattern:"^[0-9A-Za-z./-]{1,40}$" doc:"number of the signed receipt"`
}

func (a *app) payCash(ctx context.Context, c httpapi.Call[CashBody]) (httpapi.Done[Payment], error) {
	p, _, err := a.paymentOf(ctx, c.Path("id"), c.Who)
	if err != nil {
		return httpapi.Done[Payment]{}, err
	}
	if p.Status != payment.CashPending && p.Status != payment.CashPaid {
		if err := a.notClosed(ctx, p); err != nil {
			return httpapi.Done[Payment]{}, err
		}
	}
	return changePayment(ctx, a, c, payment.Cash{CollectedOn: c.In.CollectedOn, Receipt: c.In.Receipt, By: c.Who.ID})
}

// RecallBody says why the money is wanted back.
type RecallBody struct {
	Reason string `json:"reason" enum:"DUPL,TECH,FRAD,CUST,AC03,AM09" doc:"ISO 20022's reasons for a cancellation"`
}

func (a *app) recall(ctx context.Context, c httpapi.Call[RecallBody]) (httpapi.Done[Payment], error) {
	return changePayment(ctx, a, c, payment.Recall{Reason: c.In.Reason, By: c.Who.ID})
}
