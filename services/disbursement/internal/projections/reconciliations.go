package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/pg"
)

// Sum is a number of payments and what they come to.
type Sum struct {
	Count  int64 `json:"count"`
	Amount int64 `json:"amount" doc:"dong"`
}

// StatusSum sums up the payments of a payroll that stand alike.
type StatusSum struct {
	Status  string
	Outcome string
	Sum
}

// SumByStatus sums up the payments of a payroll.
func SumByStatus(ctx context.Context, db pg.Querier, payroll string) ([]StatusSum, error) {
	rows, err := db.Query(ctx, `
select status, outcome, count(*), sum(amount)::bigint from payments where payroll = $1 group by 1, 2 order by 1, 2`, payroll)
	if err != nil {
		return nil, fmt.Errorf("sum up payments: %w", err)
	}
	var sums []StatusSum
	var s StatusSum
	if _, err := pgx.ForEachRow(rows, []any{&s.Status, &s.Outcome, &s.Count, &s.Amount}, func() error {
		sums = append(sums, s)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("sum up payments: %w", err)
	}
	return sums, nil
}

// instructed sums up what a payroll released, by the postings of the ledger and not by the payments: the two have to agree.
func instructed(ctx context.Context, tx pgx.Tx, payroll string) (Sum, error) {
	var s Sum
	err := tx.QueryRow(ctx, `
select count(*), coalesce(sum(amount), 0)::bigint from ledger_entries
 where payroll = $1 and fact in ('disbursement.payment_released.v1', 'disbursement.cash_released.v1')`, payroll).
		Scan(&s.Count, &s.Amount)
	if err != nil {
		return Sum{}, fmt.Errorf("sum up what was instructed: %w", err)
	}
	return s, nil
}

// sumUp sums up the payments of a payroll, and says whether there may be exceptions among them: nearly always there are none,
// and reading a province's payments once more would take as long again.
func sumUp(ctx context.Context, tx pgx.Tx, r Reconciling) (sums []StatusSum, suspicious bool, err error) {
	rows, err := tx.Query(ctx, `
select status, outcome, count(*), sum(amount)::bigint,
       status in ('unknown', 'rejected', 'returned', 'recalled') or bool_or(cardinality(contested) > 0 or recall <> '')
       or status in ('released', 'reissued') and min(news_at) < $2 or exists (select from double_bookings)
  from payments where payroll = $1 group by 1, 2 order by 1, 2`, r.Payroll, r.UnsentSince)
	if err != nil {
		return nil, false, fmt.Errorf("sum up payments: %w", err)
	}
	var s StatusSum
	var some bool
	if _, err := pgx.ForEachRow(rows, []any{&s.Status, &s.Outcome, &s.Count, &s.Amount, &some}, func() error {
		sums, suspicious = append(sums, s), suspicious || some
		return nil
	}); err != nil {
		return nil, false, fmt.Errorf("sum up payments: %w", err)
	}
	return sums, suspicious, nil
}

// Exception is a payment that somebody has to look at.
type Exception struct {
	Payment
	// Reused tells that another payment of the payroll names the same booking of the same bank.
	Reused bool
}

// Whoever waits longer than $2 for being sent is an exception too; see also sumUp. Only bookings that were named twice,
// anywhere, are counted within the list: to count all of them took most of a province's reconciliation.
const listExceptions = `
with doubles as (
  select bank, bank_reference from payments
   where payroll = $1 and bank_reference <> '' and (bank, bank_reference) in (select bank, reference from double_bookings)
   group by 1, 2 having count(*) > 1
)
select ` + paymentColumns + `, (bank, bank_reference) in (select bank, bank_reference from doubles)
  from payments
 where payroll = $1
   and (status in ('unknown', 'rejected', 'returned', 'recalled') or cardinality(contested) > 0
        or status in ('released', 'reissued') and news_at < $2
        or recall <> '' and outcome in ('', 'credited')
        or (bank, bank_reference) in (select bank, bank_reference from doubles))
 order by payment
 limit $3`

// exceptions lists the payments of a payroll that did not go as they should.
func exceptions(ctx context.Context, tx pgx.Tx, r Reconciling) ([]Exception, error) {
	rows, err := tx.Query(ctx, listExceptions, r.Payroll, r.UnsentSince, r.Exceptions)
	list, err := collect[Exception](rows, err, "list exceptions")
	for i := range list {
		list[i].inUTC()
	}
	return list, err
}

// Reconciling says which list is reconciled.
type Reconciling struct {
	Payroll string
	// UnsentSince is since when a payment should have been sent; Exceptions the most that are listed.
	UnsentSince time.Time
	Exceptions  int
}

// Books are the two sides of a reconciliation, seen at one instant.
type Books struct {
	Instructed Sum
	Sums       []StatusSum
	Exceptions []Exception
}

// Reconcile reads both sides in one snapshot, so that a difference is never one of time.
func Reconcile(ctx context.Context, pool *pgxpool.Pool, r Reconciling) (b Books, err error) {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, pool, snapshot, func(tx pgx.Tx) (err error) {
		if b.Instructed, err = instructed(ctx, tx, r.Payroll); err != nil {
			return err
		}
		var suspicious bool
		if b.Sums, suspicious, err = sumUp(ctx, tx, r); err != nil || !suspicious {
			return err
		}
		b.Exceptions, err = exceptions(ctx, tx, r)
		return err
	})
	if err != nil {
		return Books{}, fmt.Errorf("reconcile: %w", err)
	}
	return b, nil
}

// Cashless is how much of what was paid went through accounts.
type Cashless struct {
	ByAccount, InCash, Pending Sum
	// Reasons says why not by account, by code: of what was paid in cash, and of what waits to be collected.
	Reasons map[string]Sum
}

const countCashless = `
select status, cash_reason, count(*), sum(amount)::bigint
  from payments
 where ` + inScope + `
   and ($3 = '' or payroll_month = $3) and ($4 = '' or programme = $4) and ($5 = '' or bank = $5)
   and status in ('credited', 'cash_paid', 'cash_pending')
 group by 1, 2`

// CashlessFilter says which payments are counted. Empty fields do not narrow.
type CashlessFilter struct {
	Scope                  Scope
	Month, Programme, Bank string
}

// CountCashless counts what was paid. Only a credit and a receipt are proof of payment.
func CountCashless(ctx context.Context, pool *pgxpool.Pool, f CashlessFilter) (Cashless, error) {
	c := Cashless{Reasons: map[string]Sum{}}
	rows, err := pool.Query(ctx, countCashless, f.Scope.Codes, f.Scope.ValidFrom, f.Month, f.Programme, f.Bank)
	if err != nil {
		return c, fmt.Errorf("count cashless payments: %w", err)
	}
	var status, reason string
	var s Sum
	_, err = pgx.ForEachRow(rows, []any{&status, &reason, &s.Count, &s.Amount}, func() error {
		total := map[string]*Sum{"credited": &c.ByAccount, "cash_paid": &c.InCash, "cash_pending": &c.Pending}[status]
		total.Count, total.Amount = total.Count+s.Count, total.Amount+s.Amount
		if status != "credited" {
			why := c.Reasons[reason]
			c.Reasons[reason] = Sum{Count: why.Count + s.Count, Amount: why.Amount + s.Amount}
		}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("count cashless payments: %w", err)
	}
	return c, nil
}

// Entry is one posting of the ledger.
type Entry struct {
	Position int64     `json:"position" doc:"of the fact in the log"`
	Payroll  string    `json:"payroll"`
	Payment  string    `json:"payment,omitzero"`
	Fact     string    `json:"fact"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	Amount   int64     `json:"amount" doc:"dong"`
	PostedAt time.Time `json:"posted_at"`
}

// EntryFilter narrows a list of postings. Empty fields do not narrow.
type EntryFilter struct {
	Scope            Scope
	Payroll, Account string
	After            int64
	Limit            int
}

// ListEntries lists postings in the order of the log.
func ListEntries(ctx context.Context, pool *pgxpool.Pool, f EntryFilter) ([]Entry, error) {
	rows, err := pool.Query(ctx, `
select position, payroll, payment, fact, from_account, to_account, amount, posted_at
  from ledger_entries
 where payroll in (select payroll from payment_lists where `+inScope+`)
   and ($3 = '' or payroll = $3) and ($4 = '' or $4 in (from_account, to_account)) and position > $5
 order by position
 limit $6`, f.Scope.Codes, f.Scope.ValidFrom, f.Payroll, f.Account, f.After, f.Limit)
	entries, err := collect[Entry](rows, err, "list postings")
	for i := range entries {
		entries[i].PostedAt = entries[i].PostedAt.UTC()
	}
	return entries, err
}

// Balance is what one account of a payroll holds.
type Balance struct {
	Payroll string
	Account string
	Amount  int64
}

// ListBalances lists the accounts of one payroll, or of those after one, by payroll.
func ListBalances(ctx context.Context, pool *pgxpool.Pool, f EntryFilter, after string) ([]Balance, error) {
	rows, err := pool.Query(ctx, `
select payroll, account, amount
  from ledger_balances
 where payroll in (select payroll from payment_lists
                    where `+inScope+` and ($3 = '' or payroll = $3) and payroll > $4
                    order by payroll limit $5)
 order by payroll, account`, f.Scope.Codes, f.Scope.ValidFrom, f.Payroll, after, f.Limit)
	return collect[Balance](rows, err, "list balances")
}
