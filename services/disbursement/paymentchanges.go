package disbursement

import (
	"context"
	"errors"
	"slices"

	"github.com/songan-vn/songan/events"
	facts "github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/stops"
)

// uetr is the transaction reference that belongs to an end-to-end id.
func uetr(endToEndID string) string { return facts.Target{EndToEndID: endToEndID}.UETR() }

// reissue asks which account the person has now, and lets the payment decide.
func (a *app) reissue(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Payment], error) {
	p, _, err := a.paymentOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Payment]{}, err
	}
	return a.behindStops(ctx, func(ctx context.Context, seen int64) (httpapi.Done[Payment], error) {
		cmd := payment.Reissue{By: c.Who.ID}
		person, known, err := projections.OneBeneficiary(ctx, a.pool, p.Beneficiary)
		if err != nil {
			return httpapi.Done[Payment]{}, err
		}
		if known && person.CashReason() == "" {
			cmd.Target = facts.Target{Bank: person.Bank, Account: person.Account, Number: person.Number, Holder: person.Holder}
		}
		return changeUnless(ctx, a, c, cmd, a.notClosed(ctx, p), a.living(ctx, p), a.entitledStill(ctx, p, seen), a.notCreditedBefore(ctx, p), a.notShared(ctx, person))
	})
}

// behindStops pays after every stop that stands in the log, or before it; see package stops. The read model of rights catches
// up before, so that stops do not have to wait for that: what is left for pay to wait for are stops after the position seen.
func (a *app) behindStops(
	ctx context.Context, pay func(ctx context.Context, seen int64) (httpapi.Done[Payment], error),
) (done httpapi.Done[Payment], err error) {
	seen, err := a.log.Head(ctx)
	if err != nil {
		return done, err
	}
	if err := a.enrolments.WaitFor(ctx, seen); err != nil {
		return done, err
	}
	err = a.stops.Pay(ctx, func(ctx context.Context) (err error) {
		done, err = pay(ctx, seen)
		return err
	})
	return done, err
}

// entitledStill refuses payments whose right has ended since they were approved. It runs behind stops.
func (a *app) entitledStill(ctx context.Context, p payment.Payment, seen int64) error {
	_, stop, err := a.log.LastOf(ctx, seen, stops.Names()...)
	if err != nil {
		return err
	}
	if err := a.enrolments.WaitFor(ctx, stop); err != nil {
		return err
	}
	_, lapsed, err := projections.LapsedPayment(ctx, a.pool, p.Payment, p.Payroll)
	if err == nil && lapsed {
		return problem.Reject("right_ended", "the right to this money was stopped or suspended meanwhile", "quyền hưởng khoản này đã bị dừng hoặc tạm dừng")
	}
	return err
}

// notShared refuses an account that several people use and whose holder represents none of them: a list would hold it.
func (a *app) notShared(ctx context.Context, person projections.Beneficiary) error {
	if person.AccountMark == "" || person.Represented() {
		return nil
	}
	shared, err := projections.SharedAccounts(ctx, a.pool, []string{person.AccountMark})
	if err == nil && shared[person.AccountMark] {
		return problem.Reject("account_shared", "several people use this account, and its holder does not represent them",
			"nhiều người dùng chung tài khoản này mà chủ tài khoản không phải người đại diện")
	}
	return err
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
	fate, err := a.fateOf(ctx, p)
	switch {
	case err != nil:
		return err
	case fate.undecided:
		return errReported()
	case fate.died != "":
		return problem.Reject("beneficiary_deceased",
			"the person died; nothing is paid into their account any more", "người hưởng đã mất; không chuyển vào tài khoản nữa")
	}
	return nil
}

// unreported keeps money where it is until an officer has decided what a bank's word is worth.
func (a *app) unreported(ctx context.Context, p payment.Payment) error {
	fate, err := a.fateOf(ctx, p)
	if err != nil || !fate.undecided {
		return err
	}
	return errReported()
}

func errReported() error {
	return problem.Reject("death_reported", "a bank says that the person died; an officer records the death or dismisses the report first",
		"ngân hàng báo người hưởng đã mất; cán bộ cần ghi nhận báo tử hoặc bác bỏ báo cáo trước")
}

// fate is what is known of a person's death.
type fate struct {
	// died is the first day on which any file of theirs says so; empty when none does.
	died string
	// undecided tells that a bank says so and no officer has decided about it.
	undecided bool
}

// fateOf asks all files of the person. If a bank refused this very payment for a death, accounts has to have heard of that, and may
// have been away. That it heard of another one, this year or last, and that somebody decided about it, says nothing.
func (a *app) fateOf(ctx context.Context, p payment.Payment) (fate, error) {
	files, err := projections.BeneficiariesOf(ctx, a.pool, []string{p.Mark})
	var f fate
	heard := p.Current.Reason != payment.Deceased
	for _, file := range files {
		heard = heard || slices.Contains(file.Heard, p.Current.EndToEndID)
		f.undecided = f.undecided || file.Reported
		if file.DiedOn != "" && (f.died == "" || file.DiedOn < f.died) {
			f.died = file.DiedOn
		}
	}
	f.undecided = f.undecided || !heard && f.died == ""
	return f, err
}

// CashBody says that money was handed over. Without it, a failed payment moves to cash and waits for another treasurer.
type CashBody struct {
	CollectedOn string `json:"collected_on,omitzero" format:"date"`
	Receipt     string `json:"receipt,omitzero" pattern:"^[0-9A-Za-z./-]{1,40}$" doc:"number of the signed receipt"`
}

// Validate keeps people out of what stands in facts.
func (b CashBody) Validate(f *problem.Faults) { person.CheckNobody(f, "/receipt", b.Receipt) }

func (a *app) payCash(ctx context.Context, c httpapi.Call[CashBody]) (httpapi.Done[Payment], error) {
	p, history, err := a.paymentOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Payment]{}, err
	}
	var checks []error
	if p.Status != payment.CashPaid {
		checks = append(checks, a.unreported(ctx, p))
	}
	if c.In.CollectedOn != "" && p.Status != payment.CashPaid {
		checks = append(checks, a.lived(ctx, p), a.notReleasedBy(ctx, p, c.Who.ID))
	}
	cmd := cashOf(c, history)
	return a.behindStops(ctx, func(ctx context.Context, seen int64) (httpapi.Done[Payment], error) {
		if p.Status != payment.CashPaid {
			checks = append(checks, a.notClosed(ctx, p), a.entitledStill(ctx, p, seen), a.notCreditedBefore(ctx, p))
		}
		count := func() (httpapi.Done[Payment], error) { return changeUnless(ctx, a, c, cmd, checks...) }
		if _, refused := cmd.Decide(p, c.Meta); refused != nil || errors.Join(checks...) != nil || c.In.Receipt == "" {
			return count()
		}
		return proven(ctx, a, a.receiptOf(signed(c, p)), c.Meta, count)
	})
}

// checkCash asks what became of a receipt only if nothing is wrong with its day: receipts are numbered anew every year.
func (a *app) checkCash(ctx context.Context, c httpapi.Call[CashBody]) error {
	p, history, err := a.paymentOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return err
	}
	if _, err := cashOf(c, history).Decide(p, c.Meta); err != nil || c.In.Receipt == "" {
		return err
	}
	faults, err := a.usedElsewhere(ctx, a.receiptOf(signed(c, p)), c.Meta)
	if err != nil {
		return err
	}
	return faults.Err()
}

func cashOf(c httpapi.Call[CashBody], history []events.Recorded) payment.Cash {
	return payment.Cash{
		CollectedOn: c.In.CollectedOn, Receipt: c.In.Receipt, By: c.Who.ID, ReleasedOn: vn.DateOf(history[0].Meta.OccurredAt).String(),
	}
}

func signed(c httpapi.Call[CashBody], p payment.Payment) receipt {
	return receipt{unit: p.Unit, number: c.In.Receipt, on: c.In.CollectedOn, mark: p.Mark}
}

// notReleasedBy lets nobody say that cash was handed over who had released it: alone, one person could keep it.
func (a *app) notReleasedBy(ctx context.Context, p payment.Payment, who string) error {
	list, err := eventstore.State[payroll.Payroll](ctx, a.log, payroll.Stream(p.Payroll))
	if err == nil && list.ReleasedBy == who {
		return problem.Reject("same_person", "whoever released the list does not enter the receipts; another treasurer has to do this",
			"người phát hành chi trả không được ghi nhận phiếu chi; cần thủ quỹ khác thực hiện")
	}
	return err
}

// lived keeps money for a month after the person's death from being handed over (invariant I8).
func (a *app) lived(ctx context.Context, p payment.Payment) error {
	fate, err := a.fateOf(ctx, p)
	if err == nil && fate.died != "" && p.Month > fate.died[:len("2026-11")] {
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

func (a *app) inquire(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Payment], error) {
	return changePayment(ctx, a, c, payment.Ask{})
}

func (a *app) proposeWithdrawal(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Payment], error) {
	return changePayment(ctx, a, c, payment.ProposeWithdrawal{By: c.Who.ID})
}

func (a *app) approveWithdrawal(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Payment], error) {
	return changePayment(ctx, a, c, payment.ApproveWithdrawal{By: c.Who.ID})
}
