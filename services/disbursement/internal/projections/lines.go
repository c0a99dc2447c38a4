package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// Lines is the read model of the lines of lists, and of what was found besides. It also remembers which payments were
// carried forward, because the lines know what they were for.
func Lines() *projection.Projection {
	return projection.New("lines_v1", linesDDL, applyLines).Of(
		payroll.LinesComputed{}, disbursement.LineRemoved{}, disbursement.PayrollDrafted{}, disbursement.PaymentCarriedForward{},
	)
}

const linesDDL = `
create table if not exists lines_v1 (
  payroll         text not null,
  draft           bigint not null,
  place           bigint not null,
  payment         text not null,
  beneficiary     text not null,
  mark            text not null,
  enrolments      text[] not null,
  unit_code       text not null,
  unit_valid_from text not null,
  programme       text not null,
  month           text not null,
  kind            text not null,
  origin          text not null,
  instead_of      text[] not null,
  amount          bigint not null,
  method          text not null,
  cash_reason     text not null,
  account         text not null,
  bank            text not null,
  signals         text[] not null,
  held            boolean not null,
  removed         text not null,
  proofs          text not null,
  proof           bigint not null,
  primary key (payroll, draft, place)
);
create index if not exists lines_by_mark_v1 on lines_v1 (mark, programme);
create index if not exists lines_by_payment_v1 on lines_v1 (payment);
create index if not exists lines_by_origin_v1 on lines_v1 (origin) where origin <> '';
create table if not exists findings_v1 (
  payroll         text not null,
  draft           bigint not null,
  place           bigint not null,
  beneficiary     text not null,
  mark            text not null,
  unit_code       text not null,
  unit_valid_from text not null,
  month           text not null,
  code            text not null,
  amount          bigint not null,
  months          bigint not null,
  primary key (payroll, draft, place)
);
create table if not exists carried_v1 (
  payment text primary key,
  mark    text not null
);
create index if not exists carried_by_mark_v1 on carried_v1 (mark);
`

// The place of a line orders a list as its sheets do; findings of a chunk come after its lines.
const (
	placesOfSheet = 10_000_000
	placesOfChunk = 100_000
	findingsFrom  = 50_000
)

// changed is what a batch of facts does to the tables.
type changed struct {
	lines, findings [][]any
	removed         []disbursement.LineRemoved
	drafted         []disbursement.PayrollDrafted
	carried         []string
}

func applyLines(ctx context.Context, tx pgx.Tx, batch []events.Recorded) error {
	c := changesOf(batch)
	return c.write(ctx, tx)
}

func changesOf(batch []events.Recorded) (c changed) {
	for _, r := range batch {
		switch e := r.Event.(type) {
		case payroll.LinesComputed:
			c.add(e)
		case disbursement.LineRemoved:
			c.removed = append(c.removed, e)
		case disbursement.PayrollDrafted:
			c.drafted = append(c.drafted, e)
		case disbursement.PaymentCarriedForward:
			c.carried = append(c.carried, e.Payment)
		}
	}
	return c
}

func (c *changed) add(e payroll.LinesComputed) {
	place := int64(e.Sheet)*placesOfSheet + int64(e.Chunk)*placesOfChunk
	for i, l := range e.Lines {
		c.lines = append(c.lines, []any{
			e.Payroll, e.Draft, place + int64(i), l.Payment, l.Beneficiary, l.Mark, notNull(l.Enrolments), l.Unit.Code, l.Unit.ValidFrom,
			e.Programme, l.Month, l.Kind, l.Origin, notNull(l.InsteadOf), int64(l.Amount), l.Method, l.CashReason, l.Account, l.Bank,
			notNull(l.Signals), l.Held, "", e.Proofs, i,
		})
	}
	for i, f := range e.Findings {
		c.findings = append(c.findings, []any{
			e.Payroll, e.Draft, place + findingsFrom + int64(i), f.Beneficiary, f.Mark, f.Unit.Code, f.Unit.ValidFrom, f.Month, f.Code, int64(f.Amount), f.Months,
		})
	}
}

func notNull(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func lineColumns() []string {
	return []string{
		"payroll", "draft", "place", "payment", "beneficiary", "mark", "enrolments", "unit_code", "unit_valid_from",
		"programme", "month", "kind", "origin", "instead_of", "amount", "method", "cash_reason", "account", "bank",
		"signals", "held", "removed", "proofs", "proof",
	}
}

func findingColumns() []string {
	return []string{"payroll", "draft", "place", "beneficiary", "mark", "unit_code", "unit_valid_from", "month", "code", "amount", "months"}
}

// write inserts first: a removal in the batch concerns a line that is there by then, and so does a new draft.
func (c *changed) write(ctx context.Context, tx pgx.Tx) error {
	if len(c.lines) > 0 {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"lines_v1"}, lineColumns(), pgx.CopyFromRows(c.lines)); err != nil {
			return fmt.Errorf("insert lines: %w", err)
		}
	}
	if len(c.findings) > 0 {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"findings_v1"}, findingColumns(), pgx.CopyFromRows(c.findings)); err != nil {
			return fmt.Errorf("insert findings: %w", err)
		}
	}
	if len(c.carried) > 0 {
		const insert = `insert into carried_v1 (payment, mark) select distinct payment, mark from lines_v1 where payment = any($1) on conflict do nothing`
		if _, err := tx.Exec(ctx, insert, c.carried); err != nil {
			return fmt.Errorf("insert carried payments: %w", err)
		}
	}
	return c.change(ctx, tx)
}

const removeLines = `
update lines_v1 as l
   set removed = r.reason
  from unnest($1::text[], $2::text[], $3::text[]) as r (payroll, payment, reason)
 where l.payment = r.payment and l.payroll = r.payroll`

func (c *changed) change(ctx context.Context, tx pgx.Tx) error {
	if len(c.removed) > 0 {
		var lists, payments, reasons []string
		for _, e := range c.removed {
			lists, payments, reasons = append(lists, e.Payroll), append(payments, e.Line), append(reasons, e.Reason)
		}
		if _, err := tx.Exec(ctx, removeLines, lists, payments, reasons); err != nil {
			return fmt.Errorf("mark removed lines: %w", err)
		}
	}
	for _, e := range c.drafted {
		if e.Draft == 1 {
			continue
		}
		for _, table := range []string{"lines_v1", "findings_v1"} {
			if _, err := tx.Exec(ctx, `delete from `+table+` where payroll = $1 and draft < $2`, e.Payroll, e.Draft); err != nil {
				return fmt.Errorf("delete lines of older drafts: %w", err)
			}
		}
	}
	return nil
}
