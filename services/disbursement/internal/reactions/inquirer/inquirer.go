// Package inquirer notices silence: payments that a bank was told to make and says nothing about.
//
//  1. After the silence the payment is unknown, which makes the gateway ask the bank. Nothing is sent again.
//  2. It asks again after each further silence, some times; then it is for people.
//  3. What the read model says may be old: the payment itself decides, and only if nothing was heard since. So several
//     processes may look at the same time.
package inquirer

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

const (
	// looks is how often one looks within a silence, at least every soonest and at most every latest.
	looks    = 60
	soonest  = 100 * time.Millisecond
	latest   = 15 * time.Second
	pageSize = 500
)

// Deps are what an Inquirer stands on.
type Deps struct {
	Pool    *pgxpool.Pool
	Log     *eventstore.Store
	Now     func() time.Time
	Logger  *zap.Logger
	Silence time.Duration
}

// Inquirer is the runner.
type Inquirer struct{ deps Deps }

// New returns an inquirer.
func New(d Deps) *Inquirer { return &Inquirer{d} }

// Run looks for silence until ctx ends, and returns nil then.
func (i *Inquirer) Run(ctx context.Context) error {
	pause := min(max(i.deps.Silence/looks, soonest), latest)
	for ctx.Err() == nil {
		if asked, err := i.Once(ctx); err != nil && ctx.Err() == nil {
			i.deps.Logger.Error("looking for silent banks", telemetry.Err(err))
		} else if asked > 0 {
			i.deps.Logger.Warn("banks are silent about payments", zap.Int("payments", asked))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// Once asks about every payment that is silent now, and says how many there were.
func (i *Inquirer) Once(ctx context.Context) (asked int, err error) {
	look := projections.Silence{
		Since: i.deps.Now().Add(-i.deps.Silence), Inquiries: payment.MostInquiries, Limit: pageSize,
	}
	for {
		page, err := projections.SilentPayments(ctx, i.deps.Pool, look)
		if err != nil {
			return asked, err
		}
		for _, silent := range page {
			out, err := eventstore.Execute(ctx, i.deps.Log, payment.Stream(silent.Payment), payment.Inquire{Facts: silent.Facts}, i.meta(silent))
			if err != nil {
				return asked, fmt.Errorf("inquire about %s: %w", silent.Payment, err)
			}
			asked += min(len(out.Facts), 1)
			look.After = silent.Payment
		}
		if len(page) < pageSize {
			return asked, nil
		}
	}
}

func (i *Inquirer) meta(s projections.Silent) decider.Meta {
	cause := "silence/" + s.Payment + "/" + strconv.Itoa(s.Facts)
	return decider.Meta{At: i.deps.Now(), Actor: disbursement.Actor, Cause: cause, Correlation: cause}
}
