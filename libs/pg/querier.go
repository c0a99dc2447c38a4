package pg

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Querier reads: a pool, a connection, or a transaction. It is for what has to see one moment when it is asked within a
// transaction, and does not need one.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}
