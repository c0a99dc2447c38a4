package disbursement

import (
	"context"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// ListChanges pages through what differs.
type ListChanges struct {
	httpapi.Paging[string]
}

// Change is a person who is listed otherwise than the month before.
type Change struct {
	Beneficiary  string       `json:"beneficiary"`
	Unit         string       `json:"unit"`
	Change       string       `json:"change" enum:"added,left_out,amount,method,account"`
	Reason       string       `json:"reason" enum:"enrolled,resumed,died,stopped,suspended,rate,right,age_or_rule,other_list,account_opened,no_account,account_pending,account_refused,account_suspended,account_blocked,account_closed,account_replaced"`
	AmountBefore money.Amount `json:"amount_before" doc:"dong"`
	Amount       money.Amount `json:"amount" doc:"dong"`
	MethodBefore string       `json:"method_before,omitzero"`
	Method       string       `json:"method,omitzero"`
}

// Changes is a page of them.
type Changes struct {
	Items []Change `json:"items"`
	Next  string   `json:"next_cursor,omitzero"`
	// Before is the list that is compared with.
	Before string `json:"before,omitzero" doc:"id of the list of the month before; absent if there is none"`
}

// changes compares the lines for the list's own month with those of the same unit and programme a month before.
func (a *app) changes(ctx context.Context, c httpapi.Call[ListChanges]) (Changes, error) {
	p, scope, err := a.readable(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return Changes{}, err
	}
	in, err := month.Parse(p.Month)
	if err != nil {
		return Changes{}, err
	}
	before, found, err := projections.OnePayroll(ctx, a.pool, a.payrollID(p.Unit, p.Programme, in.Prev().String()))
	if err != nil {
		return Changes{}, err
	}
	asked := projections.Comparison{Scope: scope, Payroll: p.Payroll, Draft: p.Draft, Limit: c.In.More()}
	if found && before.Status != payroll.Rejected {
		asked.Before, asked.BeforeDraft = before.Payroll, before.Draft
	}
	if c.In.Cursor.At != nil {
		asked.After = *c.In.Cursor.At
	}
	rows, err := projections.CompareLists(ctx, a.pool, asked)
	if err != nil {
		return Changes{}, err
	}
	rows, next := httpapi.Cut(c.In.Paging, rows, func(r projections.Compared) string { return r.Mark })
	page := Changes{Items: make([]Change, 0, len(rows)), Next: next, Before: asked.Before}
	return page, a.explain(ctx, &page, explaining{list: p, month: in, before: before, rows: rows})
}

// explaining is what changes are explained from.
type explaining struct {
	list   payroll.Payroll
	month  month.Month
	before projections.Payroll
	rows   []projections.Compared
	rights map[string][]projections.Enrolment
}

// explain finds the reasons, reading the rights of all people of the page at once.
func (a *app) explain(ctx context.Context, page *Changes, e explaining) error {
	marks := make([]string, len(e.rows))
	for i, row := range e.rows {
		marks[i] = row.Mark
	}
	rights, err := projections.EnrolmentsOf(ctx, a.pool, marks)
	if err != nil {
		return err
	}
	e.rights = map[string][]projections.Enrolment{}
	for _, right := range rights {
		if right.Programme == e.list.Programme {
			e.rights[right.Mark] = append(e.rights[right.Mark], right)
		}
	}
	for _, row := range e.rows {
		change := Change{
			Beneficiary: row.Beneficiary, Unit: row.UnitCode, AmountBefore: money.Amount(row.AmountBefore),
			Amount: money.Amount(row.Amount), MethodBefore: row.MethodBefore, Method: row.Method,
		}
		change.Change, change.Reason = a.reasonOf(row, e)
		page.Items = append(page.Items, change)
	}
	return nil
}

func (a *app) reasonOf(row projections.Compared, e explaining) (change, reason string) {
	switch {
	case !row.Before:
		return "added", e.whyAdded(row.Mark)
	case !row.Listed:
		return "left_out", e.whyLeftOut(row.Mark)
	case row.Amount != row.AmountBefore:
		return "amount", a.whyAmount(row.Mark, e)
	case row.Method != row.MethodBefore && row.Method == payroll.InCash:
		return "method", row.CashReason
	case row.Method != row.MethodBefore:
		return "method", "account_opened"
	default:
		return "account", "account_replaced"
	}
}

func (e explaining) whyAdded(mark string) string {
	for _, right := range e.rights[mark] {
		for _, s := range right.Suspensions {
			if s.ResumedFrom == e.month {
				return "resumed"
			}
		}
		if right.StartsFrom == e.month.String() {
			return "enrolled"
		}
	}
	return "other_list"
}

func (e explaining) whyLeftOut(mark string) string {
	for _, right := range e.rights[mark] {
		for _, s := range right.Suspensions {
			if !e.month.Before(s.From) && (s.ResumedFrom.IsZero() || e.month.Before(s.ResumedFrom)) {
				return "suspended"
			}
		}
		switch {
		case right.StoppedFrom == "" || right.StoppedFrom > e.month.String():
		case right.Died:
			return "died"
		default:
			return "stopped"
		}
	}
	return "age_or_rule"
}

// whyAmount tells a new rate from a new or ended right, and both from a birthday.
func (a *app) whyAmount(mark string, e explaining) string {
	for _, right := range e.rights[mark] {
		if right.StartsFrom == e.month.String() || right.StoppedFrom == e.month.String() {
			return "right"
		}
	}
	if a.standardOf(e.list.Programme, e.list.AsOf, e.month) != a.standardOf(e.list.Programme, e.before.AsOf, e.month.Prev()) {
		return "rate"
	}
	return "age_or_rule"
}
