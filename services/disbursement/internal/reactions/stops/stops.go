// Package stops puts the ends of rights and the beginnings of payments in an order.
//
//  1. A stop is recorded while [Gate.Stop] runs, payments are begun while [Gate.Pay] runs, and the two exclude each other in
//     all processes on one database. So whoever begins payments sees every stop that stands before them in the log.
//     Lists are closed inside as well, so no payment begins behind the closure of its list.
//  2. A process that dies lets go of the gate with its connection; when its machine is gone, the database ends that connection
//     within 15 seconds (package pg). A stop of which it no longer heard whether it was stored may then lie before a payment that
//     was begun without it: that payment is withdrawn like one that was stopped later.
//  3. Whoever lost the gate while working hears of it as an error, also if the work went well.
//  4. A process takes at most one connection for stops and one for payments, however many of each there are at once: who is
//     inside needs further ones. And nobody stays inside for ever, because the others wait for them.
package stops

import (
	"context"
	"errors"
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
	// stopping and paying let one stop and one payment of a process at a time take a connection.
	stopping, paying chan struct{}
}

// New returns the gate of a database.
func New(pool *pgxpool.Pool) *Gate {
	return &Gate{pool: pool, stopping: make(chan struct{}, 1), paying: make(chan struct{}, 1)}
}

// Stop runs what records a stop.
func (g *Gate) Stop(ctx context.Context, record func(context.Context) error) error {
	return inTurn(ctx, g.stopping, func() error { return g.through(ctx, "_shared", record) })
}

// Pay runs what looks for stops and then begins payments. It has [Longest] for that.
func (g *Gate) Pay(ctx context.Context, begin func(context.Context) error) error {
	return inTurn(ctx, g.paying, func() error { return g.through(ctx, "", begin) })
}

// inTurn works when nobody else of this process does.
func inTurn(ctx context.Context, turn chan struct{}, work func() error) error {
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait at the gate of stops: %w", ctx.Err())
	}
	defer func() { <-turn }()
	return work()
}

const (
	// Longest is how long anybody stays inside. It is enough for a read model to catch up and for a thousand payments.
	Longest = 30 * time.Second
	// parting is how long giving the gate back may take.
	parting = 2 * time.Second
)

func (g *Gate) through(ctx context.Context, mode string, work func(context.Context) error) (err error) {
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
		if _, lost := conn.Exec(ctx, `select pg_advisory_unlock`+mode+key); lost != nil {
			_ = conn.Conn().Close(ctx) // with the connection the lock goes
			err = errors.Join(err, fmt.Errorf("the gate of stops was lost while somebody was inside: %w", lost))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, Longest)
	defer cancel()
	return work(ctx)
}
