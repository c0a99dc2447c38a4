package projections

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

// Line is a line of a list as the read model shows it.
type Line struct {
	Place         int64
	Payment       string
	Beneficiary   string
	Mark          string
	Enrolments    []string
	UnitCode      string
	UnitValidFrom string
	Month         string
	Kind          string
	Origin        string
	Amount        int64
	Method        string
	CashReason    string
	Account       string
	Bank          string
	Signals       []string
	Held          bool
	// Removed says why the line is not paid after all; empty if it is.
	Removed string
	// Proofs is the vault reference of the chunk's proofs, Proof the place in it.
	Proofs string
	Proof  int
}

// Unit is the commune of the person.
func (l Line) Unit() events.Unit { return unit(l.UnitCode, l.UnitValidFrom) }

const listedColumns = `place, payment, beneficiary, mark, enrolments, unit_code, unit_valid_from, month, kind, origin, amount,
  method, cash_reason, account, bank, signals, held, removed, proofs, proof`

// LineFilter narrows the lines of a draft. Empty fields do not narrow.
type LineFilter struct {
	Payroll string
	Draft   int
	// Scope keeps an officer of a commune within it, also in the list of a province.
	Scope                                   Scope
	Method, Kind, Unit, Beneficiary, Signal string
	Held, Removed                           *bool
	After                                   int64
	Limit                                   int
}

const listLines = `
select ` + listedColumns + `
  from lines
 where ` + inScope + `
   and payroll = $3 and draft = $4
   and ($5 = '' or method = $5)
   and ($6 = '' or kind = $6)
   and ($7 = '' or unit_code = $7)
   and ($8 = '' or beneficiary = $8)
   and ($9 = '' or $9 = any(signals))
   and ($10::boolean is null or held = $10)
   and ($11::boolean is null or (removed <> '') = $11)
   and place > $12
 order by place
 limit $13`

// ListLines lists the lines of a draft in their order.
func ListLines(ctx context.Context, pool *pgxpool.Pool, f LineFilter) ([]Line, error) {
	rows, err := pool.Query(ctx, listLines, f.Scope.Codes, f.Scope.ValidFrom, f.Payroll, f.Draft, f.Method, f.Kind, f.Unit,
		f.Beneficiary, f.Signal, f.Held, f.Removed, f.After, f.Limit)
	return collect[Line](rows, err, "list lines")
}

// OneLine reads a line by the id of its payment.
func OneLine(ctx context.Context, pool *pgxpool.Pool, list string, draft int, payment string) (Line, bool, error) {
	rows, err := pool.Query(ctx, `select `+listedColumns+` from lines where payment = $1 and payroll = $2 and draft = $3`, payment, list, draft)
	return one[Line](rows, err, "read line")
}

// Signal is something that somebody has to look at: about a line, or besides the lines.
type Signal struct {
	Place       int64
	Code        string
	Line        string
	Beneficiary string
	UnitCode    string
	Month       string
	Amount      int64
	Months      int
	Held        bool
}

const listSignals = `
select place, code, line, beneficiary, unit_code, month, amount, months, held
  from (
    select payroll, draft, place, unnest(signals) as code, payment as line, beneficiary, unit_code, unit_valid_from, month, amount, 0 as months, held
      from lines where payroll = $3 and draft = $4 and signals <> '{}'
    union all
    select payroll, draft, place, code, '', beneficiary, unit_code, unit_valid_from, month, amount, months, false
      from findings where payroll = $3 and draft = $4
  ) as s
 where ` + inScope + `
   and ($5 = '' or code = $5)
   and (place, code) > ($6, $7)
 order by place, code
 limit $8`

// SignalFilter narrows the signals of a draft.
type SignalFilter struct {
	Payroll string
	Draft   int
	Scope   Scope
	Code    string
	After   SignalKey
	Limit   int
}

// SignalKey is where a page of signals ends.
type SignalKey struct {
	Place int64  `json:"p"`
	Code  string `json:"c"`
}

// ListSignals lists what was noticed about a draft, in the order of its lines.
func ListSignals(ctx context.Context, pool *pgxpool.Pool, f SignalFilter) ([]Signal, error) {
	rows, err := pool.Query(ctx, listSignals, f.Scope.Codes, f.Scope.ValidFrom, f.Payroll, f.Draft, f.Code,
		f.After.Place, f.After.Code, f.Limit)
	return collect[Signal](rows, err, "list signals")
}

// Covered is what other lists of a programme that were not rejected pay a person for a month, or have paid.
type Covered struct {
	Mark      string
	Programme string
	Month     string
	Amount    int64
	// Earlier are the months before those that were asked for, of a row that tells nothing else.
	Earlier []string
}

// taken tells that a line of a list that still pays takes over the line l of a payment that was carried forward; the list that asks is $2.
const taken = `exists (
     select from lines t join payrolls tp on tp.payroll = t.payroll and tp.draft = t.draft
      where t.origin = l.payment and t.origin <> '' and not t.held and t.removed = '' and tp.status <> 'rejected' and t.payroll <> $2)`

// givenBack are payments that cover no month any more, because nobody has their money and none of them is ever made: what went back to
// the treasury, what was carried forward and lost a right for good before any list took it over, and what such a payment had taken over.
// Unless a bank says now that it has paid one of the chain after all. If it was the duplicate of another payment, that one counts, in its
// own programme. A right that is only suspended may come back, and then the next list takes over what was carried. "offset 0" asks all
// that of what was carried alone.
const givenBack = `
with recursive given_back as (
  select p.payment, p.origin from payments p
   where p.refunded and not ` + chainOf + `p.payment` + isContested + `
  union
  select l.payment, l.origin
    from (select p.payment, p.origin, l.month, l.enrolments
            from lines l
            join carried c on c.payment = l.payment
            join payments p on p.payment = l.payment and p.payroll = l.payroll
           where l.mark = any($1) offset 0) as l
   where not ` + taken + ` and not ` + chainOf + `l.payment` + isContested + `
     and exists (select from enrolments e where e.enrolment = any(l.enrolments) and e.stopped_from <> '' and e.stopped_from <= l.month)
  union
  select p.payment, p.origin from given_back r join payments p on p.payment = r.origin where r.origin <> ''
)`

// What was carried forward counts with the payment that it began as, and not again.
const coveredMonths = givenBack + `, paid as (
  select l.mark, l.programme, l.month, sum(l.amount)::bigint as amount
    from lines l join payrolls p on p.payroll = l.payroll and p.draft = l.draft
   where l.mark = any($1) and l.month <= $4 and l.payroll <> $2
     and l.kind in ('regular', 'arrears') and not l.held and l.removed = '' and p.status <> 'rejected'
     and l.payment not in (select payment from given_back)
   group by l.mark, l.programme, l.month
)
select mark, programme, month, amount, '{}'::text[] from paid where month >= $3
union all
select mark, '', '', 0, array_agg(month) from paid where month < $3 group by mark`

// Asking is what a list asks about the payments of some people.
type Asking struct {
	Marks     []string
	Programme string
	// From and To are months, both included.
	From, To string
	// Except is the list that asks.
	Except string
}

// CoveredMonths returns what is paid or going to be paid by other lists, those of other programmes too, and of which months before
// anything is.
func CoveredMonths(ctx context.Context, pool *pgxpool.Pool, a Asking) ([]Covered, error) {
	rows, err := pool.Query(ctx, coveredMonths, a.Marks, a.Except, a.From, a.To)
	return collect[Covered](rows, err, "read covered months")
}

const idleMonths = givenBack + `
select l.mark, l.programme, l.month, sum(l.amount)::bigint, '{}'::text[]
  from lines l
  join payrolls p on p.payroll = l.payroll and p.draft = l.draft
  join payments q on q.payment = l.payment and q.payroll = l.payroll and q.contested = '{}'
   and (q.status = 'recalled' or q.status = 'carried_forward' and not exists (
     with recursive taker as (
       select t.payment, t.status from payments t where t.origin = q.payment and t.origin <> ''
       union
       select t.payment, t.status from taker k join payments t on t.origin = k.payment and t.origin <> ''
     )
     select from taker where status not in ('carried_forward', 'recalled')))
 where l.mark = any($1) and l.programme = $3 and l.month between $4 and $5 and l.payroll <> $2
   and l.kind in ('regular', 'arrears') and not l.held and l.removed = '' and p.status <> 'rejected'
   and l.payment not in (select payment from given_back)
 group by l.mark, l.programme, l.month`

// IdleMonths returns the part of [CoveredMonths] in the programme that nobody has: it lies with its list, or with that of
// a taker, or no list has taken it over. It is covered all the same: its own payment can still be made, so no other one is.
func IdleMonths(ctx context.Context, pool *pgxpool.Pool, a Asking) ([]Covered, error) {
	rows, err := pool.Query(ctx, idleMonths, a.Marks, a.Except, a.Programme, a.From, a.To)
	return collect[Covered](rows, err, "read idle months")
}

// Carried is a payment that reached nobody and that no list has taken over yet.
type Carried struct {
	Payment       string
	Mark          string
	Beneficiary   string
	Enrolments    []string
	UnitCode      string
	UnitValidFrom string
	Month         string
	Amount        int64
	// Unheard tells that a bank refused it for a death, and that accounts has neither heard of that nor knows of a death.
	Unheard bool
}

const untakenPayments = `
select distinct on (l.payment) l.payment, l.mark, l.beneficiary, l.enrolments, l.unit_code, l.unit_valid_from, l.month, l.amount,
       failed.reason = '` + payment.Deceased + `' and not exists (
         select from beneficiaries b where b.mark = l.mark and (b.died_on <> '' or failed.end_to_end_id = any(b.death_heard)))
  from lines l
  join payrolls p on p.payroll = l.payroll and p.draft = l.draft and p.status in ('released', 'closed')
  join carried c on c.payment = l.payment
  join payments failed on failed.payment = l.payment
 where l.mark = any($1) and l.programme = $3 and not l.held and l.removed = ''
   and not ` + chainOf + `l.payment` + isContested + ` and ` + lapsed + ` is null and not ` + taken + `
 order by l.payment`

// UntakenPayments returns what was carried forward and is on no other list yet (invariant I11). What a bank says it credited
// after all, it or a payment that it took over, stays where it is until the money is back. What the right no longer covers is not
// paid by it: a suspension may end, and after a stop the month is open to whatever was decided instead.
func UntakenPayments(ctx context.Context, pool *pgxpool.Pool, a Asking) ([]Carried, error) {
	rows, err := pool.Query(ctx, untakenPayments, a.Marks, a.Except, a.Programme)
	return collect[Carried](rows, err, "read carried payments")
}

// Unit is where it was paid.
func (c Carried) Unit() events.Unit { return unit(c.UnitCode, c.UnitValidFrom) }

// AnyCarried tells whether anything was ever carried forward.
func AnyCarried(ctx context.Context, pool *pgxpool.Pool) (bool, error) {
	type row struct{ Any bool }
	rows, err := pool.Query(ctx, `select exists (select from carried)`)
	found, _, err := one[row](rows, err, "look for carried payments")
	return found.Any, err
}
