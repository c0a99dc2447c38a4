package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
)

// The states of a row before there is a request: a member of a batch, and one who was left out of it.
const (
	Drafted = "drafted"
	LeftOut = "left_out"
)

// Account is one row of the table of accounts: a member of a batch, who becomes a request and then an account.
type Account struct {
	// ID is "<beneficiary>/<issuance>"; Account is empty until the bank is asked.
	ID, Account, Beneficiary, Issuance, Unit, Bank, Status, Reason, Number, Mark, HolderMatch string

	ChangedAt time.Time
}

// Accounts is the read model of accounts. It is no [projection.Table]: a batch is one fact with thousands of members,
// and each of them is a row.
func Accounts() *projection.Projection {
	return projection.New("accounts_v1", accountsDDL, applyToAccounts)
}

const accountsDDL = `
create table if not exists accounts_v1 (
  id           text primary key,
  account      text not null,
  beneficiary  text not null,
  issuance     text not null,
  unit         text not null,
  bank         text not null,
  status       text not null,
  reason       text not null default '',
  number_ref   text not null default '',
  mark         text not null default '',
  holder_match text not null default '',
  changed_at   timestamptz not null
) with (fillfactor = 80);
create unique index if not exists accounts_by_account_v1 on accounts_v1 (account) where account <> '';
create index if not exists accounts_by_unit_v1 on accounts_v1 (unit, id);
create index if not exists accounts_by_issuance_v1 on accounts_v1 (issuance, status);
create index if not exists accounts_drafted_v1 on accounts_v1 (beneficiary) where status = 'drafted';
`

const (
	draftMembers = `
insert into accounts_v1 (id, account, beneficiary, issuance, unit, bank, status, changed_at)
select member || '/' || $1, '', member, $1, $2, $3, 'drafted', $4 from unnest($5::text[]) as member`
	dropMembers    = `delete from accounts_v1 where issuance = $1 and status = 'drafted'`
	leaveOut       = `update accounts_v1 set status = 'left_out', changed_at = $2 where issuance = $1 and status = 'drafted'`
	requestAccount = `
insert into accounts_v1 (id, account, beneficiary, issuance, unit, bank, status, changed_at)
values ($1 || '/' || $2, $3, $1, $2, $4, $5, 'requested', $6)
on conflict (id) do update
   set account = excluded.account, unit = excluded.unit, status = excluded.status, changed_at = excluded.changed_at`
	changeAccount = `update accounts_v1 set status = $2, reason = $3, changed_at = $4 where account = $1`
	openAccount   = `update accounts_v1 set number_ref = $2, mark = $3, holder_match = $4 where account = $1`
)

// applyToAccounts writes what a batch of facts means, in one round trip.
func applyToAccounts(ctx context.Context, tx pgx.Tx, batch []events.Recorded) error {
	var todo pgx.Batch
	for _, r := range batch {
		applyToAccount(&todo, r)
	}
	if todo.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &todo).Close(); err != nil {
		return fmt.Errorf("write accounts: %w", err)
	}
	return nil
}

func applyToAccount(todo *pgx.Batch, r events.Recorded) {
	at := r.Meta.OccurredAt
	switch e := r.Event.(type) {
	case accounts.IssuanceDrafted:
		todo.Queue(draftMembers, e.Issuance, UnitKey(e.Unit), e.Bank, at, e.Beneficiaries)
	case accounts.IssuanceRejected:
		todo.Queue(dropMembers, e.Issuance)
	case accounts.IssuanceRequested:
		todo.Queue(leaveOut, e.Issuance, at)
	case accounts.AccountRequested:
		todo.Queue(requestAccount, e.Beneficiary, e.Issuance, e.Account, UnitKey(e.Unit), e.Bank, at)
	default:
		id, ok := beneficiary.AccountOf(r.Event)
		if !ok {
			return
		}
		state := beneficiary.Account{}.Evolve(r.Event)
		if state.Mark != "" {
			todo.Queue(openAccount, id, state.Number, state.Mark, state.HolderMatch)
		}
		todo.Queue(changeAccount, id, state.Status, state.Reason, at)
	}
}

// AccountFilter narrows a list of accounts. Empty fields do not narrow.
type AccountFilter struct {
	// Scope holds the keys of units that may be seen; nil is everything.
	Scope                               []string
	Bank, Status, Beneficiary, Issuance string
	// After is the id of the row at which the page before ended.
	After string
	Limit int
}

const listAccounts = `
select id, account, beneficiary, issuance, unit, bank, status, reason, number_ref, mark, holder_match, changed_at
  from accounts
 where ($1::text[] is null or unit = any($1))
   and ($2 = '' or bank = $2)
   and ($3 = '' or status = $3)
   and ($4 = '' or beneficiary = $4)
   and ($5 = '' or issuance = $5)
   and id > $6
 order by id
 limit $7`

// ListAccounts lists accounts, requests and members of batches, by beneficiary.
func ListAccounts(ctx context.Context, pool *pgxpool.Pool, f AccountFilter) ([]Account, error) {
	rows, err := pool.Query(ctx, listAccounts, f.Scope, f.Bank, f.Status, f.Beneficiary, f.Issuance, f.After, f.Limit)
	return collect[Account](rows, err, "list accounts")
}

// StateCount is how many members of a batch are in one state, and what the population database said of them.
type StateCount struct {
	Status, Identity string
	Members          int64
}

const countStates = `
select a.status, coalesce(b.identity, 'pending'), count(*)
  from accounts a left join beneficiaries b on b.beneficiary = a.beneficiary
 where a.issuance = $1
 group by 1, 2`

// CountStates counts the members of a batch by the state of their accounts.
func CountStates(ctx context.Context, pool *pgxpool.Pool, issuance string) ([]StateCount, error) {
	rows, err := pool.Query(ctx, countStates, issuance)
	return collect[StateCount](rows, err, "count members of an issuance")
}
