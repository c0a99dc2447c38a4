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

// ContestedPayments returns those payments about which a bank contradicts itself, or about one that they go back to: their
// people may have the money.
func ContestedPayments(ctx context.Context, pool *pgxpool.Pool, ids []string) (map[string]bool, error) {
	type row struct{ Payment string }
	rows, err := pool.Query(ctx, `select p.payment from payments p where p.payment = any($1) and `+chainOf+`p.payment`+isContested, ids)
	found, err := collect[row](rows, err, "look for contested payments")
	contested := make(map[string]bool, len(found))
	for _, r := range found {
		contested[r.Payment] = true
	}
	return contested, err
}

// Taker is a payment that nobody has yet, of money that somebody may have already: by an earlier attempt, or by what it took over.
type Taker struct {
	Payment string
	Facts   int
}

// It is asked every second, and there are hardly any: "offset 0" looks their payments up one by one.
const takersOfContested = `
with recursive chain as (
  select payment from payments where contested <> '{}'
  union
  select p.payment
    from chain c cross join lateral (select payment from payments where origin = c.payment and origin <> '' offset 0) as p
)
select p.payment, p.facts
  from chain c
 cross join lateral (select payment, facts, origin, status from payments where payment = c.payment offset 0) as p
 where p.status in ('released', 'reissued', 'cash_pending') and p.payment > $1
 order by p.payment
 limit $2`

// TakersOfContested pages through the payments about which a bank contradicts itself, and those that took one over, that no bank
// was told of and nobody has collected.
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
