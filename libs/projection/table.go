package projection

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/projection/internal/rows"
)

// Table is the usual read model: one row per key, folded from facts by a pure function that is tested without
// a database. R is a struct whose fields name their columns:
//
//	type Stay struct {
//		ID       string    `db:"id,key"`         // the primary key, of any type that has a text form
//		Arrived  time.Time `db:"arrived_at"`     // kept in UTC, with microseconds
//		Departed time.Time `db:"departed_at,null"` // the zero value is null
//		Warnings []string  `db:"warnings"`       // text[]
//		Duties   []Duty    `db:"duties,json"`    // jsonb
//	}
//
// Strings, integers, bools, times, []byte and []string have columns of their own; a string also fits a column
// of another type, such as date.
type Table[R any] struct {
	// Name is the versioned name of both the projection and the table.
	Name string
	// DDL creates the table and its indexes, and may be run again. A table whose rows change often is cheaper to
	// write "with (fillfactor = 80)".
	DDL string
	// Key says which row a fact concerns; false when none.
	Key func(events.Recorded) (key string, ok bool)
	// Apply returns the row after a fact. It is given the zero value with its key when there was no row yet.
	Apply func(R, events.Recorded) R
	// Stamp may be left out.
	Stamp Stamp
}

// Stamp is a short way for facts that, whatever was in their row, set columns of it to fixed values. A row to which a batch does
// nothing else is written by one statement, without being read. Where the row is not there yet, or other facts come along, Apply
// is called as for any other fact; it has to come to the same.
type Stamp struct {
	// By tells whether a fact is one of them.
	By func(events.Recorded) bool
	// Sets are the columns, as SQL: "done = true, note = ''".
	Sets string
}

// Projection is the table as something that a [Runner] can keep up to date.
func (t Table[R]) Projection() *Projection {
	f := &folder[R]{table: t}
	return &Projection{name: t.Name, ddl: t.DDL, apply: f.apply, prepare: f.prepare, keyed: true}
}

// Fold computes the rows that a history comes to, by key and without a database: for tests of Key and Apply. It
// panics when R is no row, which is a mistake that every call would meet.
func (t Table[R]) Fold(history ...events.Recorded) map[string]R {
	columns, err := rows.ColumnsOf(reflect.TypeFor[R]())
	if err != nil {
		panic(fmt.Sprintf("projection: fold %s: %v", t.Name, err)) //nolint:forbidigo // Add would have refused the table
	}
	folded := map[string]R{}
	for _, fact := range history {
		key, ok := t.Key(fact)
		if !ok {
			continue
		}
		row := folded[key]
		value := reflect.ValueOf(&row).Elem()
		rows.SetKey(columns, value, key)
		row = t.Apply(row, fact)
		rows.Settle(columns, value)
		folded[key] = row
	}
	return folded
}

// folder applies batches to a table.
type folder[R any] struct {
	table Table[R]
	// layout is replaced when a rebuild has created the table anew.
	layout atomic.Pointer[rows.Layout]
}

func (f *folder[R]) prepare(ctx context.Context, tx pgx.Tx) error {
	if f.table.Key == nil || f.table.Apply == nil {
		return errors.New("a table needs Key and Apply")
	}
	columns, err := rows.ColumnsOf(reflect.TypeFor[R]())
	if err != nil {
		return fmt.Errorf("columns of %s: %w", f.table.Name, err)
	}
	l, err := rows.NewLayout(ctx, tx, f.table.Name, columns)
	if err != nil {
		return err
	}
	f.layout.Store(l)
	if f.table.Stamp.By == nil {
		return nil
	}
	_, err = l.Stamp(ctx, tx, f.table.Stamp.Sets, []string{})
	return err
}

func (f *folder[R]) apply(ctx context.Context, tx pgx.Tx, batch []events.Recorded) error {
	left, err := f.stamp(ctx, tx, batch)
	if err == nil {
		err = f.fold(ctx, tx, left)
	}
	if err != nil {
		return fmt.Errorf("table %s: %w", f.table.Name, err)
	}
	return nil
}

// stamp writes the rows that are there and to which a batch does nothing else, and returns the facts that are left.
func (f *folder[R]) stamp(ctx context.Context, tx pgx.Tx, batch []events.Recorded) (left []events.Recorded, err error) {
	by := f.table.Stamp.By
	if by == nil || !slices.ContainsFunc(batch, by) {
		return batch, nil
	}
	keys, order := f.keys(batch)
	folded := map[string]bool{}
	for i, fact := range batch {
		if keys[i] != nil && !by(fact) {
			folded[*keys[i]] = true
		}
	}
	order = slices.DeleteFunc(order, func(key string) bool { return folded[key] })
	if len(order) == 0 {
		return batch, nil
	}
	stamped, err := f.layout.Load().Stamp(ctx, tx, f.table.Stamp.Sets, order)
	if err != nil {
		return nil, err
	}
	for i, fact := range batch {
		if keys[i] != nil && !stamped[*keys[i]] {
			left = append(left, fact)
		}
	}
	return left, nil
}

// fold loads the rows of a batch with one statement, folds in memory, and writes them with another two: those that are new and
// those that are not. Nobody else writes meanwhile, because the checkpoint was moved before.
func (f *folder[R]) fold(ctx context.Context, tx pgx.Tx, batch []events.Recorded) error {
	l := f.layout.Load()
	keys, order := f.keys(batch)
	if len(order) == 0 {
		return nil
	}
	folded := make([]R, len(order))
	values := make([]reflect.Value, len(order))
	index := make(map[string]int, len(order))
	for i, key := range order {
		index[key] = i
		values[i] = reflect.ValueOf(&folded[i]).Elem()
		rows.SetKey(l.Columns(), values[i], key)
	}
	known := make([]bool, len(order))
	place := func(key string) (row reflect.Value, asked bool) {
		at, asked := index[key]
		if !asked {
			return row, false
		}
		known[at] = true
		return values[at], true
	}
	if err := l.Load(ctx, tx, order, place); err != nil {
		return err
	}
	for i, fact := range batch {
		if keys[i] == nil {
			continue
		}
		at := index[*keys[i]]
		folded[at] = f.table.Apply(folded[at], fact)
		rows.Settle(l.Columns(), values[at])
	}
	return write(ctx, tx, l, values, known)
}

// write writes rows, of which some are in the table.
func write(ctx context.Context, tx pgx.Tx, l *rows.Layout, values []reflect.Value, known []bool) error {
	var fresh, old []reflect.Value
	for i, row := range values {
		if known[i] {
			old = append(old, row)
		} else {
			fresh = append(fresh, row)
		}
	}
	if len(fresh) > 0 {
		if err := l.Insert(ctx, tx, fresh); err != nil {
			return err
		}
	}
	if len(old) == 0 {
		return nil
	}
	return l.Update(ctx, tx, old)
}

// keys answers with the key of each fact, nil when it concerns no row, and the distinct keys in order.
func (f *folder[R]) keys(batch []events.Recorded) (keys []*string, order []string) {
	keys = make([]*string, len(batch))
	seen := make(map[string]bool, len(batch))
	for i, fact := range batch {
		key, ok := f.table.Key(fact)
		if !ok {
			continue
		}
		keys[i] = &key
		if !seen[key] {
			seen[key] = true
			order = append(order, key)
		}
	}
	return keys, order
}
