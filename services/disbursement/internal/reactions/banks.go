package reactions

import (
	"context"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

// Banks records on payments what the gateway told banks, and what they said. A fact about an attempt that does not exist,
// or over another amount, is refused by the payment and ends in the quarantine.
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
	_, err := eventstore.Execute(ctx, b.Log, payment.Stream(i.Payment), cmd, reaction.Meta(r, "service:disbursement", b.Now()))
	return err
}
