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

// withdraw settles what is not to be sent any more, and says how many instructions that were now. What is being sent it passes over.
func (o Outbox) withdraw(ctx context.Context, bic string) (withdrawn int, err error) {
	var last int64
	for after := ""; ; {
		waiting, err := projections.Withdrawals(ctx, o.Pool, bic, after, batch)
		if err != nil {
			return withdrawn, fmt.Errorf("list what is to be withdrawn from %s: %w", bic, err)
		}
		if len(waiting) == 0 {
			break
		}
		after = waiting[len(waiting)-1].Work
		kept, position, err := o.keepAll(ctx, waiting)
		withdrawn, last = withdrawn+kept, max(last, position)
		if err != nil {
			return withdrawn, err
		}
	}
	if withdrawn == 0 {
		return 0, nil
	}
	seeing, cancel := context.WithTimeout(ctx, visible)
	defer cancel()
	if err := o.Seen(seeing, last); err != nil && ctx.Err() != nil {
		return withdrawn, ctx.Err()
	}
	return withdrawn, nil // if it is met again, its stream says what it is
}

// keepAll settles what is not being sent, and answers with the position of the last fact about it.
func (o Outbox) keepAll(ctx context.Context, waiting []projections.Dispatch) (kept int, last int64, err error) {
	catalog := wanting()
	for _, d := range waiting {
		t, err := taskOf(catalog, d)
		if err != nil {
			return kept, last, err
		}
		p, isPayment := t.(payment)
		if !isPayment {
			return kept, last, fmt.Errorf("withdraw %s: it is no payment", d.Work)
		}
		position, err := o.keep(ctx, p, d)
		if err != nil {
			return kept, last, err
		}
		if position > 0 {
			kept, last = kept+1, max(last, position)
		}
	}
	return kept, last, nil
}

// keep withdraws one instruction, unless it is being sent.
func (o Outbox) keep(ctx context.Context, p payment, d projections.Dispatch) (int64, error) {
	ours, err := claims.Withdraw(ctx, o.Pool, p.EndToEndID)
	switch {
	case err != nil:
		return 0, err
	case !ours && d.Held:
		return o.assume(ctx, p, d)
	case !ours:
		return 0, nil // it is sent in this sweep, if a crash kept it from that; and then there is nothing to withdraw
	}
	cmd := instruction.Withdraw(bankgateway.InstructionWithdrawn{Instruction: named(p.Payment, p.Target), Reason: d.Withdraw})
	meta := decider.Meta{At: o.Now(), Actor: Actor, Cause: d.Cause + "/withdraw", Correlation: d.Correlation, Trace: d.Trace}
	out, err := eventstore.Execute(ctx, o.Log, instruction.Stream(p.EndToEndID), cmd, meta)
	if err != nil {
		return 0, fmt.Errorf("withdraw %s: %w", p.EndToEndID, err)
	}
	if out.Replayed || len(out.Facts) == 0 {
		return 0, nil
	}
	o.Logger.Info("withdrawn before it was sent", zap.String("instruction", p.EndToEndID), zap.String("reason", d.Withdraw))
	return out.Position, nil
}

// assume counts an instruction as sent that somebody began to send and that cannot be written again, because a person was erased
// since. The bank may have it or not, so it can neither be sent nor be taken back: the bank is asked, as about any other, and
// whoever does not know it says so.
func (o Outbox) assume(ctx context.Context, p payment, d projections.Dispatch) (int64, error) {
	cmd := p.send()
	cmd.Assumed = true
	meta := decider.Meta{At: o.Now(), Actor: Actor, Cause: d.Cause + "/assumed", Correlation: d.Correlation, Trace: d.Trace}
	out, err := eventstore.Execute(ctx, o.Log, instruction.Stream(p.EndToEndID), cmd, meta)
	if err != nil {
		return 0, fmt.Errorf("count %s as sent: %w", p.EndToEndID, err)
	}
	if out.Replayed || len(out.Facts) == 0 {
		return 0, nil
	}
	o.Logger.Warn("this may be at the bank and cannot be written again; it counts as sent, and the bank will be asked",
		zap.String("instruction", p.EndToEndID), zap.String("reason", d.Withdraw))
	return out.Position, nil
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
