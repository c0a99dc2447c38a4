// Package trail tells what the accommodation service keeps of one person, beside the rows that their document finds: the facts of
// their stays, and the remarks in them.
//
// A stay that was corrected was somebody else's before, or the same person's under a number that was typed wrongly; which of the
// two, nobody knows. So the row of before is not shown to whoever has the new number, and is found by its own.
package trail

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/accommodation/internal/facility"
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
	found := subject.Trail{Follow: []string{vault.NotePurpose}, Issuers: issuersIn(pool)}
	for _, notice := range notices {
		found.Streams = append(found.Streams, Stream(notice))
	}
	return found, nil
}

// issuersIn looks in the log of facilities for who gave out their keys. Facilities see their guests in full, so whoever has a key
// does.
func issuersIn(pool *pgxpool.Pool) func(ctx context.Context, actors []string) (map[string]string, error) {
	return func(ctx context.Context, actors []string) (map[string]string, error) {
		var keys, streams []string
		for _, actor := range actors {
			_, key, _ := strings.Cut(actor, ":")
			if id, ok := facility.OfKey(key); ok {
				keys, streams = append(keys, key), append(streams, facility.Stream(id))
			}
		}
		const issued = `
			select 'facility:' || (data->>'key'), coalesce(data->>'issued_by', '')
			  from events
			 where stream = any($1) and type = $2 and data->>'key' = any($3)`
		rows, err := pool.Query(ctx, issued, streams, facility.KeyIssued{}.EventName(), keys)
		if err != nil {
			return nil, fmt.Errorf("find who gave out facilities' keys: %w", err)
		}
		issuers := map[string]string{}
		var actor, by string
		if _, err := pgx.ForEachRow(rows, []any{&actor, &by}, func() error { issuers[actor] = by; return nil }); err != nil {
			return nil, fmt.Errorf("find who gave out facilities' keys: %w", err)
		}
		return issuers, nil
	}
}
