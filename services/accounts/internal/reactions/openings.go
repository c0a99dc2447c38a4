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

// Openings records what banks say about requests for accounts. What makes no sense goes to quarantine, for an operator.
type Openings struct {
	Log *eventstore.Store
	Now func() time.Time
}

// Handlers lists the facts that are reacted to.
func (o Openings) Handlers() []reaction.Handler {
	return []reaction.Handler{reaction.On(o.record)}
}

// record finds the beneficiary by the account's id, which is ours; that the report names another one would be a fault.
func (o Openings) record(ctx context.Context, r events.Recorded, e bankgateway.OpeningReported) error {
	owner, ok := beneficiary.OfAccount(e.Account)
	if !ok || owner != e.Beneficiary {
		return beneficiary.ErrNoAccount()
	}
	cmd := beneficiary.RecordOpening{
		Account: e.Account, Bank: e.Bank, Status: e.Status, Reason: e.Reason,
		Number: e.Number, Mark: e.Mark, HolderMatch: e.HolderMatch, Biometric: e.Biometric,
	}
	meta := reaction.Meta(r, Actor, o.Now())
	if _, err := eventstore.Execute(ctx, o.Log, "beneficiary-"+owner, cmd, meta); err != nil || e.Reason != beneficiary.Deceased {
		return err
	}
	meta.Cause += "/death"
	_, err := eventstore.Execute(ctx, o.Log, "beneficiary-"+owner, beneficiary.ReportDeath{Account: e.Account, Bank: e.Bank}, meta)
	return err
}
