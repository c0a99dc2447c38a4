// Package contester notices that a bank named one booking for the credits of two payments (invariant I3), and stops payments
// of money that a bank says it credited by an earlier attempt, or by a payment that they rest on (invariants I9 and I11).
//
//  1. Which of them was paid nobody here knows, so both are contested: people see them, and neither is tried again.
//  2. The payments decide, and only once: several processes may look at the same time.
//  3. A payment whose earlier attempt is contested, or that takes over a contested one or is made in its place, through however many
//     lists, is withdrawn as long as nobody has it. What comes of it is for an officer, who is refused while anything of that is contested.
package contester

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

const (
	// lookEvery is how often one looks.
	lookEvery = time.Second
	// pageSize is the most that one look brings.
	pageSize = 100
)

// Deps are what a Contester stands on.
type Deps struct {
	Pool     *pgxpool.Pool
	Log      *eventstore.Store
	Payments *projection.Model
	Now      func() time.Time
	Logger   *zap.Logger
}

// Contester is the runner.
type Contester struct{ deps Deps }

// New returns a contester.
func New(d Deps) *Contester { return &Contester{d} }

// Run looks for double bookings until ctx ends, and returns nil then.
func (c *Contester) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := c.Once(ctx); err != nil && ctx.Err() == nil {
			c.deps.Logger.Error("looking for money that is out twice", telemetry.Err(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
	return nil
}

// Once looks at everything that there is now.
func (c *Contester) Once(ctx context.Context) error {
	return errors.Join(c.contestDoubles(ctx), c.stopTakers(ctx))
}

func (c *Contester) contestDoubles(ctx context.Context) error {
	doubles, err := projections.DoubleBookings(ctx, c.deps.Pool, pageSize)
	if err != nil || len(doubles) == 0 {
		return err
	}
	for _, d := range doubles {
		c.deps.Logger.Error("a bank named one booking for two credits", zap.String("payment", d.Payment), zap.String("other", d.Other))
		if err := c.contest(ctx, d.Payment, payment.Contest{Attempt: d.Attempt, BankReference: d.Reference, Other: d.Other}); err != nil {
			return err
		}
		if err := c.contest(ctx, d.Other, payment.Contest{Attempt: d.OtherAttempt, BankReference: d.Reference, Other: d.Payment}); err != nil {
			return err
		}
	}
	head, err := c.deps.Log.Head(ctx)
	if err != nil {
		return err
	}
	return c.deps.Payments.WaitFor(ctx, head)
}

func (c *Contester) contest(ctx context.Context, id string, cmd payment.Contest) error {
	cause := "booking/" + id + "/" + cmd.Other
	meta := decider.Meta{At: c.deps.Now(), Actor: disbursement.Actor, Cause: cause, Correlation: cause}
	if _, err := eventstore.Execute(ctx, c.deps.Log, payment.Stream(id), cmd, meta); err != nil {
		return fmt.Errorf("contest %s: %w", id, err)
	}
	return nil
}

// stopTakers withdraws what nobody has yet of money that somebody may have already. It looks instead of listening: a payment
// may be made just as the bank contradicts itself about another.
func (c *Contester) stopTakers(ctx context.Context) error {
	for after := ""; ; {
		takers, err := projections.TakersOfContested(ctx, c.deps.Pool, after, pageSize)
		if err != nil {
			return err
		}
		for _, t := range takers {
			cause := fmt.Sprint("origin/", t.Payment, "/", t.Facts) // it may be tried again and stopped again
			meta := decider.Meta{At: c.deps.Now(), Actor: disbursement.Actor, Cause: cause, Correlation: cause}
			stop := payment.Withdraw{Reason: disbursement.AlreadyPaid, By: disbursement.Actor}
			if _, err := eventstore.Execute(ctx, c.deps.Log, payment.Stream(t.Payment), stop, meta); err != nil {
				return fmt.Errorf("withdraw %s: %w", t.Payment, err)
			}
			after = t.Payment
		}
		if len(takers) < pageSize {
			return nil
		}
	}
}
