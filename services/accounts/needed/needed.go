// Package needed tells which people in the vault of accounts cannot be erased yet: a bank is being asked to open an account
// in their name, or money is on its way for which a bank needs the name.
//
//  1. A reference belongs to every beneficiary who ever was that person, or was represented by them, or had an account in
//     their name. What is needed for the beneficiary keeps all of them: an instruction names the holder of its day.
//  2. Whether money is unsettled is known to the disbursement service, and is asked. Who cannot ask erases nothing.
package needed

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/vault"
)

// Why a person is needed, as a code.
const (
	WhileMoney   = "payment_in_flight"
	WhileRequest = "account_requested"
)

// Ask tells whose money is not settled, of at most [Most] beneficiaries.
type Ask func(ctx context.Context, beneficiaries []string) (unsettled []string, err error)

// Most is how many beneficiaries Ask is asked about at once.
const Most = 500

const beneficiariesOf = `
select p.ref, p.beneficiary,
       exists (select from beneficiaries b
                where b.beneficiary = p.beneficiary and b.account_status in ('requested', 'needs_information'))
       or exists (select from accounts a join issuances i on i.issuance = a.issuance
                   where a.beneficiary = p.beneficiary and a.status = 'drafted' and i.status in ('submitted', 'approved'))
  from people p
 where p.ref = any($1)`

// Of returns those of the references that are needed, and why, by everything that stands in the log of accounts and by what
// is answered.
func Of(ctx context.Context, pool *pgxpool.Pool, refs []vault.Ref, ask Ask) (map[vault.Ref]string, error) {
	if err := projection.UpToDate(ctx, pool, "people", "beneficiaries", "accounts", "issuances"); err != nil {
		return nil, fmt.Errorf("look for who is needed: %w", err)
	}
	rows, err := pool.Query(ctx, beneficiariesOf, refs)
	if err != nil {
		return nil, fmt.Errorf("look for who is needed: %w", err)
	}
	needed, refsOf := map[vault.Ref]string{}, map[string][]vault.Ref{}
	var ref vault.Ref
	var beneficiary string
	var requested bool
	_, err = pgx.ForEachRow(rows, []any{&ref, &beneficiary, &requested}, func() error {
		if requested {
			needed[ref] = WhileRequest
		}
		refsOf[beneficiary] = append(refsOf[beneficiary], ref)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for who is needed: %w", err)
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(refsOf)), Most) {
		unsettled, err := ask(ctx, chunk)
		if err != nil {
			return nil, fmt.Errorf("ask whose money is not settled: %w", err)
		}
		for _, b := range unsettled {
			for _, ref := range refsOf[b] {
				needed[ref] = WhileMoney
			}
		}
	}
	return needed, nil
}
