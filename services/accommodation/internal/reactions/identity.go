// Package reactions turns facts of other services into commands on notices.
package reactions

import (
	"context"
	"strings"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/services/accommodation/internal/notice"
)

// Actor is who changes notices because of an identity check.
const Actor = "service:accommodation"

// Identity records on the notice what the population database answered about its guest.
type Identity struct {
	Log *eventstore.Store
	Now func() time.Time
}

// Handlers lists the facts that are reacted to.
func (i Identity) Handlers() []reaction.Handler {
	return []reaction.Handler{
		reaction.On(func(ctx context.Context, r events.Recorded, e identity.Matched) error {
			return i.record(ctx, r, e.Subject, notice.RecordIdentity{Result: notice.Matched})
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e identity.Mismatched) error {
			return i.record(ctx, r, e.Subject, notice.RecordIdentity{Result: notice.Mismatched, Fields: e.Fields})
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e identity.NotFound) error {
			return i.record(ctx, r, e.Subject, notice.RecordIdentity{Result: notice.NotFound})
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e identity.Unavailable) error {
			return i.record(ctx, r, e.Subject, notice.RecordIdentity{Result: notice.Unavailable})
		}),
	}
}

// record runs the command on the notice that asked. Answers to other services are theirs to record.
func (i Identity) record(ctx context.Context, r events.Recorded, s identity.Subject, cmd notice.RecordIdentity) error {
	if s.Service != "accommodation" || !strings.HasPrefix(s.Stream, "notice-") {
		return nil
	}
	cmd.Guest = s.Person
	_, err := eventstore.Execute(ctx, i.Log, s.Stream, cmd, reaction.Meta(r, Actor, i.Now()))
	return err
}
