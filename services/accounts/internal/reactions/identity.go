// Package reactions turns facts of other services into commands on beneficiaries.
package reactions

import (
	"context"
	"strings"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
)

// Actor is who changes beneficiaries because of what other services said.
const Actor = "service:accounts"

// Identity records what the population database answered about a beneficiary.
type Identity struct {
	Log *eventstore.Store
	Now func() time.Time
}

// Handlers lists the facts that are reacted to.
func (i Identity) Handlers() []reaction.Handler {
	return []reaction.Handler{
		reaction.On(func(ctx context.Context, r events.Recorded, e identity.Matched) error {
			return i.record(ctx, r, e.Subject, beneficiary.RecordIdentity{Result: beneficiary.Matched})
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e identity.Mismatched) error {
			return i.record(ctx, r, e.Subject, beneficiary.RecordIdentity{Result: beneficiary.Mismatched, Fields: e.Fields})
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e identity.NotFound) error {
			return i.record(ctx, r, e.Subject, beneficiary.RecordIdentity{Result: beneficiary.NotFound})
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e identity.Unavailable) error {
			return i.record(ctx, r, e.Subject, beneficiary.RecordIdentity{Result: beneficiary.Unavailable})
		}),
	}
}

// record runs the command on the stream that asked. Answers to other services are theirs to record.
func (i Identity) record(ctx context.Context, r events.Recorded, s identity.Subject, cmd beneficiary.RecordIdentity) error {
	if s.Service != "accounts" || !strings.HasPrefix(s.Stream, "beneficiary-") {
		return nil
	}
	cmd.Person = s.Person
	_, err := eventstore.Execute(ctx, i.Log, s.Stream, cmd, reaction.Meta(r, Actor, i.Now()))
	return err
}
