package projections

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
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

// The arrays are unfolded side by side in the select list, which spares the database the copy that unnest(a, b, ...) in the from
// clause makes. What is a list in itself would be an array within an array, which SQL does not unnest: it travels as text.
const (
	updateMoved = `
update payments_v1 p
   set status = u.status, news_at = u.news_at, facts = u.facts
  from (select unnest($1::text[]) as payment, unnest($2::text[]) as status, unnest($3::timestamptz[]) as news_at,
               unnest($4::int[]) as facts) as u
 where p.payment = u.payment`

	updateSettled = `
update payments_v1 p
   set status = u.status, news_at = u.news_at, facts = u.facts,
       outcome = u.outcome, bank_reference = u.bank_reference, booked_at = u.booked_at, said = u.said::text[]
  from (select unnest($1::text[]) as payment, unnest($2::text[]) as status, unnest($3::timestamptz[]) as news_at,
               unnest($4::int[]) as facts, unnest($5::text[]) as outcome, unnest($6::text[]) as bank_reference,
               unnest($7::timestamptz[]) as booked_at, unnest($8::text[]) as said) as u
 where p.payment = u.payment`

	updateAltered = `
update payments_v1 p
   set status = u.status, news_at = u.news_at, facts = u.facts,
       outcome = u.outcome, bank_reference = u.bank_reference, booked_at = u.booked_at, said = u.said::text[],
       attempt = u.attempt, end_to_end_id = u.end_to_end_id, bank = u.bank, account = u.account, reason = u.reason,
       inquiries = u.inquiries, contested = u.contested::integer[], recall = u.recall, cash_reason = u.cash_reason,
       collected_on = u.collected_on, receipt = u.receipt, duplicate_of = u.duplicate_of, from_list = u.from_list
  from (select unnest($1::text[]) as payment, unnest($2::text[]) as status, unnest($3::timestamptz[]) as news_at,
               unnest($4::int[]) as facts, unnest($5::text[]) as outcome, unnest($6::text[]) as bank_reference,
               unnest($7::timestamptz[]) as booked_at, unnest($8::text[]) as said, unnest($9::int[]) as attempt,
               unnest($10::text[]) as end_to_end_id, unnest($11::text[]) as bank, unnest($12::text[]) as account,
               unnest($13::text[]) as reason, unnest($14::int[]) as inquiries, unnest($15::text[]) as contested,
               unnest($16::text[]) as recall, unnest($17::text[]) as cash_reason, unnest($18::text[]) as collected_on,
               unnest($19::text[]) as receipt, unnest($20::text[]) as duplicate_of, unnest($21::boolean[]) as from_list) as u
 where p.payment = u.payment`
)

// change is how much of a row a batch changed, and so which columns are written: a whole row takes twice as long as the usual step.
type change int

const (
	moved   change = iota // status, news_at and facts
	settled               // besides, what a credit says
	altered               // anything
)

// since tells how much of a row is not as it was.
func (p *Payment) since(was *Payment) change {
	switch {
	case p.Attempt != was.Attempt, p.EndToEndID != was.EndToEndID, p.Bank != was.Bank, p.Account != was.Account, p.Reason != was.Reason,
		p.Inquiries != was.Inquiries, !slices.Equal(p.Contested, was.Contested), p.Recall != was.Recall, p.CashReason != was.CashReason,
		p.CollectedOn != was.CollectedOn, p.Receipt != was.Receipt, p.DuplicateOf != was.DuplicateOf, p.FromList != was.FromList:
		return altered
	case p.Outcome != was.Outcome, p.BankReference != was.BankReference, !p.BookedAt.Equal(was.BookedAt), !slices.Equal(p.Said, was.Said):
		return settled
	default:
		return moved
	}
}

func (b *books) updatePayments(ctx context.Context) error {
	var changed [altered + 1][]*Payment
	for i := range b.loaded {
		p := b.payments[b.loaded[i].Payment]
		extent := p.since(&b.loaded[i])
		changed[extent] = append(changed[extent], p)
	}
	for extent, rows := range changed {
		if err := b.update(ctx, change(extent), rows); err != nil {
			return err
		}
	}
	return nil
}

func (b *books) update(ctx context.Context, extent change, rows []*Payment) error {
	if len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(p, q *Payment) int { return cmp.Compare(p.Payment, q.Payment) })
	statement := [...]string{moved: updateMoved, settled: updateSettled, altered: updateAltered}[extent]
	tag, err := b.tx.Exec(ctx, statement, written(extent, rows)...)
	if err != nil {
		return fmt.Errorf("update %d payments: %w", len(rows), err)
	}
	if int(tag.RowsAffected()) != len(rows) {
		return fmt.Errorf("update payments: %d of %d are there", tag.RowsAffected(), len(rows))
	}
	return nil
}

// written are the columns of rows that the statement of a change writes.
func written(extent change, rows []*Payment) []any {
	columns := []any{
		column(rows, func(p *Payment) string { return p.Payment }),
		column(rows, func(p *Payment) string { return p.Status }),
		column(rows, func(p *Payment) time.Time { return p.NewsAt }),
		column(rows, func(p *Payment) int32 { return p.Facts }),
	}
	if extent >= settled {
		columns = append(columns,
			column(rows, func(p *Payment) string { return p.Outcome }),
			column(rows, func(p *Payment) string { return p.BankReference }),
			column(rows, func(p *Payment) time.Time { return p.BookedAt }),
			column(rows, func(p *Payment) string { return texts(p.Said) }),
		)
	}
	if extent >= altered {
		columns = append(columns,
			column(rows, func(p *Payment) int32 { return p.Attempt }),
			column(rows, func(p *Payment) string { return p.EndToEndID }),
			column(rows, func(p *Payment) string { return p.Bank }),
			column(rows, func(p *Payment) string { return p.Account }),
			column(rows, func(p *Payment) string { return p.Reason }),
			column(rows, func(p *Payment) int32 { return p.Inquiries }),
			column(rows, func(p *Payment) string { return integers(p.Contested) }),
			column(rows, func(p *Payment) string { return p.Recall }),
			column(rows, func(p *Payment) string { return p.CashReason }),
			column(rows, func(p *Payment) string { return p.CollectedOn }),
			column(rows, func(p *Payment) string { return p.Receipt }),
			column(rows, func(p *Payment) string { return p.DuplicateOf }),
			column(rows, func(p *Payment) bool { return p.FromList }),
		)
	}
	return columns
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
	text := []byte{'{'}
	for i, s := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, '"')
		for _, c := range []byte(s) {
			if c == '"' || c == '\\' {
				text = append(text, '\\')
			}
			text = append(text, c)
		}
		text = append(text, '"')
	}
	return string(append(text, '}'))
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
