package accounts

import (
	"context"
	"fmt"
	"time"

	facts "github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
	"github.com/songan-vn/songan/services/accounts/internal/issuance"
	"github.com/songan-vn/songan/services/accounts/internal/projections"
)

// ListAccounts narrows a list of accounts.
type ListAccounts struct {
	httpapi.Paging[string]

	Unit        string `query:"unit" pattern:"^([0-9]{2}|[0-9]{5})$" doc:"a commune, or a province with all of its communes"`
	Bank        string `query:"bank" maxLength:"11" doc:"BIC"`
	Status      string `query:"status" enum:"drafted,requested,needs_information,refused,opened,active,suspended,blocked,closed,left_out"`
	Beneficiary string `query:"beneficiary" maxLength:"40"`
	Issuance    string `query:"issuance" maxLength:"40"`
}

func (a *app) listAccounts(ctx context.Context, c httpapi.Call[ListAccounts]) (httpapi.Page[Account], error) {
	q := c.In
	filter := projections.AccountFilter{
		Scope: c.Pass.In(q.Unit).Units.Names(), Bank: q.Bank, Status: q.Status, Beneficiary: q.Beneficiary, Issuance: q.Issuance, Limit: q.More(),
	}
	if q.Cursor.At != nil {
		filter.After = *q.Cursor.At
	}
	rows, err := projections.ListAccounts(ctx, a.pool, filter)
	if err != nil {
		return httpapi.Page[Account]{}, err
	}
	return httpapi.PageOf(q.Paging, rows, viewAccountRow, func(a projections.Account) string { return a.ID }), nil
}

func viewAccountRow(row projections.Account) Account {
	return Account{
		ID: row.Account, Beneficiary: row.Beneficiary, Unit: unitCode(row.Unit), Issuance: row.Issuance, Bank: row.Bank,
		Status: row.Status, Reason: row.Reason, HolderMatch: row.HolderMatch, ChangedAt: row.ChangedAt,
	}
}

// visibleAccount loads an account that the caller may know of, with its beneficiary.
func (a *app) visibleAccount(ctx context.Context, id string, may policy.Pass) (beneficiary.Beneficiary, beneficiary.Account, error) {
	owner, ok := beneficiary.OfAccount(id)
	if !ok {
		return beneficiary.Beneficiary{}, beneficiary.Account{}, beneficiary.ErrNoAccount()
	}
	b, err := a.visible(ctx, owner, may)
	if err != nil && problem.CodeOf(err) != problem.CodeOf(beneficiary.ErrUnknown()) {
		return beneficiary.Beneficiary{}, beneficiary.Account{}, err
	}
	account, found := b.Account(id)
	if !found {
		return beneficiary.Beneficiary{}, beneficiary.Account{}, beneficiary.ErrNoAccount()
	}
	return b, account, nil
}

func (a *app) oneAccount(ctx context.Context, c httpapi.Call[struct{}]) (Account, error) {
	_, account, err := a.visibleAccount(ctx, c.Path("id"), c.Pass)
	return viewAccount(account), err
}

// confirm asks first who drafted the request: they are not the one to confirm what came of it.
func (a *app) confirm(ctx context.Context, c httpapi.Call[ReasonBody]) (httpapi.Done[Account], error) {
	_, account, err := a.visibleAccount(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Account]{}, err
	}
	batch, err := eventstore.State[issuance.Issuance](ctx, a.log, issuanceStream(account.Issuance))
	if err != nil {
		return httpapi.Done[Account]{}, fmt.Errorf("see who asked for the account: %w", err)
	}
	return changeAccount(ctx, a, c, c.In.Reason, func(id, note string) decider.Command[beneficiary.Beneficiary] {
		return beneficiary.ConfirmHolder{Account: id, Maker: batch.By, Note: note}
	})
}

// SuspendBody says why nothing is paid into an account for now.
type SuspendBody struct {
	Code   string `json:"code,omitzero" enum:"owner,dispute,signal,other" doc:"other when left out"`
	Reason string `json:"reason" maxLength:"500" doc:"kept in the vault"`
}

func (a *app) suspend(ctx context.Context, c httpapi.Call[SuspendBody]) (httpapi.Done[Account], error) {
	return changeAccount(ctx, a, c, c.In.Reason, func(id, note string) decider.Command[beneficiary.Beneficiary] {
		return beneficiary.Suspend{Account: id, Reason: orElse(c.In.Code, "other"), Note: note}
	})
}

// BlockBody says who blocked an account, and why.
type BlockBody struct {
	Code   string `json:"code,omitzero" enum:"bank,authority" doc:"authority when left out"`
	Reason string `json:"reason" maxLength:"500" doc:"kept in the vault"`
}

func (a *app) block(ctx context.Context, c httpapi.Call[BlockBody]) (httpapi.Done[Account], error) {
	return changeAccount(ctx, a, c, c.In.Reason, func(id, note string) decider.Command[beneficiary.Beneficiary] {
		return beneficiary.Block{Account: id, Reason: orElse(c.In.Code, "authority"), Note: note}
	})
}

func (a *app) reinstate(ctx context.Context, c httpapi.Call[ReasonBody]) (httpapi.Done[Account], error) {
	return changeAccount(ctx, a, c, c.In.Reason, func(id, note string) decider.Command[beneficiary.Beneficiary] {
		return beneficiary.Reinstate{Account: id, Note: note}
	})
}

func (a *app) closeAccount(ctx context.Context, c httpapi.Call[ReasonBody]) (httpapi.Done[Account], error) {
	return changeAccount(ctx, a, c, c.In.Reason, func(id, note string) decider.Command[beneficiary.Beneficiary] {
		return beneficiary.Close{Account: id, Note: note}
	})
}

func orElse(code, fallback string) string {
	if code == "" {
		return fallback
	}
	return code
}

// changeAccount runs an officer's command on an account, with the reason in the vault.
func changeAccount[I any](
	ctx context.Context, a *app, c httpapi.Call[I], reason string,
	command func(account, note string) decider.Command[beneficiary.Beneficiary],
) (httpapi.Done[Account], error) {
	id := c.Path("id")
	owner, ok := beneficiary.OfAccount(id)
	if !ok {
		return httpapi.Done[Account]{}, beneficiary.ErrNoAccount()
	}
	note, err := a.vault.SealNote(reason, time.Time{})
	if err != nil {
		return httpapi.Done[Account]{}, fmt.Errorf("seal the reason of the change: %w", err)
	}
	out, err := a.apply(ctx, change{
		beneficiary: owner, may: c.Pass, meta: c.Meta, command: command(id, string(note.Ref)), secrets: []vault.Row{note},
	})
	if err != nil {
		return httpapi.Done[Account]{}, err
	}
	account, _ := out.State.Account(id)
	return httpapi.Done[Account]{Answer: viewAccount(account), Position: out.Position, Replayed: out.Replayed}, nil
}

// ReplaceBody says at which bank the new account is to be.
type ReplaceBody struct {
	Bank   string `json:"bank" pattern:"^[A-Z0-9]{8}$" doc:"BIC" example:"ICBVVNVX"`
	Reason string `json:"reason" maxLength:"500" doc:"kept in the vault; whoever approves reads it"`
}

// replace drafts a batch of one. The old account is closed when the new one is requested, after another person approved:
// a single officer must not be able to direct somebody's money to another bank.
func (a *app) replace(ctx context.Context, c httpapi.Call[ReplaceBody]) (httpapi.Done[Issuance], error) {
	b, account, err := a.visibleAccount(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Issuance]{}, err
	}
	cmd := issuance.Draft{Fact: facts.IssuanceDrafted{
		Issuance: c.Name("issuance"), Unit: b.Unit, Bank: c.In.Bank, Beneficiaries: []string{b.Beneficiary}, Replaces: account.Account,
	}}
	cmd.Known = a.checkBank(c.In.Bank, vn.DateOf(c.Meta.At))
	if !account.Alive() {
		cmd.Refused = problem.Reject("account_closed", "the account is closed or was refused", "tài khoản đã đóng hoặc bị từ chối mở")
	}
	return a.store(ctx, cmd, c.In.Reason, c.Meta)
}

func (a *app) checkReplace(_ context.Context, c httpapi.Call[ReplaceBody]) error {
	return a.checkBank(c.In.Bank, vn.DateOf(c.Meta.At)).Err()
}
