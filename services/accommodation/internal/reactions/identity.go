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
func (i Identity) Handlers() []reaction.Handler { return reaction.OnAll(identity.Catalog(), i.record) }

// record runs the command on the stream that asked. Answers to other services are theirs to record.
func (i Identity) record(ctx context.Context, r events.Recorded) error {
	a, ok := identity.AnswerOf(r.Event)
	if !ok || a.Service != "accommodation" || !strings.HasPrefix(a.Stream, "notice-") {
		return nil
	}
	cmd := notice.RecordIdentity{Guest: a.Person, Result: a.Result, Fields: a.Fields}
	_, err := eventstore.Execute(ctx, i.Log, a.Stream, cmd, reaction.Meta(r, Actor, i.Now()))
	return err
}
