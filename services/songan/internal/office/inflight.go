package office

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/vault"
)

const (
	// whileMoney is the reason of the hold on people whose money is on its way: no bank could be told their name any more.
	whileMoney = "payment_in_flight"
	// holdFor is how long the hold lasts by itself; whoever asks again later is held again, or not.
	holdFor = 24 * time.Hour
	// withPeople is the service whose vault has the people that are paid, withPayments the one that knows their payments.
	withPeople, withPayments = "accounts", "disbursement"
)

// holdWhilePaid puts people on hold for whom, or in whose name, a payment is on its way to a bank or at it.
func (e Erase) holdWhilePaid(ctx context.Context, service string, v *vault.Vault, refs []vault.Ref) error {
	if service != withPeople || len(refs) == 0 {
		return nil
	}
	address, err := e.address(withPayments)
	if err != nil {
		return err
	}
	pool, err := pg.Open(ctx, address, pg.Options{MaxConns: 1, Name: withPayments + "-office"})
	if err != nil {
		return fmt.Errorf("look for payments in flight: %w", err)
	}
	defer pool.Close()
	paid, err := inFlight(ctx, pool, refs)
	if err != nil || len(paid) == 0 {
		return err
	}
	return v.Hold(ctx, vault.Hold{Actor: e.Actor, Reason: whileMoney, Until: now().Add(holdFor)}, paid...)
}

// inFlight returns those references that a payment needs, or may need again, which no bank has settled.
func inFlight(ctx context.Context, pool *pgxpool.Pool, refs []vault.Ref) ([]vault.Ref, error) {
	var there bool
	if err := pool.QueryRow(ctx, `select to_regclass('payments') is not null and to_regclass('beneficiaries') is not null`).Scan(&there); err != nil || !there {
		return nil, err
	}
	const query = `
select b.person, b.holder, b.representatives
  from beneficiaries b
 where (b.person = any($1) or b.holder = any($1) or b.representatives && $1)
   and exists (select from payments p where p.beneficiary = b.beneficiary
                and p.status in ('released', 'reissued', 'sent', 'acknowledged', 'in_flight', 'unknown'))`
	asked := make([]string, len(refs))
	for i, ref := range refs {
		asked[i] = string(ref)
	}
	rows, err := pool.Query(ctx, query, asked)
	if err != nil {
		return nil, fmt.Errorf("look for payments in flight: %w", err)
	}
	defer rows.Close()
	needed := map[string]bool{}
	for rows.Next() {
		var person, holder string
		var representatives []string
		if err := rows.Scan(&person, &holder, &representatives); err != nil {
			return nil, fmt.Errorf("look for payments in flight: %w", err)
		}
		for _, ref := range append(representatives, person, holder) {
			needed[ref] = true
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for payments in flight: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(refs), func(r vault.Ref) bool { return !needed[string(r)] }), nil
}
