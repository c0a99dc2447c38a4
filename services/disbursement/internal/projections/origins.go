package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A payment that is carried forward month after month is a chain: each takes over the one before. If a bank credits any of them
// after all, the person has the money. chainOf, the id of a payment, and isContested ask whether a bank contradicts itself
// about it or about any that it goes back to.
const (
	chainOf = `exists (
     with recursive chain as (
       select o.payment, o.origin, o.contested from payments o where o.payment = `
	isContested = `
       union
       select o.payment, o.origin, o.contested from chain c join payments o on o.payment = c.origin where c.origin <> ''
     )
     select from chain where contested <> '{}')`
)

// What a line rests on: the payment it takes over, or those in whose place it pays the month anew; and what these rested on in turn. Each
// must have reached nobody. restOn, an array of payments, and isDoubted ask whether a bank contradicts itself about any of them.
const (
	restOn = `exists (
     with recursive rest as (
       select o.payment, o.payroll, o.origin, o.contested from payments o where o.payment = any(`
	isDoubted = `)
       union
       select o.payment, o.payroll, o.origin, o.contested
         from rest r
        cross join lateral (
          select r.origin where r.origin <> ''
          union all
          select unnest(l.instead_of) from lines l where l.payment = r.payment and l.payroll = r.payroll) as b (payment)
         join payments o on o.payment = b.payment
     )
     select from rest where contested <> '{}')`
)

// InsteadOf returns the payments in whose place one of a list pays its month anew.
func InsteadOf(ctx context.Context, pool *pgxpool.Pool, payment, list string) ([]string, error) {
	type row struct{ InsteadOf []string }
	rows, err := pool.Query(ctx, `select instead_of from lines where payment = $1 and payroll = $2`, payment, list)
	found, _, err := one[row](rows, err, "look for what a payment stands for")
	return found.InsteadOf, err
}

// Taker is a payment that nobody has yet, of money that somebody may have already: by an earlier attempt, or by what it rests on.
type Taker struct {
	Payment string
	Facts   int
}

// It is asked every second, and there are hardly any: "offset 0" looks their payments up one by one.
const takersOfContested = `
with recursive chain as (
  select payment, mark from payments where contested <> '{}'
  union
  select p.payment, c.mark
    from chain c
   cross join lateral (
     (select payment from payments where origin = c.payment and origin <> '' offset 0)
     union all
     (select payment from lines where mark = c.mark and c.payment = any(instead_of) offset 0)) as p
)
select p.payment, p.facts
  from chain c
 cross join lateral (select payment, facts, origin, status from payments where payment = c.payment offset 0) as p
 where p.status in ('released', 'reissued', 'cash_pending') and p.payment > $1
 order by p.payment
 limit $2`

// TakersOfContested pages through the payments about which a bank contradicts itself, and those that rest on one, that no bank was
// told of and nobody has collected.
func TakersOfContested(ctx context.Context, pool *pgxpool.Pool, after string, limit int) ([]Taker, error) {
	var takers []Taker
	err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		// Without statistics the planner takes most payments to be contested, and reads them all instead of a tiny index.
		if _, err := tx.Exec(ctx, `set local enable_seqscan = off`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, takersOfContested, after, limit)
		takers, err = collect[Taker](rows, err, "look for takers of contested payments")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for takers: %w", err)
	}
	return takers, nil
}
