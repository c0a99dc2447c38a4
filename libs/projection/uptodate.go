package projection

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
)

// UpToDate returns once the served versions of read models, named without their versions, show the whole own log as it is
// now. It is for programs that work on a service's database beside it and have no [Model]. It waits until ctx ends, for
// nobody but the service moves its read models; a read model that there is not is an error.
func UpToDate(ctx context.Context, pool *pgxpool.Pool, bases ...string) error {
	var head int64
	if err := pool.QueryRow(ctx, `select coalesce(max(position), 0) from events`).Scan(&head); err != nil {
		return fmt.Errorf("read the log's head: %w", err)
	}
	const query = `
select coalesce(c.position, 0)
  from projection_versions v
  left join projection_checkpoints c on c.name = v.name and c.source = $2 and c.partition = 0
 where v.base = $1 and v.serving`
	for _, base := range bases {
		for {
			var position int64
			if err := pool.QueryRow(ctx, query, base, checkpoint.OwnLog).Scan(&position); err != nil {
				return fmt.Errorf("how far is the read model %s: %w", base, err)
			}
			if position >= head {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("the read model %s is behind the log; the service has to run: %w", base, context.Cause(ctx))
			case <-time.After(pollInterval):
			}
		}
	}
	return nil
}
