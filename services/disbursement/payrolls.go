package disbursement

import (
	"cmp"
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/projections/sheets"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/releaser"
)

// DraftBody asks for a list.
type DraftBody struct {
	Unit      string `json:"unit" pattern:"^[0-9]{2}([0-9]{3})?$" patternDescription:"a province of 2 digits or a commune of 5"`
	Programme string `json:"programme" pattern:"^[a-z0-9_]{1,40}$"`
	Month     string `json:"month" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" example:"2026-11"`
}

// Payroll is a list as the service answers with it.
type Payroll struct {
	ID           string    `json:"id"`
	Status       string    `json:"status" enum:"drafted,submitted,checked,approved,funded,released,closed,rejected"`
	Draft        int       `json:"draft" doc:"counts 1, 2, ...; another one follows a rejection"`
	Unit         string    `json:"unit"`
	Programme    string    `json:"programme"`
	Month        string    `json:"month"`
	AsOf         string    `json:"as_of" doc:"the day whose law and knowledge the lines are computed with"`
	Progress     *Progress `json:"progress,omitzero" doc:"as long as the lines are being computed"`
	Totals       *Totals   `json:"totals,omitzero" doc:"once they are"`
	Hash         string    `json:"hash,omitzero" doc:"SHA-256 over all lines in their order"`
	Rules        string    `json:"rules,omitzero" doc:"version of the law"`
	Funded       int64     `json:"funded" doc:"dong that the State Treasury provided so far"`
	Payable      int64     `json:"payable" doc:"dong that are still to be paid: the total without the lines that were removed"`
	Removed      int       `json:"removed" doc:"lines that were taken out after the approval"`
	RemovedTotal int64     `json:"removed_total" doc:"dong"`
	Release      *Released `json:"release,omitzero" doc:"once every line became a payment or was removed"`
}

// Progress is how far the clerk got.
type Progress struct {
	Lines  int `json:"lines"`
	People int `json:"people" doc:"looked at, in thousands rounded up"`
}

// Totals are what the lines add up to.
type Totals struct {
	Lines     int   `json:"lines" doc:"that are paid"`
	ByAccount int   `json:"by_account"`
	InCash    int   `json:"in_cash"`
	Held      int   `json:"held" doc:"lines that wait for a decision and are not paid"`
	Findings  int   `json:"findings" doc:"things to look at that are no lines, such as overpaid months"`
	Total     int64 `json:"total" doc:"dong"`
}

// Released is what became of a release.
type Released struct {
	Payments     int   `json:"payments"`
	Total        int64 `json:"total"`
	Removed      int   `json:"removed"`
	RemovedTotal int64 `json:"removed_total"`
}

// monthsAhead is how far in advance a list may be drafted: two months may be paid together before Tết.
const monthsAhead = 2

func (a *app) draft(ctx context.Context, c httpapi.Call[DraftBody]) (httpapi.Done[Payroll], error) {
	today := vn.DateOf(c.Meta.At)
	unit, err := a.draftable(c, today)
	if err != nil {
		return httpapi.Done[Payroll]{}, err
	}
	id := a.payrollID(unit, c.In.Programme, c.In.Month)
	cmd := payroll.Draft{
		Payroll: id, Unit: unit, Programme: c.In.Programme, Month: c.In.Month, AsOf: today.String(), By: c.Who.ID,
	}
	out, err := eventstore.Execute(ctx, a.log, payroll.Stream(id), cmd, c.Meta, eventstore.OncePerKey())
	if err != nil {
		return httpapi.Done[Payroll]{}, err
	}
	return donePayroll(out), nil
}

// payrollID names the one list of a unit, a programme and a month.
func (a *app) payrollID(u events.Unit, programme, m string) string {
	return a.vault.Name("payroll", u.Code, u.ValidFrom, programme, m)
}

func (a *app) checkDraft(_ context.Context, c httpapi.Call[DraftBody]) error {
	_, err := a.draftable(c, vn.DateOf(c.Meta.At))
	return err
}

// draftable finds the unit of the request, or says everything that is wrong with it.
func (a *app) draftable(c httpapi.Call[DraftBody], today vn.Date) (events.Unit, error) {
	var faults problem.Faults
	found, exists := a.units.Find(c.In.Unit, today)
	unit := events.Unit{Code: found.Code, ValidFrom: found.ValidFrom.String()}
	if !exists || !c.Pass.May(thing(unit)) {
		faults.At("/unit", problem.Fault{
			Code: "unit_not_yours", Message: "no unit that you are responsible for has this code", MessageVI: "mã này không thuộc địa bàn của đơn vị",
		})
	}
	if !a.hasProgramme(c.In.Programme) {
		faults.At("/programme", problem.Fault{
			Code: "programme_unknown", Message: "there is no such programme", MessageVI: "không có chương trình này",
		})
	}
	this := month.Of(today)
	asked, err := month.Parse(c.In.Month)
	switch {
	case err != nil || asked.Before(this.Add(-a.config.LookBack)):
		faults.At("/month", problem.Fault{
			Code: "month_too_early", Message: "the month is too long ago; a later list says what is still owed from then (before_look_back)",
			MessageVI: "tháng đã quá xa; danh sách sau sẽ nêu phần còn thiếu (before_look_back)",
		})
	case asked.After(this.Add(monthsAhead)):
		faults.At("/month", problem.Fault{
			Code: "month_too_far", Message: "a list is drafted two months ahead at most", MessageVI: "chỉ được lập danh sách trước tối đa hai tháng",
		})
	}
	return unit, faults.Err()
}

func (a *app) hasProgramme(id string) bool {
	for _, p := range a.rules.Data().Programmes {
		if p.ID == id {
			return true
		}
	}
	return false
}

func donePayroll(out eventstore.Outcome[payroll.Payroll]) httpapi.Done[Payroll] {
	return httpapi.Done[Payroll]{Answer: viewPayroll(out.State), Position: out.Position, Replayed: out.Replayed}
}

func viewPayroll(p payroll.Payroll) Payroll {
	v := Payroll{
		ID: p.Payroll, Status: p.Status, Draft: p.Draft, Unit: p.Unit.Code, Programme: p.Programme, Month: p.Month, AsOf: p.AsOf,
		Funded: int64(p.Funds), Removed: p.Removed.Count, RemovedTotal: int64(p.Removed.Total), Payable: int64(p.Payable()),
	}
	if p.Ready() {
		r := p.Computed
		v.Hash, v.Rules = r.Hash, r.Rules
		v.Totals = &Totals{Lines: r.Lines, ByAccount: r.ByAccount, InCash: r.InCash, Held: r.Held, Findings: r.Findings, Total: r.Total}
	}
	if p.Done() {
		d := p.Completed
		v.Release = &Released{Payments: d.Payments, Total: d.Total, Removed: d.Removed, RemovedTotal: d.RemovedTotal}
	}
	return v
}

// payrollOf loads a list that the caller may know of. To everybody else it does not exist.
func (a *app) payrollOf(ctx context.Context, id string, may policy.Pass) (payroll.Payroll, error) {
	p, err := eventstore.State[payroll.Payroll](ctx, a.log, payroll.Stream(id))
	if err != nil {
		return payroll.Payroll{}, err
	}
	if !p.Exists() || !may.May(thing(p.Unit)) {
		return payroll.Payroll{}, payroll.ErrUnknown()
	}
	return p, nil
}

// changePayroll runs a command on a list of the caller's unit.
func changePayroll[I any](
	ctx context.Context, a *app, c httpapi.Call[I], cmd payroll.Command, opts ...eventstore.Option,
) (httpapi.Done[Payroll], error) {
	if _, err := a.payrollOf(ctx, c.Path("id"), c.Pass); err != nil {
		return httpapi.Done[Payroll]{}, err
	}
	out, err := eventstore.Execute(ctx, a.log, payroll.Stream(c.Path("id")), cmd, c.Meta, append(opts, eventstore.OncePerKey())...)
	if err != nil {
		return httpapi.Done[Payroll]{}, err
	}
	return donePayroll(out), nil
}

// SeenBody says which lines the officer saw.
type SeenBody struct {
	Hash string `json:"hash,omitzero" pattern:"^[0-9a-f]{64}$" doc:"refused if the list holds other lines by now"`
}

func (a *app) submit(ctx context.Context, c httpapi.Call[SeenBody]) (httpapi.Done[Payroll], error) {
	return changePayroll(ctx, a, c, payroll.Submit{Hash: c.In.Hash, By: c.Who.ID})
}

func (a *app) check(ctx context.Context, c httpapi.Call[SeenBody]) (httpapi.Done[Payroll], error) {
	return changePayroll(ctx, a, c, payroll.Check{Hash: c.In.Hash, By: c.Who.ID})
}

func (a *app) approve(ctx context.Context, c httpapi.Call[SeenBody]) (httpapi.Done[Payroll], error) {
	return changePayroll(ctx, a, c, payroll.Approve{Hash: c.In.Hash, By: c.Who.ID})
}

// ReasonBody says why.
type ReasonBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

func (a *app) reject(ctx context.Context, c httpapi.Call[ReasonBody]) (httpapi.Done[Payroll], error) {
	reason, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Payroll]{}, err
	}
	return changePayroll(ctx, a, c, payroll.Reject{Note: string(reason.Ref), By: c.Who.ID}, eventstore.WithSecrets(reason))
}

// FundBody is an order of the State Treasury.
type FundBody struct {
	Amount    money.Amount `json:"amount" minimum:"1" maximum:"1000000000000000" doc:"dong"`
	Reference string       `json:"reference" pattern:"^[0-9A-Za-z./-]{1,40}$" doc:"number of the order; each counts once"`
}

// Validate keeps people out of what stands in facts.
func (b FundBody) Validate(f *problem.Faults) { person.CheckNobody(f, "/reference", b.Reference) }

// fund takes the order for the list before the list counts it: one that is refused otherwise takes none, or gives it back.
func (a *app) fund(ctx context.Context, c httpapi.Call[FundBody]) (httpapi.Done[Payroll], error) {
	cmd := payroll.Fund{Amount: c.In.Amount, Reference: c.In.Reference, By: c.Who.ID}
	p, err := a.payrollOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Payroll]{}, err
	}
	count := func() (httpapi.Done[Payroll], error) { return changePayroll(ctx, a, c, cmd) }
	order := a.orderOf(c.In.Reference, p.Payroll)
	if _, refused := cmd.Decide(p, c.Meta); refused != nil {
		if cmd.Known, err = a.usedElsewhere(ctx, order, c.Meta); err != nil {
			return httpapi.Done[Payroll]{}, err
		}
		return count()
	}
	return proven(ctx, a, order, c.Meta, count)
}

func (a *app) checkFund(ctx context.Context, c httpapi.Call[FundBody]) error {
	p, err := a.payrollOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return err
	}
	cmd := payroll.Fund{Amount: c.In.Amount, Reference: c.In.Reference, By: c.Who.ID}
	if cmd.Known, err = a.usedElsewhere(ctx, a.orderOf(c.In.Reference, p.Payroll), c.Meta); err != nil {
		return err
	}
	_, err = cmd.Decide(p, c.Meta)
	return err
}

// release reads the lines once more from the log, and whatever became of the people since, and then pays the list.
func (a *app) release(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Payroll], error) {
	p, err := a.payrollOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Payroll]{}, err
	}
	cmd, look := payroll.Release{By: c.Who.ID, TwoTreasurers: a.config.TwoTreasurers}, releaser.Look{Payroll: p.Payroll, Draft: p.Draft}
	if p.Frozen() {
		if look.People, err = a.beneficiaries.State(ctx); err != nil { // before the look at them
			return httpapi.Done[Payroll]{}, err
		}
		var asked errgroup.Group // the database looks at the people while the lines are hashed here: a second for a province
		asked.Go(func() (err error) {
			cmd.Removals, cmd.Seen, err = a.obsolete(ctx, p)
			return err
		})
		cmd.Hash, err = a.hashOf(ctx, p)
		if err = cmp.Or(err, asked.Wait()); err != nil { // a log that does not fit is worse than a look that took too long
			return httpapi.Done[Payroll]{}, err
		}
		look.Found = cmd.Removals
	}
	var done httpapi.Done[Payroll]
	err = a.payment.releaser.Press(look, func() (err error) {
		done, err = changePayroll(ctx, a, c, cmd)
		return err
	})
	return done, err
}

// hashOf computes the hash of a draft from its lines in the log.
func (a *app) hashOf(ctx context.Context, p payroll.Payroll) (string, error) {
	var tally payroll.Tally
	err := sheets.Each(ctx, a.log, sheets.Draft{Payroll: p.Payroll, Number: p.Draft}, 0, func(s sheets.Sheet) error {
		return tally.Add(s.Lines...)
	})
	return tally.Hash(), err
}

// obsolete finds the lines that must not be paid any more, by everything that the log knows up to the position seen.
func (a *app) obsolete(ctx context.Context, p payroll.Payroll) (removals []payroll.Removal, seen int64, err error) {
	head, err := a.log.Head(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, wait := range []func(context.Context, int64) error{a.lines.WaitFor, a.enrolments.WaitFor, a.payment.model.WaitFor} {
		if err := wait(ctx, head); err != nil {
			return nil, 0, err
		}
	}
	found, err := projections.ObsoleteOfList(ctx, a.pool, p.Payroll, p.Draft)
	return projections.Removals(found), head, err
}
