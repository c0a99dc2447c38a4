package disbursement

import (
	"context"

	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// ListPayrolls narrows a list of lists.
type ListPayrolls struct {
	httpapi.Paging[projections.PayrollKey]

	Unit      string `query:"unit" pattern:"^[0-9]{2}([0-9]{3})?$"`
	Programme string `query:"programme" maxLength:"40"`
	Month     string `query:"month" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$"`
	Status    string `query:"status" enum:"drafted,submitted,checked,approved,funded,released,closed,rejected"`
}

func (a *app) listPayrolls(ctx context.Context, c httpapi.Call[ListPayrolls]) (httpapi.Page[Payroll], error) {
	rows, err := projections.ListPayrolls(ctx, a.pool, projections.PayrollFilter{
		Scope: scope(c.Pass, ""), Unit: c.In.Unit, Programme: c.In.Programme, Month: c.In.Month, Status: c.In.Status,
		After: c.In.Cursor.At, Limit: c.In.More(),
	})
	if err != nil {
		return httpapi.Page[Payroll]{}, err
	}
	return httpapi.PageOf(c.In.Paging, rows, viewPayrollRow, func(p projections.Payroll) projections.PayrollKey {
		return projections.PayrollKey{Month: p.Month, Payroll: p.Payroll}
	}), nil
}

func viewPayrollRow(row projections.Payroll) Payroll {
	v := Payroll{
		ID: row.Payroll, Status: row.Status, Draft: row.Draft, Unit: row.UnitCode, Programme: row.Programme, Month: row.Month,
		AsOf: row.AsOf, Hash: row.Hash, Funded: row.Funds, Payable: row.Total - row.RemovedTotal, Removed: row.Removed, RemovedTotal: row.RemovedTotal,
	}
	if row.Computed {
		v.Totals = &Totals{
			Lines: row.Lines, ByAccount: row.ByAccount, InCash: row.InCash, Held: row.Held, Findings: row.Findings, Total: row.Total,
		}
	} else {
		v.Progress = progressOf(row)
	}
	return v
}

// sheetPeople is how many people one step of the clerk looks at.
const sheetPeople = vault.MaxRefs

func progressOf(row projections.Payroll) *Progress {
	return &Progress{Lines: row.LinesDone, People: row.SheetsDone * sheetPeople}
}

func (a *app) onePayroll(ctx context.Context, c httpapi.Call[struct{}]) (Payroll, error) {
	p, err := a.payrollOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return Payroll{}, err
	}
	view := viewPayroll(p)
	if !p.Ready() {
		row, _, err := projections.OnePayroll(ctx, a.pool, p.Payroll)
		if err != nil {
			return Payroll{}, err
		}
		view.Progress = progressOf(row)
	}
	return view, nil
}

// readable is the draft of a list that the caller may read, and how much of it: an officer of a commune sees their people
// in the list of a province, too.
func (a *app) readable(ctx context.Context, id string, may policy.Pass) (payroll.Payroll, projections.Scope, error) {
	p, err := eventstore.State[payroll.Payroll](ctx, a.log, payroll.Stream(id))
	if err != nil {
		return payroll.Payroll{}, projections.Scope{}, err
	}
	if !p.Exists() || !may.May(thing(p.Unit)) && !may.LiesIn(thing(p.Unit).Unit) {
		return payroll.Payroll{}, projections.Scope{}, payroll.ErrUnknown()
	}
	return p, scope(may, ""), nil
}

// ListLines narrows the lines of a list.
type ListLines struct {
	httpapi.Paging[int64]

	Method      string `query:"method" enum:"account,cash"`
	Kind        string `query:"kind" enum:"regular,arrears,carried_forward"`
	Unit        string `query:"unit" pattern:"^[0-9]{5}$"`
	Beneficiary string `query:"beneficiary" maxLength:"64"`
	Signal      string `query:"signal" maxLength:"40"`
	Held        *bool  `query:"held"`
	Removed     *bool  `query:"removed"`
}

// Line is a line of a list. People are references.
type Line struct {
	ID          string       `json:"id" doc:"of the payment that the line becomes"`
	Beneficiary string       `json:"beneficiary"`
	Unit        string       `json:"unit"`
	Month       string       `json:"month" doc:"what the money is for"`
	Kind        string       `json:"kind" enum:"regular,arrears,carried_forward"`
	Origin      string       `json:"origin,omitzero" doc:"the payment that is carried forward"`
	Amount      money.Amount `json:"amount" doc:"dong"`
	Method      string       `json:"method" enum:"account,cash"`
	CashReason  string       `json:"cash_reason,omitzero"`
	Bank        string       `json:"bank,omitzero"`
	Account     string       `json:"account,omitzero"`
	Signals     []string     `json:"signals,omitempty"`
	Held        bool         `json:"held,omitzero" doc:"stands in the list and is not paid"`
	Removed     string       `json:"removed,omitzero" doc:"why the line is not paid after all"`
	Proof       *LineProof   `json:"proof,omitzero"`
}

// LineProof is how the amount of a line was computed.
type LineProof struct {
	AsOf        string       `json:"as_of"`
	Rules       string       `json:"rules"`
	Entitlement *Entitlement `json:"entitlement,omitzero" doc:"absent for what was carried forward"`
	Covered     money.Amount `json:"covered" doc:"what other lists pay for the month, or what was paid before this system; the line is the difference"`
	// OtherProgrammes is why a line is held with the signal paid_by_other_programme.
	OtherProgrammes money.Amount `json:"other_programmes,omitzero" doc:"what other programmes' lists pay for the month beyond what the law grants there; the line is held"`
}

func viewLine(l projections.Line) Line {
	return Line{
		ID: l.Payment, Beneficiary: l.Beneficiary, Unit: l.UnitCode, Month: l.Month, Kind: l.Kind, Origin: l.Origin,
		Amount: money.Amount(l.Amount), Method: l.Method, CashReason: l.CashReason, Bank: l.Bank, Account: l.Account,
		Signals: l.Signals, Held: l.Held, Removed: l.Removed,
	}
}

func (a *app) listLines(ctx context.Context, c httpapi.Call[ListLines]) (httpapi.Page[Line], error) {
	p, scope, err := a.readable(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Page[Line]{}, err
	}
	filter := projections.LineFilter{
		Payroll: p.Payroll, Draft: p.Draft, Scope: scope, Method: c.In.Method, Kind: c.In.Kind, Unit: c.In.Unit,
		Beneficiary: c.In.Beneficiary, Signal: c.In.Signal, Held: c.In.Held, Removed: c.In.Removed, After: -1, Limit: c.In.More(),
	}
	if c.In.Cursor.At != nil {
		filter.After = *c.In.Cursor.At
	}
	rows, err := projections.ListLines(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[Line]{}, err
	}
	return httpapi.PageOf(c.In.Paging, rows, viewLine, func(l projections.Line) int64 { return l.Place }), nil
}

// oneLine answers with the proof, which tells of the person's circumstances: its reading is recorded.
func (a *app) oneLine(ctx context.Context, c httpapi.Call[struct{}]) (Line, error) {
	p, _, err := a.readable(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return Line{}, err
	}
	row, found, err := projections.OneLine(ctx, a.pool, p.Payroll, p.Draft, c.Path("line"))
	if err != nil {
		return Line{}, err
	}
	why := vault.Reading{Actor: c.Who.Actor(), Purpose: "line_proof", Case: p.Payroll}
	what := thing(row.Unit())
	what.Purpose, what.Case = why.Purpose, why.Case
	if !found || !c.Pass.May(what) {
		return Line{}, problem.New(problem.NotFound, "line_unknown", "the list has no such line", "danh sách không có dòng này")
	}
	view := viewLine(row)
	proof, err := a.proofOf(ctx, why, row)
	if err != nil || proof == nil {
		return view, err
	}
	view.Proof = &LineProof{AsOf: proof.AsOf.String(), Rules: proof.Rules, Covered: proof.Covered, OtherProgrammes: proof.OtherProgrammes}
	if proof.Entitlement != nil {
		granted := a.viewEntitlement(*proof.Entitlement, c.Who)
		granted.Beneficiary, granted.AsOf, granted.Rules = row.Beneficiary, view.Proof.AsOf, proof.Rules
		view.Proof.Entitlement = &granted
	}
	return view, nil
}

// ListSignals narrows what was noticed.
type ListSignals struct {
	httpapi.Paging[projections.SignalKey]

	Code string `query:"code" maxLength:"40"`
}

// Signal is something that somebody has to look at.
type Signal struct {
	Code        string       `json:"code" enum:"shared_account,died,death_reported,paid_by_other_programme,account_changed,identity,overpaid,before_look_back,profile_unreadable,not_computable"`
	Line        string       `json:"line,omitzero" doc:"absent for what is no line"`
	Beneficiary string       `json:"beneficiary"`
	Unit        string       `json:"unit"`
	Month       string       `json:"month"`
	Amount      money.Amount `json:"amount,omitzero" doc:"of the line, or what was paid too much or is left out; dong"`
	Months      int          `json:"months,omitzero" doc:"how many months are left out, from this one on"`
	Held        bool         `json:"held,omitzero"`
}

func (a *app) signals(ctx context.Context, c httpapi.Call[ListSignals]) (httpapi.Page[Signal], error) {
	p, scope, err := a.readable(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Page[Signal]{}, err
	}
	filter := projections.SignalFilter{
		Payroll: p.Payroll, Draft: p.Draft, Scope: scope, Code: c.In.Code, After: projections.SignalKey{Place: -1}, Limit: c.In.More(),
	}
	if c.In.Cursor.At != nil {
		filter.After = *c.In.Cursor.At
	}
	rows, err := projections.ListSignals(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[Signal]{}, err
	}
	return httpapi.PageOf(c.In.Paging, rows, viewSignal, func(s projections.Signal) projections.SignalKey {
		return projections.SignalKey{Place: s.Place, Code: s.Code}
	}), nil
}

func viewSignal(s projections.Signal) Signal {
	return Signal{
		Code: s.Code, Line: s.Line, Beneficiary: s.Beneficiary, Unit: s.UnitCode, Month: s.Month, Amount: money.Amount(s.Amount), Months: s.Months, Held: s.Held,
	}
}
