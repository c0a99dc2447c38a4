package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

// behind counts the facts of the accommodation service that its read models, or its relay, have yet to see.
const behind = `
select (select max(position) from events) - least(
       (select min(position) from projection_checkpoints where source = 'log' and name not like '%/%'),
       (select min(position) from relay_positions))`

// catchUp waits until read models and relay have seen everything that was accepted, and says how far behind they were
// and how long it took. What the identity service has yet to check is bounded by the population database's rate, and
// is not waited for.
func (l *system) catchUp(ctx context.Context, after string) (lab.Figure, error) {
	conn, err := pgx.Connect(ctx, l.Database("accommodation"))
	if err != nil {
		return lab.Figure{}, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is lost with it
	began, first := time.Now(), int64(-1)
	err = lab.Poll(ctx, func() error {
		var lag int64
		if err := conn.QueryRow(ctx, behind).Scan(&lag); err != nil {
			return fmt.Errorf("look how far behind: %w", err)
		}
		if first < 0 {
			first = lag
		}
		if lag > 1_000 { // checks go on: something always is on its way
			return fmt.Errorf("%d facts behind", lag)
		}
		return nil
	})
	return lab.Figure{
		Measure: "read models and relay after " + after,
		Value:   fmt.Sprintf("%d facts behind, caught up after %.1f s", first, time.Since(began).Seconds()),
	}, err
}
