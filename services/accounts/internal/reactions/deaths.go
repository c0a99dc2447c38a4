package reactions

import (
	"context"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
)

// Deaths opens a case when a bank says that the holder of an account died, where officers see it.
type Deaths struct {
	Log *eventstore.Store
	Now func() time.Time
}

// Handlers lists the facts that are reacted to.
func (d Deaths) Handlers() []reaction.Handler { return []reaction.Handler{reaction.On(d.report)} }

func (d Deaths) report(ctx context.Context, r events.Recorded, e bankgateway.DeathReported) error {
	owner, ok := beneficiary.OfAccount(e.Account)
	if !ok {
		return beneficiary.ErrNoAccount()
	}
	cmd := beneficiary.ReportDeath{Account: e.Account, Bank: e.Bank, EndToEndID: e.EndToEndID}
	_, err := eventstore.Execute(ctx, d.Log, "beneficiary-"+owner, cmd, reaction.Meta(r, Actor, d.Now()))
	return err
}
