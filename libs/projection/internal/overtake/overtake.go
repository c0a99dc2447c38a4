// Package overtake lets a read model that is computed anew take the place of the one that is served.
package overtake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
)

// patience is how long a transaction may take to be given up.
const patience = time.Second

const (
	// overtakeLag is how near a new read model has to be before the old one is held up for the switch.
	overtakeLag = 2_000
	// A switch that is stuck must not hold up the old read model, and one that waits for a long query must not
	// hold up all queries behind it: it gives up and is tried again. An autovacuum in the way is sent off by the
	// server, but only after deadlock_timeout, one second.
	pinned = `
set local idle_in_transaction_session_timeout = '10s';
set local lock_timeout = '2s'`
)

// Overtaking is the attempt of a read model to take the place of another one, its rival, without any reader
// seeing less than before. When it is near, it holds the checkpoint of its rival, who cannot write from then on;
// as soon as it has come as far itself, it takes over in the transaction that holds the checkpoint.
type Overtaking struct {
	Pool *pgxpool.Pool
	Log  *zap.Logger
	// Sources are those that both read; others do not count.
	Sources map[string]bool
	// Unshared is the end of those sources of mine which the rival does not follow.
	Unshared func(ctx context.Context, rival checkpoint.Progress) (checkpoint.Progress, error)
	// Near is called once, before the rival is held up, for what takes its time; may be nil.
	Near func(context.Context) error

	pin    pgx.Tx
	target checkpoint.Progress
	// unshared has to be read before the switch. It is looked up once: a busy topic is never read to its end of this moment.
	unshared checkpoint.Progress
}

// Step is called whenever mine has moved. take is given the transaction when the time has come.
func (o *Overtaking) Step(ctx context.Context, rival string, mine checkpoint.Progress, take func(pgx.Tx) error) (done bool, err error) {
	if o.pin == nil {
		near, err := o.approach(ctx, rival, mine)
		if err != nil || !near {
			return false, err
		}
		if err := o.hold(ctx, rival); err != nil {
			return false, err
		}
	}
	if mine.Behind(o.target) > 0 {
		return false, nil
	}
	if err = take(o.pin); err == nil {
		err = o.pin.Commit(ctx)
	}
	if err != nil {
		err = fmt.Errorf("take over from %s: %w", rival, err)
	}
	o.Release(ctx)
	if held(err) {
		o.Log.Info("a switch gave up because it was held up; it will be tried again", zap.Error(err))
		return false, nil
	}
	return err == nil, err
}

// approach tells whether mine is near. What takes its time is done first, and then it looks again.
func (o *Overtaking) approach(ctx context.Context, rival string, mine checkpoint.Progress) (near bool, err error) {
	for {
		at, err := checkpoint.Load(ctx, o.Pool, rival)
		if err != nil || mine.Behind(at.Only(o.Sources)) > overtakeLag {
			return false, err
		}
		if o.unshared == nil {
			if o.unshared, err = o.Unshared(ctx, at); err != nil {
				return false, err
			}
		}
		if mine.Short(o.unshared) > 0 {
			return false, nil
		}
		if o.Near == nil {
			return true, nil
		}
		if err := o.Near(ctx); err != nil {
			return false, err
		}
		o.Near = nil
	}
}

func (o *Overtaking) hold(ctx context.Context, rival string) (err error) {
	if o.pin, err = o.Pool.Begin(ctx); err != nil {
		return fmt.Errorf("begin to overtake: %w", err)
	}
	if _, err = o.pin.Exec(ctx, pinned); err == nil {
		o.target, err = checkpoint.Hold(ctx, o.pin, rival)
		o.target = o.target.Only(o.Sources)
	}
	if err != nil {
		o.Release(ctx)
		return fmt.Errorf("hold %s: %w", rival, err)
	}
	return nil
}

// Release lets the rival go on.
func (o *Overtaking) Release(ctx context.Context) {
	if o.pin != nil {
		Rollback(ctx, o.pin)
		o.pin = nil
	}
}

// held tells whether an error only says that somebody else was in the way for too long.
func held(err error) bool {
	state, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch state.Code {
	case "55P03", "25P03", "40P01": // lock_not_available, idle_in_transaction_session_timeout, deadlock_detected
		return true
	}
	return false
}

// Rollback gives a transaction up that was not committed, also when ctx has ended.
func Rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = tx.Rollback(ctx) // of no consequence: a closed transaction says so, a broken connection is discarded
}
