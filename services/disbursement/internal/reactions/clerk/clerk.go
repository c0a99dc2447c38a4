// Package clerk computes the lines of drafts, in the background.
//
//  1. One clerk works at a time, in whichever process holds the advisory lock, on one draft after the other: so a draft
//     sees the lines of all that were computed before, and nobody is listed twice. Whoever lost the lock stores nothing more,
//     and its draft is the first that the next clerk takes up.
//  2. A draft is computed in sheets of [sheetSize] people, in the order of their marks. A sheet is appended as a whole.
//     After a crash the work goes on after the last sheet that is in the log.
//  3. Three sheets are in memory at most: one is read, one computed, one stored. Nothing is asked for a single person.
//  4. What a list owes is what the law grants less what other lists pay for the same month (invariant I9). What was paid
//     too much becomes a finding, and is never netted. What another programme's list pays too much, because the law chooses
//     differently now, holds the line: only the highest right counts, and nobody is paid a month twice.
//  5. What was paid before this system is no arrears (see paid_until of an enrolment). What is owed from before the months
//     that a list looks at is no line, and a finding says how much it is.
//  6. Lines that need somebody's decision stand in the list and are held.
package clerk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

const (
	// idle is how long the clerk waits before it looks for drafts again, unless the read model has more.
	idle = time.Second
	// pause is how long a draft that could not be computed is left alone.
	pause = 10 * time.Second
)

// Deps are what a clerk works with.
type Deps struct {
	Pool  *pgxpool.Pool
	Log   *eventstore.Store
	Vault *vault.Vault
	Rules entitlement.Rules
	Units *units.Directory
	// LookBack is how many months before its own a list looks at, for arrears and overpaid months.
	LookBack int

	Enrolments, Payrolls, Lines, Payments *projection.Model

	Now    func() time.Time
	Logger *zap.Logger
}

// Clerk computes drafts.
type Clerk struct {
	Deps

	// failed are drafts that could not be computed, and until when they are left alone.
	failed map[string]time.Time
}

// New returns a clerk that does nothing yet.
func New(d Deps) *Clerk {
	return &Clerk{Deps: d, failed: map[string]time.Time{}}
}

// Run computes drafts until ctx ends. Whatever goes wrong is logged and tried again.
func (c *Clerk) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		written := c.Payrolls.Written()
		worked, err := c.turn(ctx)
		if err != nil && ctx.Err() == nil {
			c.Logger.Error("a draft could not be computed and will be tried again", telemetry.Err(err))
		}
		if !worked {
			c.wait(ctx, written)
		}
	}
	return nil
}

func (c *Clerk) wait(ctx context.Context, written <-chan struct{}) {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case <-written:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// turn computes the draft that waited longest. It is false when there is none, or another process is at work.
func (c *Clerk) turn(ctx context.Context) (worked bool, err error) {
	if _, found, err := projections.NextToCompute(ctx, c.Pool, c.skipped()); err != nil || !found {
		return false, err
	}
	err = c.alone(ctx, func(held func(context.Context) error) error {
		if err := c.catchUp(ctx); err != nil {
			return err
		}
		next, found, err := projections.NextToCompute(ctx, c.Pool, c.skipped())
		if err != nil || !found {
			return err
		}
		worked = true
		if err = c.compute(ctx, next, held); err != nil {
			if !errors.Is(err, errLost) && !errors.Is(err, eventstore.ErrConflict) { // else there were two of us: no other draft before this one
				c.failed[next.Payroll] = time.Now().Add(pause)
			}
			return fmt.Errorf("payroll %s, draft %d: %w", next.Payroll, next.Draft, err)
		}
		return nil
	})
	return worked, err
}

// skipped are the drafts that failed a moment ago, so that one does not stop all others.
func (c *Clerk) skipped() []string {
	skipped := []string{}
	for id, until := range c.failed {
		if time.Now().After(until) {
			delete(c.failed, id)
			continue
		}
		skipped = append(skipped, id)
	}
	return skipped
}

const (
	tryLock = `select pg_try_advisory_lock(hashtextextended(current_schema() || '/clerk', 0))`
	unlock  = `select pg_advisory_unlock(hashtextextended(current_schema() || '/clerk', 0))`
	// parting is how long giving the lock back may take.
	parting = 2 * time.Second
)

// errLost says that another clerk may be at work.
var errLost = errors.New("the clerk's lock was lost with its connection")

// alone runs work while this process holds the lock, and not at all while another one does. Work asks held before it stores
// anything: the lock goes with its connection, and nobody else notices.
func (c *Clerk) alone(ctx context.Context, work func(held func(context.Context) error) error) (err error) {
	conn, err := c.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("take a connection for the lock: %w", err)
	}
	defer conn.Release()
	var locked bool
	if err := conn.QueryRow(ctx, tryLock).Scan(&locked); err != nil || !locked {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
		defer cancel()
		if _, unlockErr := conn.Exec(ctx, unlock); unlockErr != nil {
			_ = conn.Conn().Close(ctx) // with the connection the lock goes
			err = errors.Join(err, errLost, unlockErr)
		}
	}()
	return work(func(ctx context.Context) error {
		if err := conn.Ping(ctx); err != nil {
			return errors.Join(errLost, err)
		}
		return nil
	})
}

// catchUp waits until the read models show everything that is in the log: a line that is not seen would be paid twice, and so would a
// payment that looks given back because the bank's word about it was not read yet.
func (c *Clerk) catchUp(ctx context.Context) error {
	head, err := c.Log.Head(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.Enrolments.WaitFor(ctx, head), c.Payrolls.WaitFor(ctx, head), c.Lines.WaitFor(ctx, head), c.Payments.WaitFor(ctx, head))
}
