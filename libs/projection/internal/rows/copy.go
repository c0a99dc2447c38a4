package rows

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// leastCopied is from how many rows on an insert is a COPY, which takes two thirds of the time for each.
const leastCopied = 64

// sampled is how many rows are written before room is made for all, which is at most so much.
const (
	sampled  = 16
	mostRoom = 16 << 20
)

// copyable tells whether the text of each value is what its column reads. A cast may say something else: from an instant to a
// text, for one.
func (l *Layout) copyable() bool {
	return !slices.ContainsFunc(l.columns, func(c Column) bool {
		narrow := c.kind == intKind && (c.pg == "integer" || c.pg == "smallint")
		return c.natural() != c.pg && c.natural() != "text" && !narrow
	})
}

// copy writes rows as [Layout.Insert] does. The text goes as it is, without pgx, which would first ask for the columns' types.
func (l *Layout) copy(ctx context.Context, tx pgx.Tx, rows []reflect.Value) error {
	names := make([]string, len(l.columns))
	for i, c := range l.columns {
		names[i] = quote(c.name)
	}
	var text []byte
	var err error
	for n, row := range rows {
		if n == sampled {
			text = slices.Grow(text, min(len(text)*len(rows)/sampled, mostRoom))
		}
		for i, c := range l.columns {
			if i > 0 {
				text = append(text, '\t')
			}
			if text, err = c.appendText(text, row.Field(c.field)); err != nil {
				return err
			}
		}
		text = append(text, '\n')
	}
	statement := "copy " + quote(l.table) + " (" + strings.Join(names, ", ") + ") from stdin"
	if _, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(text), statement); err != nil {
		return fmt.Errorf("copy rows: %w", err)
	}
	return nil
}

// appendText appends a value as COPY reads it. The same values stand for null as in a parameter.
func (c Column) appendText(b []byte, f reflect.Value) ([]byte, error) {
	if c.null && empty(f) {
		return append(b, `\N`...), nil
	}
	switch c.kind {
	case intKind:
		return strconv.AppendInt(b, f.Int(), 10), nil
	case boolKind:
		return strconv.AppendBool(b, f.Bool()), nil
	case timeKind:
		return f.Addr().Interface().(*time.Time).UTC().AppendFormat(b, "2006-01-02 15:04:05.999999Z07:00"), nil
	case bytesKind:
		return hex.AppendEncode(append(b, `\\x`...), f.Bytes()), nil
	case listKind:
		return appendEscaped(b, arrayLiteral(*f.Addr().Interface().(*[]string))), nil
	case jsonKind:
		document, err := json.Marshal(f.Addr().Interface())
		if err != nil {
			return b, fmt.Errorf("encode column %s: %w", c.name, err)
		}
		return appendEscaped(b, string(document)), nil
	}
	return appendEscaped(b, f.String()), nil
}

// appendEscaped appends a text without what means something to COPY.
func appendEscaped(b []byte, text string) []byte {
	from := 0
	for i := range len(text) {
		var escaped string
		switch text[i] {
		case '\\':
			escaped = `\\`
		case '\t':
			escaped = `\t`
		case '\n':
			escaped = `\n`
		case '\r':
			escaped = `\r`
		default:
			continue
		}
		b = append(append(b, text[from:i]...), escaped...)
		from = i + 1
	}
	return append(b, text[from:]...)
}
