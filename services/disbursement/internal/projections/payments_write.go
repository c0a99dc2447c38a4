package projections

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
)

func (b *books) insertPayments(ctx context.Context) error {
	if len(b.fresh) == 0 {
		return nil
	}
	columns := []string{
		"payment", "payroll", "payroll_month", "unit_code", "unit_valid_from", "programme", "beneficiary", "mark", "month", "kind",
		"origin", "amount", "released_at", "status", "attempt", "end_to_end_id", "bank", "account", "outcome", "reason",
		"bank_reference", "booked_at", "inquiries", "contested", "said", "recall", "cash_reason", "collected_on", "receipt",
		"duplicate_of", "from_list", "news_at", "facts",
	}
	rows := pgx.CopyFromSlice(len(b.fresh), func(i int) ([]any, error) {
		p := b.payments[b.fresh[i]]
		return []any{
			p.Payment, p.Payroll, p.PayrollMonth, p.UnitCode, p.UnitValidFrom, p.Programme, p.Beneficiary, p.Mark, p.Month, p.Kind,
			p.Origin, p.Amount, p.ReleasedAt, p.Status, p.Attempt, p.EndToEndID, p.Bank, p.Account, p.Outcome, p.Reason,
			p.BankReference, p.BookedAt, p.Inquiries, p.Contested, p.Said, p.Recall, p.CashReason, p.CollectedOn, p.Receipt,
			p.DuplicateOf, p.FromList, p.NewsAt, p.Facts,
		}, nil
	})
	if _, err := b.tx.CopyFrom(ctx, pgx.Identifier{"payments_v1"}, columns, rows); err != nil {
		return fmt.Errorf("insert %d payments: %w", len(b.fresh), err)
	}
	for _, id := range b.fresh {
		delete(b.payments, id)
	}
	return nil
}

// What is a list in itself would be an array within an array, which SQL does not unnest: it travels as text.
const updatePayments = `
update payments_v1 p
   set status = u.status, attempt = u.attempt, end_to_end_id = u.end_to_end_id, bank = u.bank, account = u.account,
       outcome = u.outcome, reason = u.reason, bank_reference = u.bank_reference, booked_at = u.booked_at,
       inquiries = u.inquiries, contested = u.contested::integer[], said = u.said::text[], recall = u.recall, cash_reason = u.cash_reason,
       collected_on = u.collected_on, receipt = u.receipt, duplicate_of = u.duplicate_of, from_list = u.from_list,
       news_at = u.news_at, facts = u.facts
  from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
              $10::timestamptz[], $11::int[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
              $17::text[], $18::text[], $19::boolean[], $20::timestamptz[], $21::int[])
    as u(payment, status, attempt, end_to_end_id, bank, account, outcome, reason, bank_reference,
         booked_at, inquiries, contested, said, recall, cash_reason, collected_on, receipt, duplicate_of, from_list, news_at,
         facts)
 where p.payment = u.payment`

func (b *books) updatePayments(ctx context.Context) error {
	rows := slices.SortedFunc(maps.Values(b.payments), func(p, q *Payment) int { return cmp.Compare(p.Payment, q.Payment) })
	if len(rows) == 0 {
		return nil
	}
	tag, err := b.tx.Exec(ctx, updatePayments,
		column(rows, func(p *Payment) string { return p.Payment }),
		column(rows, func(p *Payment) string { return p.Status }),
		column(rows, func(p *Payment) int32 { return p.Attempt }),
		column(rows, func(p *Payment) string { return p.EndToEndID }),
		column(rows, func(p *Payment) string { return p.Bank }),
		column(rows, func(p *Payment) string { return p.Account }),
		column(rows, func(p *Payment) string { return p.Outcome }),
		column(rows, func(p *Payment) string { return p.Reason }),
		column(rows, func(p *Payment) string { return p.BankReference }),
		column(rows, func(p *Payment) time.Time { return p.BookedAt }),
		column(rows, func(p *Payment) int32 { return p.Inquiries }),
		column(rows, func(p *Payment) string { return integers(p.Contested) }),
		column(rows, func(p *Payment) string { return texts(p.Said) }),
		column(rows, func(p *Payment) string { return p.Recall }),
		column(rows, func(p *Payment) string { return p.CashReason }),
		column(rows, func(p *Payment) string { return p.CollectedOn }),
		column(rows, func(p *Payment) string { return p.Receipt }),
		column(rows, func(p *Payment) string { return p.DuplicateOf }),
		column(rows, func(p *Payment) bool { return p.FromList }),
		column(rows, func(p *Payment) time.Time { return p.NewsAt }),
		column(rows, func(p *Payment) int32 { return p.Facts }),
	)
	if err != nil {
		return fmt.Errorf("update %d payments: %w", len(rows), err)
	}
	if int(tag.RowsAffected()) != len(rows) {
		return fmt.Errorf("update payments: %d of %d are there", tag.RowsAffected(), len(rows))
	}
	return nil
}

func column[R, V any](rows []R, of func(R) V) []V {
	values := make([]V, len(rows))
	for i, r := range rows {
		values[i] = of(r)
	}
	return values
}

// texts writes PostgreSQL's text of an array.
func texts(list []string) string {
	if len(list) == 0 {
		return "{}" // most payments
	}
	quoted := make([]string, len(list))
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for i, text := range list {
		quoted[i] = `"` + escape.Replace(text) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

// integers writes PostgreSQL's text of an array.
func integers(list []int32) string {
	text := []byte{'{'}
	for i, n := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, "%d", n)
	}
	return string(append(text, '}'))
}

const writeLists = `
insert into payment_lists_v1 (payroll, unit_code, unit_valid_from, programme, month, draft, released, completed, closed)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::bool[], $9::bool[])
    on conflict (payroll) do update
   set unit_code = excluded.unit_code, unit_valid_from = excluded.unit_valid_from, programme = excluded.programme,
       month = excluded.month, draft = excluded.draft, released = excluded.released, completed = excluded.completed,
       closed = excluded.closed`

func (b *books) writeLists(ctx context.Context) error {
	lists := slices.SortedFunc(maps.Values(b.lists), func(l, m *PaymentList) int { return cmp.Compare(l.Payroll, m.Payroll) })
	if len(lists) == 0 {
		return nil
	}
	if _, err := b.tx.Exec(ctx, writeLists,
		column(lists, func(l *PaymentList) string { return l.Payroll }),
		column(lists, func(l *PaymentList) string { return l.UnitCode }),
		column(lists, func(l *PaymentList) string { return l.UnitValidFrom }),
		column(lists, func(l *PaymentList) string { return l.Programme }),
		column(lists, func(l *PaymentList) string { return l.Month }),
		column(lists, func(l *PaymentList) int32 { return l.Draft }),
		column(lists, func(l *PaymentList) string { return l.Released }),
		column(lists, func(l *PaymentList) bool { return l.Completed }),
		column(lists, func(l *PaymentList) bool { return l.Closed }),
	); err != nil {
		return fmt.Errorf("write lists: %w", err)
	}
	return nil
}

func (b *books) insertEntries(ctx context.Context) error {
	if len(b.entries) == 0 {
		return nil
	}
	columns := []string{"position", "payroll", "payment", "fact", "from_account", "to_account", "amount", "posted_at"}
	if _, err := b.tx.CopyFrom(ctx, pgx.Identifier{"ledger_entries_v1"}, columns, pgx.CopyFromRows(b.entries)); err != nil {
		return fmt.Errorf("insert %d postings: %w", len(b.entries), err)
	}
	return nil
}

const writeBalances = `
insert into ledger_balances_v1 (payroll, account, amount)
select * from unnest($1::text[], $2::text[], $3::bigint[])
    on conflict (payroll, account) do update set amount = excluded.amount
 where ledger_balances_v1.amount <> excluded.amount`

func (b *books) writeBalances(ctx context.Context) error {
	var payrolls, accounts []string
	var amounts []int64
	for _, payroll := range slices.Sorted(maps.Keys(b.balances)) {
		for _, account := range ledger.Accounts() {
			payrolls, accounts = append(payrolls, payroll), append(accounts, string(account))
			amounts = append(amounts, int64(b.balances[payroll][account]))
		}
	}
	if len(payrolls) == 0 {
		return nil
	}
	if _, err := b.tx.Exec(ctx, writeBalances, payrolls, accounts, amounts); err != nil {
		return fmt.Errorf("write balances: %w", err)
	}
	return nil
}
