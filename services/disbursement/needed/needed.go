// Package needed tells whose money is not settled: of them nothing may be erased yet, because a bank still has to be told
// their name, or told again.
//
//  1. Money is unsettled from the submission of a list on until a bank or a receipt says that the person has it, and longer
//     while the bank contradicts itself or is asked to give it back.
//  2. A failed payment may be tried again, into the account that the person has then. Only what is never paid again is
//     settled: after its list was closed, what was paid already, and what failed because the person died before its month.
//  3. What was carried forward is owed until a list of a later month pays it, or until its right was stopped for that month.
//  4. It is asked about beneficiaries. Which references in a vault are theirs is known to the accounts service.
package needed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

// Most is how many beneficiaries one question may name.
const Most = 500

// stopped tells that the right behind a payment p has ended for its month.
const stopped = `exists (
           select from lines l join enrolments e on e.enrolment = any(l.enrolments)
            where l.payment = p.payment and l.payroll = p.payroll and e.stopped_from <> '' and e.stopped_from <= p.month)`

const unsettled = `
select asked.beneficiary
  from unnest($1::text[]) as asked (beneficiary)
 where exists (
         select from payments p
           left join payment_lists x on x.payroll = p.payroll
          where p.beneficiary = asked.beneficiary
            and (p.status not in ('credited', 'cash_paid', 'carried_forward', 'refunded')
                 or cardinality(p.contested) > 0
                 or p.status = 'credited' and p.recall <> ''
                 or p.status = 'carried_forward' and not exists (
                      select from lines l join payments n on n.payment = l.payment where l.origin = p.payment) and not ` + stopped + `)
            and not (coalesce(x.closed, false) and cardinality(p.contested) = 0 and p.outcome <> 'returned'
                     and p.status = 'rejected' and (p.reason = any($2) or p.reason = $3 and ` + stopped + `)))
    or asked.beneficiary in (
         select l.beneficiary
           from payrolls r
           left join payment_lists x on x.payroll = r.payroll
           join lines l on l.payroll = r.payroll and l.draft = r.draft
          where r.status in ('submitted', 'checked', 'approved', 'funded', 'released')
            and not coalesce(x.completed, false) and l.removed = ''
            and l.beneficiary = any($1)
            and not exists (select from payments n where n.payment = l.payment))`

// Of returns those of at most [Most] beneficiaries whose money is not settled, by everything that stands in the log. It
// waits for the read models, and errs when they do not come.
func Of(ctx context.Context, pool *pgxpool.Pool, beneficiaries []string) ([]string, error) {
	if len(beneficiaries) > Most {
		return nil, fmt.Errorf("look for unsettled money: at most %d beneficiaries are asked about", Most)
	}
	if err := projection.UpToDate(ctx, pool, "payments", "lines", "payrolls", "enrolments"); err != nil {
		return nil, fmt.Errorf("look for unsettled money: %w", err)
	}
	rows, err := pool.Query(ctx, unsettled, beneficiaries, payment.Duplicates(), payment.Deceased)
	if err != nil {
		return nil, fmt.Errorf("look for unsettled money: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look for unsettled money: %w", err)
	}
	return found, nil
}
