package witness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/songan-vn/songan/libs/pg"
)

// entry is a row of the log as the tree sees it. The column append is no part of it: it is a random number, by which a writer
// who lost the answer finds their facts again, and says nothing of what happened.
type entry struct {
	position   int64
	stream     string
	version    int
	name       string
	data, meta string // to the byte
	recordedAt time.Time
}

// text is what a leaf is the hash of. Texts are quoted, so that no two entries have one text.
func (e entry) text() []byte { return e.textWith(digest(e.meta)) }

// textWith is text for somebody who has only the digest of the meta.
func (e entry) textWith(meta string) []byte {
	lines := []string{
		"songan.event.v1", strconv.FormatInt(e.position, 10), strconv.Quote(e.stream), strconv.Itoa(e.version), strconv.Quote(e.name),
		e.recordedAt.UTC().Format(time.RFC3339Nano), digest(e.data), strconv.Quote(meta), "",
	}
	return []byte(strings.Join(lines, "\n"))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func (e entry) leaf() tlog.Hash { return tlog.RecordHash(e.text()) }

// page reads the rows after a position, in order; fewer than pageSize only at the end of the log.
func page(ctx context.Context, db pg.Querier, after int64) ([]entry, error) {
	const query = `select position, stream, version, type, data::text, meta::text, recorded_at
		from events where position > $1 order by position limit $2`
	rows, err := db.Query(ctx, query, after, pageSize)
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e entry, err error) {
		err = row.Scan(&e.position, &e.stream, &e.version, &e.name, &e.data, &e.meta, &e.recordedAt)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	return entries, nil
}
