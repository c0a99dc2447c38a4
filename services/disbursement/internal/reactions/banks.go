package reactions

import (
	"context"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// Banks records on payments what the gateway told banks, and what they said. A fact about an attempt that does not exist,
// or over another amount, is refused by the payment and ends in the quarantine. A rejection that comes after its list was
// closed, or was contested until then, is carried forward.
type Banks struct {
	Log *eventstore.Store
	Now func() time.Time
}

// Handlers lists the facts that are reacted to. Each is one command on one payment.
func (b Banks) Handlers() []reaction.Handler {
	return []reaction.Handler{
		reaction.On(func(ctx context.Context, r events.Recorded, e bankgateway.InstructionSent) error {
			return b.execute(ctx, r, e.Instruction, payment.MarkSent{
				EndToEndID: e.EndToEndID, Attempt: e.Attempt, Amount: e.Amount,
			})
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e bankgateway.InstructionWithdrawn) error {
			return b.execute(ctx, r, e.Instruction, payment.MarkWithdrawn{
				EndToEndID: e.EndToEndID, Attempt: e.Attempt, Reason: e.Reason,
			})
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e bankgateway.PaymentReported) error {
			return b.execute(ctx, r, e.Instruction, reportOf(e.Instruction, e.Report))
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e bankgateway.ReportSetAside) error {
			return b.execute(ctx, r, e.Instruction, payment.NoteReport{Report: reportOf(e.Instruction, e.Report), Why: e.Why})
		}),
	}
}

func reportOf(i bankgateway.Instruction, r bankgateway.Report) payment.Report {
	return payment.Report{EndToEndID: i.EndToEndID, Attempt: i.Attempt, Report: r}
}

func (b Banks) execute(
	ctx context.Context, r events.Recorded, i bankgateway.Instruction, cmd decider.Command[payment.Payment],
) error {
	meta := reaction.Meta(r, disbursement.Actor, b.Now())
	out, err := eventstore.Execute(ctx, b.Log, payment.Stream(i.Payment), cmd, meta)
	if err != nil {
		return err
	}
	return b.carryLate(ctx, out.State, meta)
}

// carryLate carries forward what its list could not: the bank contradicted itself when the list was closed, or had not rejected it yet.
// A closed list pays nothing that was available, so only another list can pay it.
func (b Banks) carryLate(ctx context.Context, p payment.Payment, meta decider.Meta) error {
	if !p.CarriesLate() {
		return nil
	}
	list, err := eventstore.State[payroll.Payroll](ctx, b.Log, payroll.Stream(p.Payroll))
	if err != nil || list.Status != payroll.Closed {
		return err
	}
	meta.Cause += "/carry"
	_, err = eventstore.Execute(ctx, b.Log, payment.Stream(p.Payment), payment.CarryForward{Late: true}, meta)
	if refused, is := problem.Of(err); is && refused.Kind == problem.Rejected {
		return nil // something else was done with it, or the bank contradicts itself again
	}
	return err
}
