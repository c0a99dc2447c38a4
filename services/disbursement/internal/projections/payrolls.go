package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// Payroll is one row of the table of payrolls.
type Payroll struct {
	Payroll       string    `db:"payroll,key"`
	Draft         int       `db:"draft"`
	UnitCode      string    `db:"unit_code"`
	UnitValidFrom string    `db:"unit_valid_from"`
	Programme     string    `db:"programme"`
	Month         string    `db:"month"`
	AsOf          string    `db:"as_of"`
	DraftedAt     time.Time `db:"drafted_at"`
	Status        string    `db:"status"`
	// SheetsDone and LinesDone are how far the clerk got: sheets of about a thousand people, and lines.
	SheetsDone   int    `db:"sheets_done"`
	LinesDone    int    `db:"lines_done"`
	Computed     bool   `db:"computed"`
	Lines        int    `db:"lines"`
	ByAccount    int    `db:"by_account"`
	InCash       int    `db:"in_cash"`
	Held         int    `db:"held"`
	Findings     int    `db:"findings"`
	Total        int64  `db:"total"`
	Hash         string `db:"hash"`
	Funds        int64  `db:"funds"`
	Removed      int    `db:"removed"`
	RemovedTotal int64  `db:"removed_total"`
}

// Unit is whose list it is.
func (p Payroll) Unit() events.Unit { return unit(p.UnitCode, p.UnitValidFrom) }

// Payrolls is the read model of the lists.
func Payrolls() *projection.Projection {
	return payrolls().Projection().Of(
		disbursement.PayrollDrafted{}, payroll.LinesComputed{}, disbursement.PayrollComputed{}, disbursement.PayrollSubmitted{},
		disbursement.PayrollChecked{}, disbursement.PayrollApproved{}, disbursement.PayrollRejected{}, disbursement.PayrollFunded{},
		disbursement.LineRemoved{}, disbursement.PayrollReleased{}, disbursement.PayrollClosed{},
	)
}

func payrolls() projection.Table[Payroll] {
	return projection.Table[Payroll]{
		Name: "payrolls_v1", DDL: payrollsDDL, Key: payrollKey, Apply: applyToPayroll,
	}
}

const payrollsDDL = `
create table if not exists payrolls_v1 (
  payroll         text primary key,
  draft           bigint not null,
  unit_code       text not null,
  unit_valid_from text not null,
  programme       text not null,
  month           text not null,
  as_of           text not null,
  drafted_at      timestamptz not null,
  status          text not null,
  sheets_done     bigint not null,
  lines_done      bigint not null,
  computed        boolean not null,
  lines           bigint not null,
  by_account      bigint not null,
  in_cash         bigint not null,
  held            bigint not null,
  findings        bigint not null,
  total           bigint not null,
  hash            text not null,
  funds           bigint not null,
  removed         bigint not null,
  removed_total   bigint not null
) with (fillfactor = 80);
create index if not exists payrolls_by_month_v1 on payrolls_v1 (month desc, payroll);
`

func payrollKey(r events.Recorded) (string, bool) {
	switch e := r.Event.(type) {
	case disbursement.PayrollDrafted:
		return e.Payroll, true
	case payroll.LinesComputed:
		return e.Payroll, true
	case disbursement.PayrollComputed:
		return e.Payroll, true
	case disbursement.PayrollSubmitted:
		return e.Payroll, true
	case disbursement.PayrollChecked:
		return e.Payroll, true
	case disbursement.PayrollApproved:
		return e.Payroll, true
	case disbursement.PayrollRejected:
		return e.Payroll, true
	case disbursement.PayrollFunded:
		return e.Payroll, true
	case disbursement.LineRemoved:
		return e.Payroll, true
	case disbursement.PayrollReleased:
		return e.Payroll, true
	case disbursement.PayrollClosed:
		return e.Payroll, true
	default:
		return "", false
	}
}

func applyToPayroll(p Payroll, r events.Recorded) Payroll {
	switch e := r.Event.(type) {
	case disbursement.PayrollDrafted:
		p = Payroll{
			Payroll: e.Payroll, Draft: e.Draft, UnitCode: e.Unit.Code, UnitValidFrom: e.Unit.ValidFrom, Programme: e.Programme,
			Month: e.Month, AsOf: e.AsOf, DraftedAt: r.Meta.OccurredAt, Status: payroll.Drafted,
		}
	case payroll.LinesComputed:
		if e.Draft == p.Draft {
			p.SheetsDone, p.LinesDone = e.Sheet+1, p.LinesDone+len(e.Lines)
		}
	case disbursement.PayrollComputed:
		p.Computed, p.Lines, p.Held, p.Total, p.Hash = true, e.Lines, e.Held, e.Total, e.Hash
		p.ByAccount, p.InCash, p.Findings = e.ByAccount, e.InCash, e.Findings
	case disbursement.PayrollFunded:
		p.Funds += e.Amount
	case disbursement.LineRemoved:
		p.Removed, p.RemovedTotal = p.Removed+1, p.RemovedTotal+e.Amount
	default:
		p.Status = statusAfter(p.Status, r.Event)
	}
	if p.Status == payroll.Approved || p.Status == payroll.Funded {
		p.Status = payroll.Approved
		if p.Funds >= p.Total-p.RemovedTotal {
			p.Status = payroll.Funded
		}
	}
	return p
}

func statusAfter(before string, e events.Event) string {
	switch e.(type) {
	case disbursement.PayrollSubmitted:
		return payroll.Submitted
	case disbursement.PayrollChecked:
		return payroll.Checked
	case disbursement.PayrollApproved:
		return payroll.Approved
	case disbursement.PayrollRejected:
		return payroll.Rejected
	case disbursement.PayrollReleased:
		return payroll.Released
	case disbursement.PayrollClosed:
		return payroll.Closed
	default:
		return before
	}
}

const payrollColumns = `payroll, draft, unit_code, unit_valid_from, programme, month, as_of, drafted_at, status, sheets_done,
  lines_done, computed, lines, by_account, in_cash, held, findings, total, hash, funds, removed, removed_total`

// PayrollFilter narrows a list of payrolls. Empty fields do not narrow.
type PayrollFilter struct {
	Scope                          Scope
	Unit, Programme, Month, Status string
	After                          *PayrollKey
	Limit                          int
}

// PayrollKey is where a page of payrolls ends: they run from the latest month to the earliest.
type PayrollKey struct {
	Month   string `json:"m"`
	Payroll string `json:"p"`
}

const listPayrolls = `
select ` + payrollColumns + `
  from payrolls
 where ` + inScope + `
   and ($3 = '' or unit_code = $3)
   and ($4 = '' or programme = $4)
   and ($5 = '' or month = $5)
   and ($6 = '' or status = $6)
   and ($7::text is null or month < $7 or month = $7 and payroll > $8)
 order by month desc, payroll
 limit $9`

// ListPayrolls lists payrolls, the latest month first.
func ListPayrolls(ctx context.Context, pool *pgxpool.Pool, f PayrollFilter) ([]Payroll, error) {
	var afterMonth *string
	var after string
	if f.After != nil {
		afterMonth, after = &f.After.Month, f.After.Payroll
	}
	rows, err := pool.Query(ctx, listPayrolls, f.Scope.Codes, f.Scope.ValidFrom, f.Unit, f.Programme, f.Month, f.Status,
		afterMonth, after, f.Limit)
	return collect[Payroll](rows, err, "list payrolls")
}

// OnePayroll reads a row.
func OnePayroll(ctx context.Context, pool *pgxpool.Pool, id string) (Payroll, bool, error) {
	rows, err := pool.Query(ctx, `select `+payrollColumns+` from payrolls where payroll = $1`, id)
	return one[Payroll](rows, err, "read payroll")
}

// NextToCompute returns the payroll whose draft has waited longest for the clerk, apart from some.
func NextToCompute(ctx context.Context, pool *pgxpool.Pool, except []string) (Payroll, bool, error) {
	rows, err := pool.Query(ctx, `select `+payrollColumns+` from payrolls
 where status = 'drafted' and not computed and payroll <> all($1::text[]) order by drafted_at, payroll limit 1`, except)
	return one[Payroll](rows, err, "look for drafts to compute")
}
