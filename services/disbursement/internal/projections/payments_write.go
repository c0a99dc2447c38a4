package projections

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
)

// Payments is the read model of payments and of the ledger, which are written in one transaction: a payment never stands
// differently from its money. A batch of facts is folded in memory and written with one statement per table.
func Payments() *projection.Projection {
	return projection.New("payments_v1", paymentsDDL, func(ctx context.Context, tx pgx.Tx, batch []events.Recorded) error {
		b := &books{
			tx: tx, payments: map[string]*Payment{}, lists: map[string]*PaymentList{}, balances: map[string]ledger.Balances{},
		}
		return b.write(ctx, batch)
	})
}

// PaymentList is what payments have to know of their payroll.
type PaymentList struct {
	Payroll       string
	UnitCode      string
	UnitValidFrom string
	Programme     string
	Month         string
	Draft         int32
	// Released is the id of the fact that released the list; empty before.
	Released  string
	Completed bool
	Closed    bool
}

// Unit is whose list it is.
func (l PaymentList) Unit() events.Unit { return unit(l.UnitCode, l.UnitValidFrom) }

// books are the rows that a batch touches.
type books struct {
	tx       pgx.Tx
	payments map[string]*Payment
	fresh    []string // payments of this batch, in order
	lists    map[string]*PaymentList
	balances map[string]ledger.Balances
	entries  [][]any
}

func (b *books) write(ctx context.Context, batch []events.Recorded) error {
	if err := b.load(ctx, batch); err != nil {
		return err
	}
	for _, r := range batch {
		b.apply(r)
	}
	for _, step := range []func(context.Context) error{b.insertPayments, b.updatePayments, b.writeLists, b.insertEntries, b.writeBalances} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// load reads what the batch continues: payments that begin in it need no reading.
func (b *books) load(ctx context.Context, batch []events.Recorded) error {
	var known, payrolls []string
	for _, r := range batch {
		id := paymentOf(r.Event)
		switch {
		case id == "":
			if list := listOf(r.Event); list != "" {
				b.lists[list] = nil
			}
		case begins(r.Event):
			b.payments[id] = &Payment{}
			b.fresh = append(b.fresh, id)
			b.lists[payrollOf(r.Event)] = nil
		case b.payments[id] == nil:
			b.payments[id] = &Payment{}
			known = append(known, id)
		}
	}
	if err := b.loadPayments(ctx, known); err != nil {
		return err
	}
	for _, p := range b.payments {
		if p.Payroll != "" {
			b.lists[p.Payroll] = nil
		}
	}
	payrolls = slices.Sorted(maps.Keys(b.lists))
	if len(payrolls) == 0 {
		return nil
	}
	if err := b.loadLists(ctx, payrolls); err != nil {
		return err
	}
	return b.loadBalances(ctx, payrolls)
}

func payrollOf(e events.Event) string {
	switch e := e.(type) {
	case disbursement.PaymentReleased:
		return e.Payroll
	case disbursement.CashReleased:
		return e.Payroll
	default:
		return ""
	}
}

// listOf names the payroll that a fact changes here.
func listOf(e events.Event) string {
	switch e := e.(type) {
	case disbursement.PayrollDrafted:
		return e.Payroll
	case disbursement.PayrollFunded:
		return e.Payroll
	case disbursement.PayrollReleased:
		return e.Payroll
	case disbursement.ReleaseCompleted:
		return e.Payroll
	case disbursement.PayrollClosed:
		return e.Payroll
	default:
		return ""
	}
}

const paymentColumns = `payment, payroll, payroll_month, unit_code, unit_valid_from, programme, beneficiary, mark, month, kind,
  origin, amount, released_at, status, attempt, end_to_end_id, bank, account, outcome, reason, bank_reference, booked_at,
  inquiries, contested, recall, cash_reason, collected_on, receipt, news_at, facts`

func (b *books) loadPayments(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := b.tx.Query(ctx, `select `+paymentColumns+` from payments_v1 where payment = any($1)`, ids)
	if err != nil {
		return fmt.Errorf("load %d payments: %w", len(ids), err)
	}
	loaded, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[Payment])
	if err != nil {
		return fmt.Errorf("load %d payments: %w", len(ids), err)
	}
	if len(loaded) != len(ids) {
		return fmt.Errorf("load payments: %d of %d are there", len(loaded), len(ids))
	}
	for _, p := range loaded {
		p.inUTC()
		b.payments[p.Payment] = p
	}
	return nil
}

func (p *Payment) inUTC() {
	p.ReleasedAt, p.BookedAt, p.NewsAt = p.ReleasedAt.UTC(), p.BookedAt.UTC(), p.NewsAt.UTC()
}

func (b *books) loadLists(ctx context.Context, payrolls []string) error {
	rows, err := b.tx.Query(ctx, `
select payroll, unit_code, unit_valid_from, programme, month, draft, released, completed, closed
  from payment_lists_v1 where payroll = any($1)`, payrolls)
	if err != nil {
		return fmt.Errorf("load lists: %w", err)
	}
	lists, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[PaymentList])
	if err != nil {
		return fmt.Errorf("load lists: %w", err)
	}
	for _, payroll := range payrolls {
		b.lists[payroll] = &PaymentList{Payroll: payroll}
	}
	for _, l := range lists {
		b.lists[l.Payroll] = l
	}
	return nil
}

func (b *books) loadBalances(ctx context.Context, payrolls []string) error {
	for _, payroll := range payrolls {
		b.balances[payroll] = ledger.Balances{}
	}
	rows, err := b.tx.Query(ctx, `select payroll, account, amount from ledger_balances_v1 where payroll = any($1)`, payrolls)
	if err != nil {
		return fmt.Errorf("load balances: %w", err)
	}
	var payroll, account string
	var amount int64
	_, err = pgx.ForEachRow(rows, []any{&payroll, &account, &amount}, func() error {
		b.balances[payroll][ledger.Account(account)] = money.Amount(amount)
		return nil
	})
	if err != nil {
		return fmt.Errorf("load balances: %w", err)
	}
	return nil
}

// apply folds one fact into the rows.
func (b *books) apply(r events.Recorded) {
	if id := paymentOf(r.Event); id != "" {
		b.applyPayment(id, r)
		return
	}
	list := b.lists[listOf(r.Event)]
	if list == nil {
		return
	}
	switch e := r.Event.(type) {
	case disbursement.PayrollDrafted:
		list.UnitCode, list.UnitValidFrom, list.Programme = e.Unit.Code, e.Unit.ValidFrom, e.Programme
		list.Month, list.Draft = e.Month, int32(e.Draft) //nolint:gosec // a list is not drafted that often
	case disbursement.PayrollFunded:
		b.post(r, list.Payroll, "", ledger.Fund(money.Amount(e.Amount)))
	case disbursement.PayrollReleased:
		list.Released = r.ID()
	case disbursement.ReleaseCompleted:
		list.Completed = true
	case disbursement.PayrollClosed:
		list.Closed = true
		if posting, left := ledger.Close(b.balances[list.Payroll]); left {
			b.post(r, list.Payroll, "", posting)
		}
	}
}

func (b *books) applyPayment(id string, r events.Recorded) {
	before := b.payments[id]
	after := applyToPayment(*before, r)
	if begins(r.Event) {
		after.PayrollMonth = b.lists[after.Payroll].Month
	}
	if posting, moved := movement(before, &after); moved {
		b.post(r, after.Payroll, id, posting)
	}
	*before = after
}

// post enters a posting. The books show what happened, also if it should not have: to stop here would hide it.
func (b *books) post(r events.Recorded, payroll, payment string, p ledger.Posting) {
	for _, e := range p.Entries() {
		b.balances[payroll][e.Account] += e.Amount
	}
	b.entries = append(b.entries, []any{
		r.Position, payroll, payment, r.Event.EventName(), string(p.From), string(p.To), int64(p.Amount), r.Meta.OccurredAt,
	})
}

func (b *books) insertPayments(ctx context.Context) error {
	if len(b.fresh) == 0 {
		return nil
	}
	columns := []string{
		"payment", "payroll", "payroll_month", "unit_code", "unit_valid_from", "programme", "beneficiary", "mark", "month", "kind",
		"origin", "amount", "released_at", "status", "attempt", "end_to_end_id", "bank", "account", "outcome", "reason",
		"bank_reference", "booked_at", "inquiries", "contested", "recall", "cash_reason", "collected_on", "receipt", "news_at", "facts",
	}
	rows := pgx.CopyFromSlice(len(b.fresh), func(i int) ([]any, error) {
		p := b.payments[b.fresh[i]]
		return []any{
			p.Payment, p.Payroll, p.PayrollMonth, p.UnitCode, p.UnitValidFrom, p.Programme, p.Beneficiary, p.Mark, p.Month, p.Kind,
			p.Origin, p.Amount, p.ReleasedAt, p.Status, p.Attempt, p.EndToEndID, p.Bank, p.Account, p.Outcome, p.Reason,
			p.BankReference, p.BookedAt, p.Inquiries, p.Contested, p.Recall, p.CashReason, p.CollectedOn, p.Receipt, p.NewsAt, p.Facts,
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

// The contested attempts are an array within an array, which SQL does not unnest: they travel as text.
const updatePayments = `
update payments_v1 p
   set status = u.status, attempt = u.attempt, end_to_end_id = u.end_to_end_id, bank = u.bank, account = u.account,
       outcome = u.outcome, reason = u.reason, bank_reference = u.bank_reference, booked_at = u.booked_at,
       inquiries = u.inquiries, contested = u.contested::integer[], recall = u.recall, cash_reason = u.cash_reason,
       collected_on = u.collected_on, receipt = u.receipt, news_at = u.news_at, facts = u.facts
  from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
              $10::timestamptz[], $11::int[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
              $17::timestamptz[], $18::int[])
    as u(payment, status, attempt, end_to_end_id, bank, account, outcome, reason, bank_reference,
         booked_at, inquiries, contested, recall, cash_reason, collected_on, receipt, news_at, facts)
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
		column(rows, func(p *Payment) string { return p.Recall }),
		column(rows, func(p *Payment) string { return p.CashReason }),
		column(rows, func(p *Payment) string { return p.CollectedOn }),
		column(rows, func(p *Payment) string { return p.Receipt }),
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
