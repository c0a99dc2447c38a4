// Package rows carries structs to the rows of a table and back, many at a time.
//
//  1. The struct's tags name the columns; what the database knows about their types decides how they travel.
//  2. Many rows are loaded by one statement and written by another: as arrays, column by column, or as a COPY when there are
//     very many.
//  3. A struct that does not fit its table is found when its [Layout] is made.
package rows

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// kind says how a field travels to and from its column.
type kind uint8

const (
	textKind  kind = iota // string
	intKind               // int64, int, int32
	boolKind              // bool
	timeKind              // time.Time
	bytesKind             // []byte
	listKind              // []string to text[]
	jsonKind              // anything, marked ",json", to jsonb
)

// Column is one field of a row.
type Column struct {
	name  string
	field int
	kind  kind
	key   bool
	null  bool // the zero value stands for null
	typ   reflect.Type
	// pg is the column's type as the database knows it; see [Layout].
	pg string
}

// ColumnsOf reads the tags of a row: `db:"name"`, with ",key", ",null" and ",json" behind it.
func ColumnsOf(row reflect.Type) ([]Column, error) {
	if row.Kind() != reflect.Struct {
		return nil, fmt.Errorf("a row is a struct, not %s", row)
	}
	var columns []Column
	keys := 0
	for i := range row.NumField() {
		c, ok, err := columnOf(row.Field(i), i)
		if err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", row.Field(i).Name, row, err)
		}
		if !ok {
			continue
		}
		if c.key {
			keys++
		}
		columns = append(columns, c)
	}
	if keys != 1 {
		return nil, fmt.Errorf("%s has %d key columns, one is needed", row, keys)
	}
	return columns, nil
}

func columnOf(f reflect.StructField, index int) (c Column, ok bool, err error) {
	tag, ok := f.Tag.Lookup("db")
	if !ok || tag == "-" {
		return Column{}, false, nil
	}
	name, options, _ := strings.Cut(tag, ",")
	c = Column{name: name, field: index, typ: f.Type}
	asJSON := false
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "key":
			c.key = true
		case "null":
			c.null = true
		case "json":
			asJSON = true
		default:
			return Column{}, false, fmt.Errorf("option %q is not key, null or json", option)
		}
	}
	if name == "" || !f.IsExported() {
		return Column{}, false, fmt.Errorf("a column needs a name and an exported field")
	}
	if c.kind, err = kindOf(f.Type, asJSON); err != nil {
		return Column{}, false, err
	}
	if c.key && (c.kind != textKind || c.null) {
		return Column{}, false, fmt.Errorf("a key is a string and never null")
	}
	return c, true, nil
}

func kindOf(t reflect.Type, asJSON bool) (kind, error) {
	switch {
	case asJSON:
		return jsonKind, nil
	case t == reflect.TypeFor[time.Time]():
		return timeKind, nil
	case t == reflect.TypeFor[[]byte]():
		return bytesKind, nil
	case t == reflect.TypeFor[[]string]():
		return listKind, nil
	case t.Kind() == reflect.String:
		return textKind, nil
	case t.Kind() == reflect.Int64, t.Kind() == reflect.Int, t.Kind() == reflect.Int32:
		return intKind, nil
	case t.Kind() == reflect.Bool:
		return boolKind, nil
	}
	return 0, fmt.Errorf("type %s has no column type; mark it with json", t)
}

// natural is the type of the parameter's elements, and of what is read back. A column of another type, such as
// date or uuid for a string, is cast from it and to it by the database.
func (c Column) natural() string {
	switch c.kind {
	case intKind:
		return "bigint"
	case boolKind:
		return "boolean"
	case timeKind:
		return "timestamp with time zone"
	case bytesKind:
		return "bytea"
	}
	// Lists and documents go as text: unnest would flatten an array of arrays.
	return "text"
}

// written turns an element of the parameter into the column's value.
func (c Column) written(element string) string {
	if c.natural() == c.pg {
		return element
	}
	return element + "::" + c.pg
}

// read is the expression that selects the column as something that scan understands.
func (c Column) read() string {
	name := "t." + quote(c.name)
	switch {
	case c.kind == listKind:
		return "array_to_json(" + name + ")::text"
	case c.natural() == c.pg:
		return name
	}
	return name + "::" + c.natural()
}

// parameter collects the column of all rows into one array.
func (c Column) parameter(rows []reflect.Value) (any, error) {
	switch c.kind {
	case intKind:
		return gather(c, rows, reflect.Value.Int), nil
	case boolKind:
		return gather(c, rows, reflect.Value.Bool), nil
	case timeKind:
		return gather(c, rows, func(f reflect.Value) time.Time { return *f.Addr().Interface().(*time.Time) }), nil
	case bytesKind:
		return gather(c, rows, func(f reflect.Value) []byte { return nonNil(f.Bytes()) }), nil
	case listKind:
		return gather(c, rows, func(f reflect.Value) string { return arrayLiteral(*f.Addr().Interface().(*[]string)) }), nil
	case jsonKind:
		return c.documents(rows)
	}
	return gather(c, rows, reflect.Value.String), nil
}

// gather has pointers only where there may be a null, which is nil: pgx takes twice as long for them.
func gather[T any](c Column, rows []reflect.Value, value func(reflect.Value) T) any {
	if !c.null {
		values := make(pgtype.FlatArray[T], len(rows))
		for i, row := range rows {
			values[i] = value(row.Field(c.field))
		}
		return values
	}
	values := make(pgtype.FlatArray[*T], len(rows))
	for i, row := range rows {
		if f := row.Field(c.field); !empty(f) {
			v := value(f)
			values[i] = &v
		}
	}
	return values
}

func (c Column) documents(rows []reflect.Value) (any, error) {
	values := make(pgtype.FlatArray[*string], len(rows))
	for i, row := range rows {
		f := row.Field(c.field)
		if c.null && empty(f) {
			continue
		}
		document, err := json.Marshal(f.Addr().Interface())
		if err != nil {
			return nil, fmt.Errorf("encode column %s: %w", c.name, err)
		}
		text := string(document)
		values[i] = &text
	}
	return values, nil
}

// empty tells whether a field stands for null.
func empty(f reflect.Value) bool {
	if f.Kind() == reflect.Slice || f.Kind() == reflect.Map {
		return f.Len() == 0
	}
	return f.IsZero()
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// arrayLiteral writes a list the way PostgreSQL reads it.
func arrayLiteral(list []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		for _, r := range s {
			if r == '"' || r == '\\' {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}
