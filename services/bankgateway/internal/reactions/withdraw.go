package reactions

import (
	"context"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/services/bankgateway/internal/instruction"
	"github.com/songan-vn/songan/services/bankgateway/internal/projections"
	"github.com/songan-vn/songan/services/bankgateway/internal/reactions/claims"
)

// withdraw settles what is not to be sent any more. What is being sent it passes over.
func (o Outbox) withdraw(ctx context.Context, bic string) error {
	for after := ""; ; {
		waiting, err := projections.Withdrawals(ctx, o.Pool, bic, after, batch)
		if err != nil {
			return fmt.Errorf("list what is to be withdrawn from %s: %w", bic, err)
		}
		if len(waiting) == 0 {
			return nil
		}
		after = waiting[len(waiting)-1].Work
		if err := o.keepAll(ctx, waiting); err != nil {
			return err
		}
	}
}

// keepAll settles what is not being sent. What is settled already, and waits in the read model although, costs one look at all.
func (o Outbox) keepAll(ctx context.Context, waiting []projections.Dispatch) error {
	catalog := wanting()
	payments, streams := make([]payment, len(waiting)), make([]string, len(waiting))
	for i, d := range waiting {
		t, err := taskOf(catalog, d)
		if err != nil {
			return err
		}
		p, isPayment := t.(payment)
		if !isPayment {
			return fmt.Errorf("withdraw %s: it is no payment", d.Work)
		}
		payments[i], streams[i] = p, t.stream()
	}
	histories, err := o.Log.LoadAll(ctx, streams)
	if err != nil {
		return fmt.Errorf("look what was withdrawn: %w", err)
	}
	for i, d := range waiting {
		if payments[i].due(factsOf(histories[i])) {
			if err := o.keep(ctx, payments[i], d); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep withdraws one instruction, unless it is being sent.
func (o Outbox) keep(ctx context.Context, p payment, d projections.Dispatch) error {
	ours, err := claims.Withdraw(ctx, o.Pool, p.EndToEndID)
	switch {
	case err != nil:
		return err
	case !ours && d.Held:
		return o.assume(ctx, p, d)
	case !ours:
		return nil // it is sent in this sweep, if a crash kept it from that; and then there is nothing to withdraw
	}
	cmd := instruction.Withdraw(bankgateway.InstructionWithdrawn{Instruction: named(p.Payment, p.Target), Reason: d.Withdraw})
	meta := decider.Meta{At: o.Now(), Actor: Actor, Cause: d.Cause + "/withdraw", Correlation: d.Correlation, Trace: d.Trace}
	if _, err := eventstore.Execute(ctx, o.Log, instruction.Stream(p.EndToEndID), cmd, meta); err != nil {
		return fmt.Errorf("withdraw %s: %w", p.EndToEndID, err)
	}
	o.Logger.Info("withdrawn before it was sent", zap.String("instruction", p.EndToEndID), zap.String("reason", d.Withdraw))
	return nil
}

// assume counts an instruction as sent that somebody began to send and that cannot be written again, because a person was erased
// since. The bank may have it or not, so it can neither be sent nor be taken back: the bank is asked, as about any other, and
// whoever does not know it says so.
func (o Outbox) assume(ctx context.Context, p payment, d projections.Dispatch) error {
	cmd := p.send()
	cmd.Assumed = true
	meta := decider.Meta{At: o.Now(), Actor: Actor, Cause: d.Cause + "/assumed", Correlation: d.Correlation, Trace: d.Trace}
	if _, err := eventstore.Execute(ctx, o.Log, instruction.Stream(p.EndToEndID), cmd, meta); err != nil {
		return fmt.Errorf("count %s as sent: %w", p.EndToEndID, err)
	}
	o.Logger.Warn("this may be at the bank and cannot be written again; it counts as sent, and the bank will be asked",
		zap.String("instruction", p.EndToEndID), zap.String("reason", d.Withdraw))
	return nil
}

// claimed leaves out of a batch what was withdrawn while it was being written.
func (o Outbox) claimed(ctx context.Context, jobs []*job) ([]*job, error) {
	var ids []string
	for _, j := range jobs {
		if id := j.claim(); id != "" && j.message != nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return jobs, nil
	}
	lost, err := claims.Send(ctx, o.Pool, ids)
	if err != nil || len(lost) == 0 {
		return jobs, err
	}
	return slices.DeleteFunc(jobs, func(j *job) bool { return j.message != nil && slices.Contains(lost, j.claim()) }), nil
}
