package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/events"
	facts "github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
	"github.com/songan-vn/songan/services/accounts/internal/issuance"
	"github.com/songan-vn/songan/services/accounts/internal/projections"
	"github.com/songan-vn/songan/services/accounts/internal/reactions"
)

const (
	// waitingIssuances is how many approved batches wait in memory; the others are found in the read model.
	waitingIssuances = 64
	// issueEvery is how often the issuer looks for batches that nobody handed to it: after a crash, or of another process.
	issueEvery = time.Second
	// requestWidth is how many members are requested at the same time; the log writes them in few round trips.
	requestWidth = 256
)

// hurry hands an approved batch to the issuer. When its queue is full the batch is found in the read model.
func (a *app) hurry(id string) {
	select {
	case a.approved <- id:
	default:
	}
}

// issue turns approved batches into requests until ctx ends. It starts again wherever a crash left it: a member who was
// requested is found, not requested again, since the cause of the request is the approval.
func (a *app) issue(ctx context.Context) error {
	tick := time.NewTicker(issueEvery)
	defer tick.Stop()
	for {
		var ids []string
		var err error
		select {
		case <-ctx.Done():
			return nil
		case id := <-a.approved:
			ids = []string{id}
		case <-tick.C:
			ids, err = projections.ApprovedIssuances(ctx, a.pool, waitingIssuances)
		}
		for _, id := range ids {
			err = errors.Join(err, a.request(ctx, id))
		}
		if err != nil && ctx.Err() == nil {
			a.logger.Warn("accounts are requested later", telemetry.Err(err))
		}
	}
}

// request asks for the accounts of one approved batch and records that all of it is done.
func (a *app) request(ctx context.Context, id string) error {
	history, err := a.log.Load(ctx, issuanceStream(id))
	if err != nil {
		return fmt.Errorf("request the accounts of issuance %s: %w", id, err)
	}
	var batch issuance.Issuance
	var approval events.Recorded
	for _, r := range history {
		if _, is := r.Event.(facts.IssuanceApproved); is {
			approval = r
		}
		batch = batch.Evolve(r.Event)
	}
	if batch.Status != issuance.Approved {
		return nil
	}
	meta := reaction.Meta(approval, reactions.Actor, a.now())
	var requested int
	for members := range slices.Chunk(batch.Beneficiaries, requestWidth) {
		n, err := a.requestFor(ctx, batch, members, meta)
		if err != nil {
			return fmt.Errorf("request accounts of issuance %s: %w", id, err)
		}
		requested += n
	}
	done := issuance.Finish{Requested: requested, LeftOut: len(batch.Beneficiaries) - requested}
	if _, err := eventstore.Execute(ctx, a.log, issuanceStream(id), done, meta); err != nil {
		return fmt.Errorf("finish issuance %s: %w", id, err)
	}
	a.logger.Info("accounts requested", zap.String("issuance", id), zap.Int("requested", done.Requested), zap.Int("left_out", done.LeftOut))
	return nil
}

// requestFor asks for the accounts of some members and counts the requests, those of an earlier try included.
func (a *app) requestFor(ctx context.Context, batch issuance.Issuance, members []string, meta decider.Meta) (int, error) {
	able, err := a.holders(ctx, batch.Issuance, members)
	if err != nil {
		return 0, err
	}
	var requested atomic.Int64
	err = each(members, requestWidth, func(_ int, id string) error {
		cmd := beneficiary.Request{
			Issuance: batch.Issuance, Bank: batch.Bank, Replaces: batch.Replaces, MayHold: able[id], By: batch.DecidedBy,
		}
		out, err := eventstore.Execute(ctx, a.log, beneficiaryStream(id), cmd, meta)
		if p, refused := problem.Of(err); refused && (p.Kind == problem.Rejected || p.Kind == problem.NotFound) {
			return nil // left out
		}
		if len(out.Facts) > 0 {
			requested.Add(1)
		}
		return err
	})
	return int(requested.Load()), err
}

// holders tells which members may hold an account today. Those of whom that was known at registration are not read.
func (a *app) holders(ctx context.Context, id string, members []string) (map[string]bool, error) {
	states, err := a.states(ctx, members)
	if err != nil {
		return nil, err
	}
	able := make(map[string]bool, len(states))
	var doubtful []string
	for member, b := range states {
		able[member] = b.MayHold
		if !b.MayHold && b.Representative == "" {
			doubtful = append(doubtful, b.Person)
		}
	}
	if len(doubtful) == 0 {
		return able, nil
	}
	people, err := a.people(ctx, vault.Reading{Actor: reactions.Actor, Purpose: "account_request", Case: id}, doubtful...)
	if err != nil {
		return nil, err
	}
	today := vn.DateOf(a.now())
	for member, b := range states {
		able[member] = able[member] || people[b.Person].mayHold(today)
	}
	return able, nil
}
