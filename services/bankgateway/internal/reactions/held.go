package reactions

import (
	"context"
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/services/bankgateway/internal/instruction"
	"github.com/songan-vn/songan/services/bankgateway/internal/opening"
	"github.com/songan-vn/songan/services/bankgateway/internal/projections"
)

// Held reacts to the gateway's own facts about what cannot be said. As long as that is so they are quarantined, where
// operators look; released by one who has mended it (a vault restored, an account replaced), it will be said.
type Held struct {
	Outbox Outbox
	Now    func() time.Time
}

// Facts are those that are reacted to.
func (Held) Facts() []events.Event {
	return []events.Event{bankgateway.InstructionHeld{}, bankgateway.OpeningHeld{}}
}

// Handlers lists the facts that are reacted to.
func (h Held) Handlers() []reaction.Handler {
	return []reaction.Handler{
		reaction.On(func(ctx context.Context, r events.Recorded, e bankgateway.InstructionHeld) error {
			history, err := h.Outbox.history(ctx, instruction.Stream(e.EndToEndID))
			if err != nil || instructionOf(history).Held == "" {
				return err
			}
			return h.again(ctx, r, projections.InstructWork(e.EndToEndID), e.Reason)
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e bankgateway.OpeningHeld) error {
			history, err := h.Outbox.history(ctx, opening.Stream(e.Account))
			if err != nil || decider.Fold(opening.Opening{}, history...).Held == "" {
				return err
			}
			return h.again(ctx, r, projections.OpenWork(e.Account), e.Reason)
		}),
	}
}

// again resumes what can be said by now.
func (h Held) again(ctx context.Context, r events.Recorded, work, reason string) error {
	d, found, err := projections.Find(ctx, h.Outbox.Pool, work)
	if err != nil {
		return fmt.Errorf("look up what was held: %w", err)
	}
	if !found || d.Done {
		return unsayable(reason)
	}
	t, err := taskOf(wanting(), d)
	if err != nil {
		return err
	}
	known, err := h.Outbox.resolve(ctx, []task{t})
	if err != nil {
		return err
	}
	if _, reason := t.letter(known); reason != "" {
		return unsayable(reason)
	}
	_, err = t.resume(ctx, h.Outbox.Log, reaction.Meta(r, Actor, h.Now()))
	return err
}

// unsayable says why; reason is one of the codes of the facts.
func unsayable(reason string) error {
	return problem.Reject(reason, "this cannot be said to the bank, because somebody's data cannot be read any more",
		"không thể gửi cho ngân hàng vì không còn đọc được dữ liệu cá nhân")
}
