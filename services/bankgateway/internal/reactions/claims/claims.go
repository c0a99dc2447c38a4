// Package claims decides, for each instruction, whether it is sent or withdrawn. Kafka cannot be asked to take a message
// only if the database has not changed its mind, so the decision is made before the message goes out, and for ever.
//
//  1. The first claim counts, in whichever process. Who claims again in the same sense, after a crash, has the claim still.
//  2. A claim says what is going to happen; that it has happened is a fact of the instruction's stream. A claim for being sent
//     of which nothing came may have reached the bank all the same, so it never becomes a withdrawal.
package claims

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/pg"
)

// Migrate makes the table.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	const ddl = `
create table if not exists instruction_claims (
  end_to_end_id text    primary key,
  withdrawn     boolean not null
)`
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		const alone = `select pg_advisory_xact_lock(hashtextextended('songan/claims/' || current_schema(), 0))`
		if _, err := tx.Exec(ctx, alone); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, ddl)
		return err
	})
	if err != nil {
		return fmt.Errorf("make the table of claims: %w", err)
	}
	return nil
}

// Send claims instructions for being sent, and returns those that are withdrawn. Nearly always nobody was there before, and an
// insert that does not expect anybody takes half the time of one that does.
func Send(ctx context.Context, pool *pgxpool.Pool, ids []string) (withdrawn []string, err error) {
	ids = slices.Sorted(slices.Values(ids)) // two who claim the same ones wait for each other, but never both
	const claim = `insert into instruction_claims (end_to_end_id, withdrawn) select unnest($1::text[]), false`
	_, err = pool.Exec(ctx, claim, ids)
	switch {
	case pg.IsDuplicate(err):
		return sendRest(ctx, pool, ids)
	case err != nil:
		return nil, fmt.Errorf("claim %d instructions: %w", len(ids), err)
	}
	return nil, nil
}

// sendRest claims what nobody has claimed yet, and returns those that are withdrawn.
func sendRest(ctx context.Context, pool *pgxpool.Pool, ids []string) (withdrawn []string, err error) {
	const claim = `
insert into instruction_claims (end_to_end_id, withdrawn)
select unnest($1::text[]), false
    on conflict do nothing`
	if _, err := pool.Exec(ctx, claim, ids); err != nil {
		return nil, fmt.Errorf("claim the rest of %d instructions: %w", len(ids), err)
	}
	// A second statement, which sees what whoever was first has committed meanwhile.
	rows, err := pool.Query(ctx, `select end_to_end_id from instruction_claims where end_to_end_id = any($1) and withdrawn`, ids)
	if err != nil {
		return nil, fmt.Errorf("look for withdrawn instructions: %w", err)
	}
	withdrawn, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return withdrawn, wrap("look for withdrawn instructions", err)
}

// Withdraw claims an instruction for being withdrawn; false when it is being sent.
func Withdraw(ctx context.Context, pool *pgxpool.Pool, id string) (ours bool, err error) {
	const claim = `insert into instruction_claims (end_to_end_id, withdrawn) values ($1, true) on conflict do nothing`
	if _, err := pool.Exec(ctx, claim, id); err != nil {
		return false, fmt.Errorf("claim the withdrawal of %s: %w", id, err)
	}
	err = pool.QueryRow(ctx, `select withdrawn from instruction_claims where end_to_end_id = $1`, id).Scan(&ours)
	return ours, wrap("read the claim of "+id, err)
}

func wrap(tried string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", tried, err)
}
