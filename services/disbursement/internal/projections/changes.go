package projections

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Compared is a person whose line for the month of the list differs from that of the month before. One of the two
// sides is empty for who was added or left out.
type Compared struct {
	Mark          string
	Beneficiary   string
	UnitCode      string
	Listed        bool
	Before        bool
	Amount        int64
	AmountBefore  int64
	Method        string
	MethodBefore  string
	CashReason    string
	Account       string
	AccountBefore string
}

const compareLists = `
with now_on as (
  select mark, beneficiary, unit_code, unit_valid_from, amount, method, cash_reason, account
    from lines where payroll = $3 and draft = $4 and kind = 'regular'
), before as (
  select mark, beneficiary, unit_code, unit_valid_from, amount, method, account
    from lines where payroll = $5 and draft = $6 and kind = 'regular'
)
select mark, beneficiary, unit_code, listed, was, amount, amount_before, method, method_before, cash_reason, account, account_before
  from (
    select mark, coalesce(n.beneficiary, b.beneficiary) as beneficiary, coalesce(n.unit_code, b.unit_code) as unit_code,
           coalesce(n.unit_valid_from, b.unit_valid_from) as unit_valid_from, n.amount is not null as listed,
           b.amount is not null as was, coalesce(n.amount, 0) as amount, coalesce(b.amount, 0) as amount_before,
           coalesce(n.method, '') as method, coalesce(b.method, '') as method_before, coalesce(n.cash_reason, '') as cash_reason,
           coalesce(n.account, '') as account, coalesce(b.account, '') as account_before
      from now_on n full join before b using (mark)
  ) as both_lists
 where ` + inScope + `
   and (amount <> amount_before or method <> method_before or account <> account_before)
   and mark > $7
 order by mark
 limit $8`

// Comparison names the drafts of two lists.
type Comparison struct {
	Scope       Scope
	Payroll     string
	Draft       int
	Before      string
	BeforeDraft int
	After       string
	Limit       int
}

// CompareLists lists who is paid otherwise than the month before, by mark.
func CompareLists(ctx context.Context, pool *pgxpool.Pool, c Comparison) ([]Compared, error) {
	rows, err := pool.Query(ctx, compareLists, c.Scope.Codes, c.Scope.ValidFrom, c.Payroll, c.Draft, c.Before, c.BeforeDraft, c.After, c.Limit)
	return collect[Compared](rows, err, "compare lists")
}
