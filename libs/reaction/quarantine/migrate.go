package quarantine

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/pg"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate creates the table.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("open reaction migrations: %w", err)
	}
	if err := pg.Migrate(ctx, pool, "reaction", files); err != nil {
		return fmt.Errorf("migrate reactions: %w", err)
	}
	return nil
}
