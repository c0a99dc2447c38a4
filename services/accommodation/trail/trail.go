// Package trail tells what the accommodation service keeps of one person, beside the rows that their document finds: the facts of
// their stays, and the remarks in them.
//
// A stay that was corrected was somebody else's before, or the same person's under a number that was typed wrongly; which of the
// two, nobody knows. So the row of before is not shown to whoever has the new number, and is found by its own.
package trail

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
)

// Stream is the name of the stream of a stay.
func Stream(notice string) string { return "notice-" + notice }

// Of leads from the rows of a guest to their stays, by everything that stands in the log.
func Of(ctx context.Context, pool *pgxpool.Pool, guests []vault.Ref) (subject.Trail, error) {
	if err := projection.UpToDate(ctx, pool, "stays"); err != nil {
		return subject.Trail{}, fmt.Errorf("find the stays of a guest: %w", err)
	}
	rows, err := pool.Query(ctx, `select notice from stays where guest = any($1) order by notice`, guests)
	if err != nil {
		return subject.Trail{}, fmt.Errorf("find the stays of a guest: %w", err)
	}
	notices, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return subject.Trail{}, fmt.Errorf("find the stays of a guest: %w", err)
	}
	found := subject.Trail{Follow: []string{vault.NotePurpose}}
	for _, notice := range notices {
		found.Streams = append(found.Streams, Stream(notice))
	}
	return found, nil
}
