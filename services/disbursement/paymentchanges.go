package disbursement

import (
	"context"

	facts "github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn/person"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// uetr is the transaction reference that belongs to an end-to-end id.
func uetr(endToEndID string) string { return facts.Target{EndToEndID: endToEndID}.UETR() }

// reissue asks which account the person has now, and lets the payment decide.
func (a *app) reissue(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Payment], error) {
	p, _, err := a.paymentOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Payment]{}, err
	}
	cmd := payment.Reissue{By: c.Who.ID}
	person, known, err := projections.OneBeneficiary(ctx, a.pool, p.Beneficiary)
	if err != nil {
		return httpapi.Done[Payment]{}, err
	}
	if known && person.CashReason() == "" {
		cmd.Target = facts.Target{Bank: person.Bank, Account: person.Account, Number: person.Number, Holder: person.Holder}
	}
	return changeUnless(ctx, a, c, cmd, a.notClosed(ctx, p), a.living(ctx, p))
}

// changeUnless runs a command unless one of the checks refuses it. A repetition of what was done is answered all the same.
func changeUnless[I any](
	ctx context.Context, a *app, c httpapi.Call[I], cmd payment.Command, checks ...error,
) (httpapi.Done[Payment], error) {
	guarded := payment.Unless{Command: cmd}
	for _, err := range checks {
		if p, refused := problem.Of(err); err != nil && (!refused || p.Kind != problem.Rejected) {
			return httpapi.Done[Payment]{}, err
		}
		if guarded.Refused == nil {
			guarded.Refused = err
		}
	}
	return changePayment(ctx, a, c, guarded)
}

// living refuses payments into the account of somebody who died, under whichever file.
func (a *app) living(ctx context.Context, p payment.Payment) error {
	died, err := a.diedOn(ctx, p.Mark)
	if err == nil && died != "" {
		return problem.Reject("beneficiary_deceased",
			"the person died; nothing is paid into their account any more", "người hưởng đã mất; không chuyển vào tài khoản nữa")
	}
	return err
}

// diedOn is the first day on which any file of a person says that they died; empty when none does.
func (a *app) diedOn(ctx context.Context, mark string) (died string, err error) {
	files, err := projections.BeneficiariesOf(ctx, a.pool, []string{mark})
	for _, file := range files {
		if file.DiedOn != "" && (died == "" || file.DiedOn < died) {
			died = file.DiedOn
		}
	}
	return died, err
}

// notClosed keeps the money of a closed list where it is: what was available went back to the treasury. What came back
// after the closure is still there, and may be paid: a closure leaves nothing behind that can be carried forward.
func (a *app) notClosed(ctx context.Context, p payment.Payment) error {
	if p.Current.Outcome == payment.Returned || p.Carries() {
		return nil
	}
	list, err := eventstore.State[payroll.Payroll](ctx, a.log, payroll.Stream(p.Payroll))
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

// Validate keeps people out of what stands in facts.
func (b CashBody) Validate(f *problem.Faults) { person.CheckNobody(f, "/receipt", b.Receipt) }

func (a *app) payCash(ctx context.Context, c httpapi.Call[CashBody]) (httpapi.Done[Payment], error) {
	p, _, err := a.paymentOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Payment]{}, err
	}
	var checks []error
	if p.Status != payment.CashPending && p.Status != payment.CashPaid {
		checks = append(checks, a.notClosed(ctx, p))
	}
	if c.In.CollectedOn != "" && p.Status != payment.CashPaid {
		checks = append(checks, a.lived(ctx, p))
	}
	cmd := payment.Cash{CollectedOn: c.In.CollectedOn, Receipt: c.In.Receipt, By: c.Who.ID}
	return changeUnless(ctx, a, c, cmd, checks...)
}

// lived keeps money for a month after the person's death from being handed over (invariant I8).
func (a *app) lived(ctx context.Context, p payment.Payment) error {
	died, err := a.diedOn(ctx, p.Mark)
	if err == nil && died != "" && p.Month > died[:len("2026-11")] {
		return problem.Reject("beneficiary_deceased", "the person died before the month that the money is for",
			"người hưởng đã mất trước tháng được chi trả")
	}
	return err
}

// RecallBody says why the money is wanted back.
type RecallBody struct {
	Reason string `json:"reason" enum:"DUPL,TECH,FRAD,CUST,AC03,AM09" doc:"ISO 20022's reasons for a cancellation"`
}

func (a *app) recall(ctx context.Context, c httpapi.Call[RecallBody]) (httpapi.Done[Payment], error) {
	return changePayment(ctx, a, c, payment.Recall{Reason: c.In.Reason, By: c.Who.ID})
}
