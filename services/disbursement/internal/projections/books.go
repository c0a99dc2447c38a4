package projections

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
)

// Payments is the read model of payments and of the ledger, which are written in one transaction: a payment never stands
// differently from its money. A batch of facts is folded in memory and written with some statements for all of its rows.
func Payments() *projection.Projection {
	return projection.New("payments_v1", paymentsDDL, writeBooks)
}

func writeBooks(ctx context.Context, tx pgx.Tx, batch []events.Recorded) error {
	b := &books{
		tx: tx, payments: map[string]*Payment{}, lists: map[string]*PaymentList{}, balances: map[string]ledger.Balances{},
	}
	return b.write(ctx, batch)
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
	fresh    []string  // payments of this batch, in order
	loaded   []Payment // the others, as they were
	lists    map[string]*PaymentList
	balances map[string]ledger.Balances
	entries  [][]any
	// bookings are the credits of this batch, in order.
	bookings []booking
}

func (b *books) write(ctx context.Context, batch []events.Recorded) error {
	if err := b.load(ctx, batch); err != nil {
		return err
	}
	for _, r := range batch {
		b.apply(r)
	}
	for _, step := range []func(context.Context) error{b.insertPayments, b.updatePayments, b.writeLists, b.insertEntries, b.writeBalances, b.writeBookings} {
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
		_, seen := b.payments[id]
		switch {
		case id == "":
			if list := listOf(r.Event); list != "" {
				b.lists[list] = nil
			}
		case begins(r.Event):
			b.payments[id] = &Payment{}
			b.fresh = append(b.fresh, id)
			b.lists[payrollOf(r.Event)] = nil
		case !seen:
			b.payments[id] = nil
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
  inquiries, contested, said, recall, cash_reason, collected_on, receipt, duplicate_of, from_list, news_at, facts`

// A fact needs what changes of a payment, its list and its amount: the rest stays in the table, and is neither read nor written.
const changingColumns = `payment, payroll, amount, status, attempt, end_to_end_id, bank, account, outcome, reason, bank_reference, booked_at,
  inquiries, contested, said, recall, cash_reason, collected_on, receipt, duplicate_of, from_list, news_at, facts`

func scanChanging(row pgx.CollectableRow) (p Payment, err error) {
	err = row.Scan(&p.Payment, &p.Payroll, &p.Amount, &p.Status, &p.Attempt, &p.EndToEndID, &p.Bank, &p.Account, &p.Outcome, &p.Reason,
		&p.BankReference, &p.BookedAt, &p.Inquiries, &p.Contested, &p.Said, &p.Recall, &p.CashReason, &p.CollectedOn, &p.Receipt,
		&p.DuplicateOf, &p.FromList, &p.NewsAt, &p.Facts)
	return p, err
}

func (b *books) loadPayments(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := b.tx.Query(ctx, `select `+changingColumns+` from payments_v1 where payment = any($1)`, ids)
	if err != nil {
		return fmt.Errorf("load %d payments: %w", len(ids), err)
	}
	b.loaded, err = pgx.AppendRows(make([]Payment, 0, len(ids)), rows, scanChanging)
	if err != nil {
		return fmt.Errorf("load %d payments: %w", len(ids), err)
	}
	if len(b.loaded) != len(ids) {
		return fmt.Errorf("load payments: %d of %d are there", len(b.loaded), len(ids))
	}
	for i := range b.loaded {
		b.loaded[i].inUTC()
		p := b.loaded[i]
		b.payments[p.Payment] = &p
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
	if e, credited := r.Event.(disbursement.PaymentCredited); credited {
		b.bookings = append(b.bookings, booking{bank: after.Bank, reference: e.BankReference, payment: id, attempt: after.Attempt})
	}
	if begins(r.Event) {
		after.PayrollMonth = b.lists[after.Payroll].Month
	}
	if posting, moved := movement(before, &after); moved {
		if b.lists[after.Payroll].Closed {
			posting = posting.BehindClosure()
		}
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
