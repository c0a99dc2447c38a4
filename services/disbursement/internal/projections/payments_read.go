package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
)

// PaymentFilter narrows a list of payments. Empty fields do not narrow.
type PaymentFilter struct {
	Scope       Scope
	Payroll     string
	Status      string
	Beneficiary string
	// PayrollMonth is the month of the list.
	PayrollMonth string
	// After is the id at which the page before ended.
	After string
	Limit int
}

const listPayments = `
select ` + paymentColumns + `
  from payments
 where ` + inScope + `
   and ($3 = '' or payroll = $3)
   and ($4 = '' or status = $4)
   and ($5 = '' or beneficiary = $5)
   and ($6 = '' or payroll_month = $6)
   and payment > $7
 order by payment
 limit $8`

// ListPayments lists payments by id.
func ListPayments(ctx context.Context, pool *pgxpool.Pool, f PaymentFilter) ([]Payment, error) {
	rows, err := pool.Query(ctx, listPayments, f.Scope.Codes, f.Scope.ValidFrom, f.Payroll, f.Status, f.Beneficiary, f.PayrollMonth, f.After, f.Limit)
	return payments(rows, err)
}

func payments(rows pgx.Rows, err error) ([]Payment, error) {
	list, err := collect[Payment](rows, err, "list payments")
	for i := range list {
		list[i].inUTC()
	}
	return list, err
}

// FindPaymentList returns what payments know of a payroll; false when there is none.
func FindPaymentList(ctx context.Context, pool *pgxpool.Pool, payroll string) (PaymentList, bool, error) {
	rows, err := pool.Query(ctx, selectLists+` where payroll = $1`, payroll)
	return one[PaymentList](rows, err, "read list of payments")
}

const selectLists = `
select payroll, unit_code, unit_valid_from, programme, month, draft, released, completed, closed from payment_lists`

// ListsToRelease lists payrolls that were released and whose payments are not all there.
func ListsToRelease(ctx context.Context, pool *pgxpool.Pool, limit int) ([]PaymentList, error) {
	rows, err := pool.Query(ctx, selectLists+` where released <> '' and not completed order by payroll limit $1`, limit)
	return collect[PaymentList](rows, err, "read lists to release")
}

// PayrollsOf says to which payroll each of some payments belongs; those that do not exist are left out.
func PayrollsOf(ctx context.Context, pool *pgxpool.Pool, ids []string) (map[string]string, error) {
	rows, err := pool.Query(ctx, `select payment, payroll from payments where payment = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("look for payments: %w", err)
	}
	found := make(map[string]string, len(ids))
	var id, payroll string
	if _, err := pgx.ForEachRow(rows, []any{&id, &payroll}, func() error {
		found[id] = payroll
		return nil
	}); err != nil {
		return nil, fmt.Errorf("look for payments: %w", err)
	}
	return found, nil
}

// Silent is a payment about which nothing was heard for long.
type Silent struct {
	Payment string
	Facts   int
}

// Only payrolls that have money in flight are looked at, so that the years behind cost nothing.
const silentPayments = `
select p.payment, p.facts
  from ledger_balances b
  join payments p on p.payroll = b.payroll
 where b.account = 'in_flight' and b.amount > 0
   and p.status in ('sent', 'acknowledged', 'in_flight', 'unknown')
   and p.news_at < $1 and p.inquiries < $2 and p.payment > $3
 order by p.payment
 limit $4`

// Silence says which payments to look for.
type Silence struct {
	// Since is when something should have been heard last; After the id at which the page before ended.
	Since     time.Time
	Inquiries int
	After     string
	Limit     int
}

// SilentPayments lists payments that a bank owes an answer about.
func SilentPayments(ctx context.Context, pool *pgxpool.Pool, s Silence) ([]Silent, error) {
	rows, err := pool.Query(ctx, silentPayments, s.Since, s.Inquiries, s.After, s.Limit)
	return collect[Silent](rows, err, "look for silence")
}

// Receipt names a signed receipt, and whom it would be for.
type Receipt struct {
	Mark, Number, Year string
	Unit               events.Unit
}

// Receipted tells whether any payment to the person was handed over with the receipt.
func Receipted(ctx context.Context, pool *pgxpool.Pool, r Receipt) (bool, error) {
	type row struct{ Payment string }
	rows, err := pool.Query(ctx, `
select payment from payments
 where beneficiary in (select beneficiary from beneficiaries where mark = $1)
   and unit_code = $2 and unit_valid_from = $3 and receipt = $4 and left(collected_on, 4) = $5
 limit 1`, r.Mark, r.Unit.Code, r.Unit.ValidFrom, r.Number, r.Year)
	_, found, err := one[row](rows, err, "look for a receipt")
	return found, err
}
