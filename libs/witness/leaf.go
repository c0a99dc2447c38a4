package witness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
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
	data, meta []byte // to the byte
	recordedAt time.Time
}

const selectEntries = `select position, stream, version, type, data::text, meta::text, recorded_at from events `

// scan reads a row of selectEntries. Data and meta lie in memory of the connection, which is good until its next row.
func (e *entry) scan(row pgx.CollectableRow) error {
	data, meta := (*pgtype.DriverBytes)(&e.data), (*pgtype.DriverBytes)(&e.meta)
	return row.Scan(&e.position, &e.stream, &e.version, &e.name, data, meta, &e.recordedAt) //nolint:wrapcheck // the caller's
}

// appendText appends what a leaf is the hash of, for somebody who may have only the digest of the meta. Texts are quoted, so
// that no two entries have one text.
func (e *entry) appendText(b []byte, meta string) []byte {
	b = append(b, "songan.event.v1\n"...)
	b = append(strconv.AppendInt(b, e.position, 10), '\n')
	b = append(appendQuoted(b, e.stream), '\n')
	b = append(strconv.AppendInt(b, int64(e.version), 10), '\n')
	b = append(appendQuoted(b, e.name), '\n')
	b = append(e.recordedAt.UTC().AppendFormat(b, time.RFC3339Nano), '\n')
	b = append(b, digest(e.data)+"\n"...)
	return append(appendQuoted(b, meta), '\n')
}

// appendQuoted is [strconv.AppendQuote], which takes its time also over texts that have nothing to quote.
func appendQuoted(b []byte, text string) []byte {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return strconv.AppendQuote(b, text)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// facts reads up to limit rows after a position, in order; fewer only at the end of the log.
func facts(ctx context.Context, db pg.Querier, after int64, limit int) ([]row, error) {
	found, err := db.Query(ctx, selectEntries+`where position > $1 order by position limit $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	var text []byte
	rows, err := pgx.CollectRows(found, func(found pgx.CollectableRow) (r row, err error) {
		var e entry
		if err := e.scan(found); err != nil {
			return r, err
		}
		text = e.appendText(text[:0], digest(e.meta))
		return row{e.position, tlog.RecordHash(text), e.recordedAt}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	return rows, nil
}
