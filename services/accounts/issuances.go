package accounts

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/songan-vn/songan/events"
	facts "github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
	"github.com/songan-vn/songan/services/accounts/internal/issuance"
	"github.com/songan-vn/songan/services/accounts/internal/projections"
)

// DraftBody lists people for whom a bank is to open accounts.
type DraftBody struct {
	Unit          string   `json:"unit" pattern:"^([0-9]{2}|[0-9]{5})$" doc:"a commune, or a province with all of its communes"`
	Bank          string   `json:"bank" pattern:"^[A-Z0-9]{8}$" doc:"BIC" example:"ICBVVNVX"`
	Beneficiaries []string `json:"beneficiaries,omitzero" minItems:"1" maxItems:"5000" doc:"null: the first 5,000 of the unit who live, may have an account and have none"`
	Note          string   `json:"note,omitzero" maxLength:"500" doc:"a remark for whoever approves; kept in the vault"`
}

// Issuance is a batch as the service answers with it.
type Issuance struct {
	ID        string    `json:"id"`
	Unit      string    `json:"unit"`
	Bank      string    `json:"bank"`
	Status    string    `json:"status" enum:"drafted,submitted,approved,rejected,requested"`
	Members   int       `json:"members"`
	Replaces  string    `json:"replaces,omitzero" doc:"the account that the new one takes the place of"`
	MadeBy    string    `json:"made_by"`
	DecidedBy string    `json:"decided_by,omitzero"`
	Requested int       `json:"requested"`
	LeftOut   int       `json:"left_out" doc:"had an account or a request by then, had died, or has nobody who may hold an account"`
	DraftedAt time.Time `json:"drafted_at,omitzero"`
	// Counts and Identity are there where one batch is read.
	Counts   map[string]int64 `json:"counts,omitempty" doc:"members by the state of their accounts"`
	Identity map[string]int64 `json:"identity,omitempty" doc:"members by what the population database says of them"`
	Note     string           `json:"note,omitzero" doc:"only where the caller may read people"`
	Reason   string           `json:"reason,omitzero" doc:"of a rejection; only where the caller may read people"`
}

func viewIssuance(i issuance.Issuance) Issuance {
	return Issuance{
		ID: i.Issuance, Unit: i.Unit.Code, Bank: i.Bank, Status: i.Status, Members: len(i.Beneficiaries), Replaces: i.Replaces,
		MadeBy: i.By, DecidedBy: i.DecidedBy, Requested: i.Requested, LeftOut: i.LeftOut,
	}
}

func doneIssuance(out eventstore.Outcome[issuance.Issuance]) httpapi.Done[Issuance] {
	return httpapi.Done[Issuance]{Answer: viewIssuance(out.State), Position: out.Position, Replayed: out.Replayed}
}

func issuanceStream(id string) string { return "issuance-" + id }

func (a *app) draft(ctx context.Context, c httpapi.Call[DraftBody]) (httpapi.Done[Issuance], error) {
	unit, faults, err := a.draftable(ctx, c)
	if err != nil {
		return httpapi.Done[Issuance]{}, err
	}
	cmd := issuance.Draft{Known: faults, Fact: facts.IssuanceDrafted{
		Issuance: c.Name("issuance"), Unit: unit, Bank: c.In.Bank, Beneficiaries: c.In.Beneficiaries,
	}}
	if len(c.In.Beneficiaries) == 0 {
		cmd.Fact.Beneficiaries, err = a.everybody(ctx, c.Pass, cmd.Fact.Issuance, c.Pass.In(c.In.Unit).Units.Names())
		if err != nil {
			return httpapi.Done[Issuance]{}, err
		}
	}
	return a.store(ctx, cmd, c.In.Note, c.Meta)
}

// draftable finds the unit of a body, and everything that is wrong with the body by what is known so far.
func (a *app) draftable(ctx context.Context, c httpapi.Call[DraftBody]) (events.Unit, problem.Faults, error) {
	on := vn.DateOf(c.Meta.At)
	unit, faults := a.unitFor(c.In.Unit, c.Pass, on, units.Commune, units.Province)
	faults = append(faults, a.checkBank(c.In.Bank, on)...)
	if err := a.upToDate(ctx); err != nil {
		return unit, faults, err
	}
	err := a.checkMembers(ctx, &faults, c.In.Beneficiaries, c.Pass.In(c.In.Unit).Units.Names())
	return unit, faults, err
}

func (a *app) checkDraft(ctx context.Context, c httpapi.Call[DraftBody]) error {
	_, faults, err := a.draftable(ctx, c)
	if err != nil {
		return err
	}
	return faults.Err()
}

// store records a draft with its remark.
func (a *app) store(ctx context.Context, cmd issuance.Draft, note string, m decider.Meta) (httpapi.Done[Issuance], error) {
	var secrets []vault.Row
	if note != "" {
		row, err := a.vault.SealNote(note, time.Time{})
		if err != nil {
			return httpapi.Done[Issuance]{}, fmt.Errorf("seal the note of the issuance: %w", err)
		}
		cmd.Fact.Note, secrets = string(row.Ref), append(secrets, row)
	}
	out, err := eventstore.Execute(ctx, a.log, issuanceStream(cmd.Fact.Issuance), cmd, m,
		eventstore.Fresh(), eventstore.WithSecrets(secrets...))
	if err != nil {
		return httpapi.Done[Issuance]{}, err
	}
	return doneIssuance(out), nil
}

// upToDate waits until the read models have seen everything that was recorded before this request.
func (a *app) upToDate(ctx context.Context) error {
	head, err := a.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("wait for the read models: %w", err)
	}
	return a.seen(ctx, head)
}

func (a *app) checkBank(bic string, on vn.Date) (faults problem.Faults) {
	if _, known := a.banks.Find(bic, on); !known {
		faults.At("/bank", problem.Fault{
			Code: "bank_unknown", Message: "no bank has this BIC today", MessageVI: "hiện không có ngân hàng nào mang mã BIC này",
		})
	}
	return faults
}

// checkMembers says of every member of a list why they cannot be in it.
func (a *app) checkMembers(ctx context.Context, faults *problem.Faults, ids, scope []string) error {
	if len(ids) == 0 {
		return nil
	}
	found, err := projections.FindBeneficiaries(ctx, a.pool, ids)
	if err != nil {
		return err
	}
	covered := make(map[string]bool, len(scope))
	for _, key := range scope {
		covered[key] = true
	}
	before := make(map[string]bool, len(ids))
	for i, id := range ids {
		fault := memberFault(found[id], covered)
		if before[id] {
			fault = problem.Fault{Code: "beneficiary_twice", Message: "stands in the list before", MessageVI: "đã có trong danh sách"}
		}
		if fault.Code != "" {
			faults.At("/beneficiaries/"+strconv.Itoa(i), fault)
		}
		before[id] = true
	}
	return nil
}

func memberFault(b projections.Beneficiary, covered map[string]bool) problem.Fault {
	switch {
	case !covered[b.Unit]:
		return problem.Fault{
			Code: "beneficiary_unknown", Message: "no beneficiary of this unit has this id", MessageVI: "đơn vị không có người hưởng mang mã này",
		}
	case b.DiedOn != "":
		return problem.Fault{Code: "beneficiary_died", Message: "the beneficiary has died", MessageVI: "người hưởng đã mất"}
	case b.Account != "" && (beneficiary.Account{Status: b.AccountStatus}).Alive():
		return problem.Fault{
			Code: "account_exists", Message: "the beneficiary has an account, or a request for one", MessageVI: "người hưởng đã có tài khoản hoặc đang chờ mở tài khoản",
		}
	}
	return problem.Fault{}
}

// everybody lists those of the units who may have an account and have none, up to a full batch.
func (a *app) everybody(ctx context.Context, may policy.Pass, id string, scope []string) ([]string, error) {
	why, err := foundation.ReadFor(may, "account_request", id)
	if err != nil {
		return nil, err
	}
	var members []string
	for after := ""; len(members) < issuance.MaxMembers; {
		const page = 1000
		rows, err := projections.WithoutAccount(ctx, a.pool, scope, after, page)
		if err != nil {
			return nil, err
		}
		able, err := a.able(ctx, why, rows)
		if err != nil {
			return nil, err
		}
		members = append(members, able...)
		if len(rows) < page {
			break
		}
		after = rows[len(rows)-1].Beneficiary
	}
	return members[:min(len(members), issuance.MaxMembers)], nil
}

// able leaves out whoever may not hold an account and has no representative. Children grow up: those who could not when
// they were registered are read again.
func (a *app) able(ctx context.Context, reading vault.Reading, rows []projections.Beneficiary) ([]string, error) {
	var doubtful []string
	for _, row := range rows {
		if !row.MayHold && row.Representative == "" {
			doubtful = append(doubtful, row.Person)
		}
	}
	people, err := a.people(ctx, reading, doubtful...)
	if err != nil {
		return nil, err
	}
	today := vn.DateOf(a.now())
	ids := make([]string, 0, len(rows))
	for _, row := range rows {
		if row.MayHold || row.Representative != "" || people[row.Person].mayHold(today) {
			ids = append(ids, row.Beneficiary)
		}
	}
	return ids, nil
}

// changeIssuance runs an officer's command on a batch of their unit.
func changeIssuance[I any](
	ctx context.Context, a *app, c httpapi.Call[I], cmd decider.Command[issuance.Issuance], secrets ...vault.Row,
) (httpapi.Done[Issuance], error) {
	own := issuance.Owned{Sees: sees(c.Pass), Command: cmd}
	out, err := eventstore.Execute(ctx, a.log, issuanceStream(c.Path("id")), own, c.Meta, eventstore.OncePerKey(), eventstore.WithSecrets(secrets...))
	if err != nil {
		return httpapi.Done[Issuance]{}, err
	}
	return doneIssuance(out), nil
}

func (a *app) submit(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Issuance], error) {
	return changeIssuance(ctx, a, c, issuance.Submit{})
}

func (a *app) approve(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Issuance], error) {
	done, err := changeIssuance(ctx, a, c, issuance.Approve{})
	if err == nil {
		a.hurry(done.Answer.ID)
	}
	return done, err
}

// ReasonBody says why.
type ReasonBody struct {
	Reason string `json:"reason" maxLength:"500"`
}

func (a *app) reject(ctx context.Context, c httpapi.Call[ReasonBody]) (httpapi.Done[Issuance], error) {
	reason, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Issuance]{}, fmt.Errorf("seal the reason of the rejection: %w", err)
	}
	return changeIssuance(ctx, a, c, issuance.Reject{Note: string(reason.Ref)}, reason)
}

// ListIssuances narrows a list of batches.
type ListIssuances struct {
	httpapi.Paging[projections.IssuanceKey]

	Unit   string `query:"unit" pattern:"^([0-9]{2}|[0-9]{5})$"`
	Bank   string `query:"bank" maxLength:"11"`
	Status string `query:"status" enum:"drafted,submitted,approved,rejected,requested"`
}

func (a *app) listIssuances(ctx context.Context, c httpapi.Call[ListIssuances]) (httpapi.Page[Issuance], error) {
	rows, err := projections.ListIssuances(ctx, a.pool, projections.IssuanceFilter{
		Scope: c.Pass.In(c.In.Unit).Units.Names(), Bank: c.In.Bank, Status: c.In.Status, After: c.In.Cursor.At, Limit: c.In.More(),
	})
	if err != nil {
		return httpapi.Page[Issuance]{}, err
	}
	return httpapi.PageOf(c.In.Paging, rows, viewIssuanceRow, func(i projections.Issuance) projections.IssuanceKey {
		return projections.IssuanceKey{DraftedAt: i.DraftedAt, Issuance: i.Issuance}
	}), nil
}

func viewIssuanceRow(row projections.Issuance) Issuance {
	return Issuance{
		ID: row.Issuance, Unit: unitCode(row.Unit), Bank: row.Bank, Status: row.Status, Members: int(row.Members), Replaces: row.Replaces,
		MadeBy: row.By, DecidedBy: row.DecidedBy, Requested: int(row.Requested), LeftOut: int(row.LeftOut), DraftedAt: row.DraftedAt,
	}
}

// oneIssuance answers with a batch, and with how many of its members are in which state.
func (a *app) oneIssuance(ctx context.Context, c httpapi.Call[struct{}]) (Issuance, error) {
	i, err := eventstore.State[issuance.Issuance](ctx, a.log, issuanceStream(c.Path("id")))
	if err != nil {
		return Issuance{}, err
	}
	if !i.Exists() || !sees(c.Pass)(i.Unit) {
		return Issuance{}, issuance.ErrUnknown()
	}
	answer := viewIssuance(i)
	counts, err := projections.CountStates(ctx, a.pool, i.Issuance)
	if err != nil {
		return Issuance{}, err
	}
	answer.Counts, answer.Identity = map[string]int64{}, map[string]int64{}
	for _, n := range counts {
		answer.Counts[n.Status] += n.Members
		answer.Identity[n.Identity] += n.Members
	}
	why := vault.Reading{Actor: c.Who.Actor(), Purpose: "issuance", Case: i.Issuance}
	if !readsPeople(c.Pass, i.Unit, why) {
		return answer, nil
	}
	return answer, a.addRemarks(ctx, why, i, &answer)
}

// addRemarks reads what officers wrote about a batch.
func (a *app) addRemarks(ctx context.Context, why vault.Reading, i issuance.Issuance, answer *Issuance) error {
	var refs []vault.Ref
	for _, ref := range []string{i.Note, i.RejectionNote} {
		if ref != "" {
			refs = append(refs, vault.Ref(ref))
		}
	}
	if len(refs) == 0 {
		return nil
	}
	found, _, err := a.vault.ReadIntact(ctx, why, refs...)
	if err != nil {
		return fmt.Errorf("read the remarks on issuances: %w", err)
	}
	for ref, plain := range found {
		var r vault.Note
		if err := plain.Decode(&r); err != nil {
			return fmt.Errorf("read the remarks on issuances: %w", err)
		}
		if string(ref) == i.Note {
			answer.Note = r.Text
		} else {
			answer.Reason = r.Text
		}
	}
	return nil
}
