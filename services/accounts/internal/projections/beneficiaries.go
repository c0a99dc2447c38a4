// Package projections keeps the read models of the accounts service: what officers list, count and search. Rows hold
// references to people, never people.
package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
)

// Beneficiary is one row of the table of beneficiaries, with their latest account.
type Beneficiary struct {
	Beneficiary    string   `db:"beneficiary,key"`
	Unit           string   `db:"unit"`
	FileNumber     string   `db:"file_number"`
	Person         string   `db:"person"`
	DocumentType   string   `db:"document_type"`
	Representative string   `db:"representative"`
	MayHold        bool     `db:"may_hold"`
	By             string   `db:"registered_by"`
	Identity       string   `db:"identity"`
	IdentityFields []string `db:"identity_fields"`
	DiedOn         string   `db:"died_on"`
	// ReportedAccount is the account whose holder a bank says has died, ReportedOf who that is; empty when nobody has to decide.
	ReportedAccount string `db:"reported_account"`
	ReportedOf      string `db:"reported_of"`
	Account         string `db:"account"`
	AccountBank     string `db:"account_bank"`
	AccountStatus   string `db:"account_status"`
	AccountReason   string `db:"account_reason"`
}

// UnitKey writes a unit's key as one text, "00004@2025-07-01", which is what scopes are compared with.
func UnitKey(u events.Unit) string { return u.Code + "@" + u.ValidFrom }

// Beneficiaries is the read model of beneficiaries.
func Beneficiaries() *projection.Projection {
	return projection.Table[Beneficiary]{
		Name: "beneficiaries_v1", DDL: beneficiariesDDL, Key: beneficiaryKey, Apply: applyToBeneficiary,
	}.Projection()
}

const beneficiariesDDL = `
create table if not exists beneficiaries_v1 (
  beneficiary     text primary key,
  unit            text not null,
  file_number     text not null,
  person          text not null,
  document_type   text not null,
  representative  text not null,
  may_hold        boolean not null,
  registered_by   text not null,
  identity        text not null,
  identity_fields text[],
  died_on         text not null,
  reported_account text not null,
  reported_of     text not null,
  account         text not null,
  account_bank    text not null,
  account_status  text not null,
  account_reason  text not null
) with (fillfactor = 80);
create index if not exists beneficiaries_by_unit_v1 on beneficiaries_v1 (unit, beneficiary);
create index if not exists beneficiaries_reported_v1 on beneficiaries_v1 (beneficiary) where reported_account <> '';
create index if not exists beneficiaries_by_file_v1 on beneficiaries_v1 (file_number);
`

// beneficiaryKey names the row that a fact concerns.
func beneficiaryKey(r events.Recorded) (string, bool) {
	switch e := r.Event.(type) {
	case accounts.BeneficiaryRegistered:
		return e.Beneficiary, true
	case accounts.BeneficiaryCorrected:
		return e.Beneficiary, true
	case accounts.BeneficiaryIdentified:
		return e.Beneficiary, true
	case accounts.BeneficiaryDied:
		return e.Beneficiary, true
	case accounts.BeneficiaryDeathRevoked:
		return e.Beneficiary, true
	case accounts.DeathReported:
		return e.Beneficiary, true
	case accounts.DeathReportDismissed:
		return e.Beneficiary, true
	case accounts.DeathReportSettled:
		return e.Beneficiary, true
	default:
		account, ok := beneficiary.AccountOf(r.Event)
		if !ok {
			return "", false
		}
		return beneficiary.OfAccount(account)
	}
}

// applyToBeneficiary folds a fact into its row. What an account becomes is said by the decider's own state.
func applyToBeneficiary(b Beneficiary, r events.Recorded) Beneficiary {
	switch e := r.Event.(type) {
	case accounts.BeneficiaryRegistered:
		return Beneficiary{
			Beneficiary: e.Beneficiary, Unit: UnitKey(e.Unit), FileNumber: e.FileNumber, Person: e.Person,
			DocumentType: e.DocumentType, Representative: e.Representative, MayHold: e.MayHold, By: e.By,
			Identity: beneficiary.Pending,
		}
	case accounts.BeneficiaryCorrected:
		b.Person, b.DocumentType, b.Representative, b.MayHold = e.Person, e.DocumentType, e.Representative, e.MayHold
		b.Identity, b.IdentityFields = beneficiary.Pending, nil
	case accounts.BeneficiaryIdentified:
		b.Identity, b.IdentityFields = e.Result, e.Fields
	case accounts.BeneficiaryDied:
		b.DiedOn, b.ReportedAccount, b.ReportedOf = e.DiedOn, "", ""
	case accounts.BeneficiaryDeathRevoked:
		b.DiedOn = ""
	case accounts.DeathReported:
		b.ReportedAccount, b.ReportedOf = e.Account, e.Of
	case accounts.DeathReportDismissed, accounts.DeathReportSettled:
		b.ReportedAccount, b.ReportedOf = "", ""
	default:
		id, _ := beneficiary.AccountOf(r.Event)
		account := beneficiary.Account{Status: b.AccountStatus, Reason: b.AccountReason}.Evolve(r.Event)
		if requested, first := r.Event.(accounts.AccountRequested); first {
			b.Account, b.AccountBank = requested.Account, requested.Bank
		}
		if id == b.Account {
			b.AccountStatus, b.AccountReason = account.Status, account.Reason
		}
	}
	return b
}

// BeneficiaryFilter narrows a list of beneficiaries. Empty fields do not narrow.
type BeneficiaryFilter struct {
	// Scope holds the keys of units that may be seen; nil is everything.
	Scope      []string
	Identity   string
	FileNumber string
	// Account is the state of the latest account, or "none".
	Account string
	// Living leaves out whoever has died.
	Living bool
	// Reported leaves out whom no bank has reported dead, or whose report is decided about.
	Reported bool
	// After is the id at which the page before ended.
	After string
	Limit int
}

const beneficiaryColumns = `beneficiary, unit, file_number, person, document_type, representative, may_hold, registered_by,
  identity, identity_fields, died_on, reported_account, reported_of, account, account_bank, account_status, account_reason`

const listBeneficiaries = `
select ` + beneficiaryColumns + `
  from beneficiaries
 where ($1::text[] is null or unit = any($1))
   and ($2 = '' or identity = $2)
   and ($3 = '' or file_number = $3)
   and ($4 = '' or account_status = case $4 when 'none' then '' else $4 end)
   and (not $5 or died_on = '')
   and (not $6 or reported_account <> '')
   and beneficiary > $7
 order by beneficiary
 limit $8`

// ListBeneficiaries lists beneficiaries by id.
func ListBeneficiaries(ctx context.Context, pool *pgxpool.Pool, f BeneficiaryFilter) ([]Beneficiary, error) {
	rows, err := pool.Query(ctx, listBeneficiaries, f.Scope, f.Identity, f.FileNumber, f.Account, f.Living, f.Reported, f.After, f.Limit)
	return collect[Beneficiary](rows, err, "list beneficiaries")
}

const findBeneficiaries = `select ` + beneficiaryColumns + ` from beneficiaries where beneficiary = any($1)`

// FindBeneficiaries returns those of the beneficiaries that there are, by id.
func FindBeneficiaries(ctx context.Context, pool *pgxpool.Pool, ids []string) (map[string]Beneficiary, error) {
	rows, err := pool.Query(ctx, findBeneficiaries, ids)
	list, err := collect[Beneficiary](rows, err, "find beneficiaries")
	if err != nil {
		return nil, err
	}
	found := make(map[string]Beneficiary, len(list))
	for _, b := range list {
		found[b.Beneficiary] = b
	}
	return found, nil
}

const withoutAccount = `
select ` + beneficiaryColumns + `
  from beneficiaries
 where unit = any($1)
   and died_on = ''
   and account_status in ('', 'refused', 'closed')
   and not exists (
     select from accounts where accounts.beneficiary = beneficiaries.beneficiary and accounts.status = 'drafted')
   and beneficiary > $2
 order by beneficiary
 limit $3`

// WithoutAccount lists, by id, the living beneficiaries of units who have no account and stand in no batch that may
// still lead to one.
func WithoutAccount(ctx context.Context, pool *pgxpool.Pool, scope []string, after string, limit int) ([]Beneficiary, error) {
	rows, err := pool.Query(ctx, withoutAccount, scope, after, limit)
	return collect[Beneficiary](rows, err, "list beneficiaries without an account")
}

// collect reads the rows of a query into structs.
func collect[R any](rows pgx.Rows, err error, what string) ([]R, error) {
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[R])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return list, nil
}
