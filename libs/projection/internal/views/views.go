// Package views makes and removes the views through which read models are queried, and the tables below them.
package views

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Savepoint runs work and takes everything back that it did.
func Savepoint(ctx context.Context, tx pgx.Tx, work func(pgx.Tx) error) error {
	inner, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	if err := work(inner); err != nil {
		return errors.Join(err, inner.Rollback(ctx))
	}
	return inner.Rollback(ctx)
}

// Of is the name under which queries know a table: "stays" for "stays_v1".
func Of(table string) string { return table[:strings.LastIndex(table, "_v")] }

// Drop removes the views of tables.
func Drop(ctx context.Context, tx pgx.Tx, tables []string) error {
	for _, table := range tables {
		if _, err := tx.Exec(ctx, "drop view if exists "+Quote(Of(table))); err != nil {
			return fmt.Errorf("drop view %s: %w", Of(table), err)
		}
	}
	return nil
}

// Create makes a view for each table.
func Create(ctx context.Context, tx pgx.Tx, tables []string) error {
	for _, table := range tables {
		if _, err := tx.Exec(ctx, "create view "+Quote(Of(table))+" as select * from "+Quote(table)); err != nil {
			return fmt.Errorf("create view %s: %w", Of(table), err)
		}
	}
	return nil
}

// DropTables removes tables.
func DropTables(ctx context.Context, tx pgx.Tx, tables []string) error {
	for _, table := range tables {
		if _, err := tx.Exec(ctx, "drop table if exists "+Quote(table)); err != nil {
			return fmt.Errorf("drop table %s: %w", table, err)
		}
	}
	return nil
}

// Quote makes an identifier safe to stand in a statement.
func Quote(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }
