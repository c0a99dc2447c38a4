// Package stops puts the ends of rights and the beginnings of payments in an order.
//
//  1. A stop is recorded while [Gate.Stop] runs, payments are begun while [Gate.Pay] runs, and the two exclude each other in
//     all processes on one database. So whoever begins payments sees every stop that stands before them in the log.
//  2. A process that dies lets go of the gate with its connection. A stop of which it no longer heard whether it was stored
//     may then lie before a payment that was begun without it: that payment is withdrawn like one that was stopped later.
package stops

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
)

// Facts lists those that end a right, for good or for a time.
func Facts() []events.Event {
	return []events.Event{disbursement.EnrolmentStopped{}, disbursement.EnrolmentSuspended{}}
}

// Names are those of [Facts].
func Names() []string {
	facts := Facts()
	names := make([]string, len(facts))
	for i, f := range facts {
		names[i] = f.EventName()
	}
	return names
}

// Gate lets stops or payments through. A process has one.
type Gate struct {
	pool *pgxpool.Pool
	// stopping lets one stop of a process at a time take a connection, so that many at once do not take them all.
	stopping chan struct{}
}

// New returns the gate of a database.
func New(pool *pgxpool.Pool) *Gate { return &Gate{pool: pool, stopping: make(chan struct{}, 1)} }

// Stop runs what records a stop.
func (g *Gate) Stop(ctx context.Context, record func(context.Context) error) error {
	select {
	case g.stopping <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait at the gate of stops: %w", ctx.Err())
	}
	defer func() { <-g.stopping }()
	return g.through(ctx, "_shared", record)
}

// Pay runs what looks for stops and then begins payments.
func (g *Gate) Pay(ctx context.Context, begin func(context.Context) error) error {
	return g.through(ctx, "", begin)
}

// parting is how long giving the gate back may take.
const parting = 2 * time.Second

func (g *Gate) through(ctx context.Context, mode string, work func(context.Context) error) error {
	conn, err := g.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect for the gate of stops: %w", err)
	}
	defer conn.Release()
	const key = `(hashtextextended(current_schema() || '/stops', 0))`
	if _, err := conn.Exec(ctx, `select pg_advisory_lock`+mode+key); err != nil {
		return fmt.Errorf("wait at the gate of stops: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
		defer cancel()
		if _, err := conn.Exec(ctx, `select pg_advisory_unlock`+mode+key); err != nil {
			_ = conn.Conn().Close(ctx) // with the connection the lock goes
		}
	}()
	return work(ctx)
}
