package rows

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Layout knows how rows of one struct are loaded from and written to their table.
type Layout struct {
	table   string
	columns []Column
	key     Column
	keyAt   int // among the columns
	load    string
	insert  string
	update  string
}

const columnTypes = `
select a.attname, format_type(a.atttypid, null)
from pg_attribute a
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped`

// NewLayout looks the columns' types up, writes the two statements, and tries them without a row, so that
// a struct that does not fit its table is found at the start and not at the first fact.
func NewLayout(ctx context.Context, tx pgx.Tx, table string, columns []Column) (*Layout, error) {
	rows, err := tx.Query(ctx, columnTypes, quote(table))
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", table, err)
	}
	types := map[string]string{}
	var name, typ string
	if _, err := pgx.ForEachRow(rows, []any{&name, &typ}, func() error { types[name] = typ; return nil }); err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", table, err)
	}
	l := &Layout{table: table, columns: make([]Column, len(columns))}
	for i, c := range columns {
		if c.pg = types[c.name]; c.pg == "" {
			return nil, fmt.Errorf("table %s has no column %s", table, c.name)
		}
		if c.key {
			l.key, l.keyAt = c, i
		}
		l.columns[i] = c
	}
	l.load = l.loadStatement()
	l.insert, l.update = l.writeStatements()
	if err := l.rehearse(ctx, tx); err != nil {
		return nil, fmt.Errorf("row of table %s: %w", table, err)
	}
	return l, nil
}

func (l *Layout) rehearse(ctx context.Context, tx pgx.Tx) error {
	if err := l.Load(ctx, tx, []string{}, func(string) (row reflect.Value, asked bool) { return row, false }); err != nil {
		return err
	}
	// A key that is not unique would let one batch write two rows of it, and no statement of ours would notice.
	unique := fmt.Sprintf("insert into %[1]s (%[2]s) select %[2]s from %[1]s where false on conflict (%[2]s) do nothing",
		quote(l.table), quote(l.key.name))
	if _, err := tx.Exec(ctx, unique); err != nil {
		return fmt.Errorf("key of %s: %w", l.table, err)
	}
	if err := l.Insert(ctx, tx, nil); err != nil {
		return err
	}
	return l.Update(ctx, tx, nil)
}

func (l *Layout) loadStatement() string {
	reads := make([]string, len(l.columns))
	for i, c := range l.columns {
		reads[i] = c.read()
	}
	return fmt.Sprintf("select %s from unnest($1::text[]) as k(key) join %s t on t.%s = k.key::%s",
		strings.Join(reads, ", "), quote(l.table), quote(l.key.name), l.key.pg)
}

// writeStatements insert rows, and replace rows. One statement for both, "on conflict do update", takes two to three times as
// long: it looks for each row once more, marks the new one as a guess, and locks the old one. The arrays are unfolded side by
// side in the select list, which spares the database a copy of each that unnest(a, b, ...) in the from clause would make.
func (l *Layout) writeStatements() (insert, update string) {
	var names, values, named, updates []string
	for i, c := range l.columns {
		name, value := quote(c.name), c.written("unnest($"+strconv.Itoa(i+1)+"::"+c.natural()+"[])")
		names, values, named = append(names, name), append(values, value), append(named, value+" as "+name)
		if !c.key {
			updates = append(updates, name+" = u."+name)
		}
	}
	insert = fmt.Sprintf("insert into %s (%s) select %s", quote(l.table), strings.Join(names, ", "), strings.Join(values, ", "))
	if len(updates) == 0 {
		return insert, ""
	}
	return insert, fmt.Sprintf("update %s t set %s from (select %s) as u where t.%s = u.%s",
		quote(l.table), strings.Join(updates, ", "), strings.Join(named, ", "), quote(l.key.name), quote(l.key.name))
}

// Load reads the rows of the given keys; place says where the row of a key is to be put, if it was asked for. A column that
// writes a key in another form, as uuid does with capitals, would give rows back under keys that nobody asked for.
func (l *Layout) Load(ctx context.Context, tx pgx.Tx, keys []string, place func(key string) (row reflect.Value, asked bool)) error {
	rows, err := tx.Query(ctx, l.load, keys)
	if err != nil {
		return fmt.Errorf("load rows: %w", err)
	}
	cells := make([]any, len(l.columns))
	for i, c := range l.columns {
		cells[i] = c.cell()
	}
	_, err = pgx.ForEachRow(rows, cells, func() error {
		row, asked := place(cells[l.keyAt].(*pgtype.Text).String)
		if !asked {
			return fmt.Errorf("column %s writes a key in another form than the facts do", l.key.name)
		}
		for i, c := range l.columns {
			if err := c.store(cells[i], row.Field(c.field)); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load rows: %w", err)
	}
	return nil
}

// Insert writes rows whose keys the table does not have.
func (l *Layout) Insert(ctx context.Context, tx pgx.Tx, rows []reflect.Value) error {
	if len(rows) >= leastCopied && l.copyable() {
		return l.copy(ctx, tx, rows)
	}
	parameters, err := l.parameters(rows)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, l.insert, parameters...); err != nil {
		return fmt.Errorf("insert rows: %w", err)
	}
	return nil
}

// Update writes rows whose keys the table has.
func (l *Layout) Update(ctx context.Context, tx pgx.Tx, rows []reflect.Value) error {
	if l.update == "" {
		return nil
	}
	parameters, err := l.parameters(rows)
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, l.update, parameters...)
	if err != nil {
		return fmt.Errorf("update rows: %w", err)
	}
	if int(tag.RowsAffected()) != len(rows) {
		return fmt.Errorf("update rows: %d of %d are there", tag.RowsAffected(), len(rows))
	}
	return nil
}

// Stamp sets columns of the rows of the given keys, as far as they are there, and returns the keys of those.
func (l *Layout) Stamp(ctx context.Context, tx pgx.Tx, sets string, keys []string) (stamped map[string]bool, err error) {
	table, key := quote(l.table), quote(l.key.name)
	given := fmt.Sprintf("(select unnest($1::text[])::%s as key) as k", l.key.pg)
	tag, err := tx.Exec(ctx, fmt.Sprintf("update %s t set %s from %s where t.%s = k.key", table, sets, given, key), keys)
	if err != nil {
		return nil, fmt.Errorf("stamp rows: %w", err)
	}
	stamped = make(map[string]bool, len(keys))
	if int(tag.RowsAffected()) == len(keys) { // as nearly always
		for _, key := range keys {
			stamped[key] = true
		}
		return stamped, nil
	}
	rows, err := tx.Query(ctx, fmt.Sprintf("select t.%[1]s::text from %[2]s t join %[3]s on t.%[1]s = k.key", key, table, given), keys)
	if err != nil {
		return nil, fmt.Errorf("find stamped rows: %w", err)
	}
	var found string
	if _, err := pgx.ForEachRow(rows, []any{&found}, func() error { stamped[found] = true; return nil }); err != nil {
		return nil, fmt.Errorf("find stamped rows: %w", err)
	}
	return stamped, nil
}

func (l *Layout) parameters(rows []reflect.Value) ([]any, error) {
	parameters := make([]any, len(l.columns))
	for i, c := range l.columns {
		parameter, err := c.parameter(rows)
		if err != nil {
			return nil, err
		}
		parameters[i] = parameter
	}
	return parameters, nil
}

// cell is a place to scan a column into; it is used for all rows of a query.
func (c Column) cell() any {
	switch c.kind {
	case intKind:
		return new(pgtype.Int8)
	case boolKind:
		return new(pgtype.Bool)
	case timeKind:
		return new(pgtype.Timestamptz)
	case bytesKind:
		return new([]byte)
	}
	return new(pgtype.Text)
}

// store puts what was scanned into the row's field. Null becomes the zero value.
func (c Column) store(cell any, field reflect.Value) error {
	switch v := cell.(type) {
	case *pgtype.Int8:
		field.SetInt(v.Int64)
	case *pgtype.Bool:
		field.SetBool(v.Bool)
	case *pgtype.Timestamptz:
		if v.Valid {
			field.Set(reflect.ValueOf(v.Time.UTC()))
		}
	case *[]byte:
		field.SetBytes(append([]byte(nil), *v...))
	case *pgtype.Text:
		return c.storeText(v, field)
	}
	return nil
}

func (c Column) storeText(text *pgtype.Text, field reflect.Value) error {
	if c.kind == textKind {
		field.SetString(text.String)
		return nil
	}
	if !text.Valid || (c.kind == listKind && text.String == "[]") {
		return nil
	}
	if err := json.Unmarshal([]byte(text.String), field.Addr().Interface()); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}

// Settle gives the times of a row the form in which they come back from the database: UTC and microseconds.
// Otherwise a fold over many facts would depend on where one batch ended and the next began.
func Settle(columns []Column, row reflect.Value) {
	for _, c := range columns {
		if c.kind != timeKind {
			continue
		}
		at := row.Field(c.field).Addr().Interface().(*time.Time)
		*at = at.UTC().Truncate(time.Microsecond)
	}
}

// SetKey writes the key into a row.
func SetKey(columns []Column, row reflect.Value, key string) {
	for _, c := range columns {
		if c.key {
			row.Field(c.field).SetString(key)
		}
	}
}

// Columns are those of the layout, as [Settle] and [SetKey] want them.
func (l *Layout) Columns() []Column { return l.columns }

// quote makes an identifier safe to stand in a statement.
func quote(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }
