package projections

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/vn"
)

// The states of a beneficiary's account, as far as paying is concerned.
const (
	NoAccount        = ""
	AccountPending   = "pending"
	AccountRefused   = "refused"
	AccountOpen      = "open"
	AccountSuspended = "suspended"
	AccountBlocked   = "blocked"
	AccountClosed    = "closed"
)

// Beneficiary is one row of the table of beneficiaries: a file, its person, and the account they have now.
type Beneficiary struct {
	Beneficiary   string `db:"beneficiary,key"`
	UnitCode      string `db:"unit_code"`
	UnitValidFrom string `db:"unit_valid_from"`
	Mark          string `db:"mark"`
	Person        string `db:"person"`
	// Representatives are the vault references of who is registered to receive for them, one for every time that their
	// data were corrected; none when they receive themselves.
	Representatives []string `db:"representatives"`
	// RepresentativeMark is the keyed name of that person.
	RepresentativeMark string `db:"representative_mark"`
	// Identity is what the population database answered; empty as long as it did not.
	Identity string `db:"identity"`
	DiedOn   string `db:"died_on"`
	// Reported tells that a bank says that they died, and that no officer has decided about it.
	Reported bool `db:"death_reported"`
	// Heard are the payments, by end-to-end id, of which accounts has heard that a bank said so, of them or of who receives for them.
	Heard []string `db:"death_heard"`
	// Account is the newest one that was requested.
	Account string `db:"account"`
	State   string `db:"state"`
	Bank    string `db:"bank"`
	Number  string `db:"number"`
	// AccountMark is the keyed name of bank and number.
	AccountMark string `db:"account_mark"`
	Holder      string `db:"holder"`
	// ReplacedOn is the day on which the account took the place of another one; empty for the first.
	ReplacedOn string `db:"replaced_on"`
	// Opened counts the accounts that were ever opened.
	Opened int `db:"opened"`
	// Seen is the position of the last fact about the file, in the log of accounts.
	Seen int64 `db:"seen"`
}

// Unit is where the person's file is kept.
func (b Beneficiary) Unit() events.Unit { return unit(b.UnitCode, b.UnitValidFrom) }

// Represented tells whether the account is held by who is registered to receive for the person.
func (b Beneficiary) Represented() bool {
	return slices.Contains(b.Representatives, b.Holder)
}

// CashReason says why the person is not paid by account: empty if they can be.
func (b Beneficiary) CashReason() string {
	switch b.State {
	case AccountOpen:
		return ""
	case NoAccount:
		return "no_account"
	default:
		return "account_" + b.State
	}
}

// Beneficiaries is the read model of the people that the accounts service knows.
func Beneficiaries() *projection.Projection { return beneficiaries().Projection() }

func beneficiaries() projection.Table[Beneficiary] {
	return projection.Table[Beneficiary]{
		Name: "beneficiaries_v1", DDL: beneficiariesDDL, Key: beneficiaryKey, Apply: applyToBeneficiary,
	}
}

const beneficiariesDDL = `
create table if not exists beneficiaries_v1 (
  beneficiary     text primary key,
  unit_code       text not null,
  unit_valid_from text not null,
  mark            text not null,
  person          text not null,
  representatives text[] not null,
  representative_mark text not null,
  identity        text not null,
  died_on         text not null,
  death_reported  boolean not null,
  death_heard     text[] not null,
  account         text not null,
  state           text not null,
  bank            text not null,
  number          text not null,
  account_mark    text not null,
  holder          text not null,
  replaced_on     text not null,
  opened          bigint not null,
  seen            bigint not null
) with (fillfactor = 80);
create index if not exists beneficiaries_by_mark_v1 on beneficiaries_v1 (mark);
create index if not exists beneficiaries_by_account_mark_v1 on beneficiaries_v1 (account_mark) where account_mark <> '';
create index if not exists beneficiaries_who_died_v1 on beneficiaries_v1 (mark) where died_on <> '' or death_reported;
`

func beneficiaryKey(r events.Recorded) (string, bool) {
	return strings.CutPrefix(r.Stream, "beneficiary-")
}

func applyToBeneficiary(b Beneficiary, r events.Recorded) Beneficiary {
	b.Seen = r.Position
	switch e := r.Event.(type) {
	case accounts.BeneficiaryRegistered:
		b.UnitCode, b.UnitValidFrom = e.Unit.Code, e.Unit.ValidFrom
		b.Mark, b.Person = e.Mark, e.Person
		b = b.represented(e.Representative, e.RepresentativeMark)
	case accounts.BeneficiaryCorrected:
		b.Person, b.Identity = e.Person, ""
		b = b.represented(e.Representative, e.RepresentativeMark)
	case accounts.BeneficiaryIdentified:
		b.Identity = e.Result
	case accounts.BeneficiaryDied:
		b.DiedOn, b.Reported = e.DiedOn, false
	case accounts.BeneficiaryDeathRevoked:
		b.DiedOn = ""
	case accounts.DeathReported:
		b.Reported = e.Of == "beneficiary"
		b.Heard = append(slices.Clip(b.Heard), e.EndToEndID)
	case accounts.DeathReportNoted:
		b.Heard = append(slices.Clip(b.Heard), e.EndToEndID)
	case accounts.DeathReportDismissed:
		b.Reported = false
	case accounts.AccountRequested:
		b.Account, b.State, b.Bank = e.Account, AccountPending, e.Bank
		b.Number, b.AccountMark, b.Holder = "", "", e.Holder
	case accounts.AccountRefused:
		b.State = AccountRefused
	case accounts.AccountOpened:
		b = opened(b, e, r.Meta.OccurredAt)
	case accounts.AccountActivated, accounts.AccountReinstated:
		b.State = AccountOpen
	case accounts.AccountSuspended:
		b.State = AccountSuspended
	case accounts.AccountBlocked:
		b.State = AccountBlocked
	case accounts.AccountClosed:
		b.State = AccountClosed
	}
	return b
}

// represented notes who receives for the person. A corrected one has a new reference; their account is in the old one's.
func (b Beneficiary) represented(ref, mark string) Beneficiary {
	if mark != b.RepresentativeMark || ref == "" {
		b.Representatives, b.RepresentativeMark = nil, mark
	}
	if ref != "" {
		b.Representatives = append(slices.Clip(b.Representatives), ref)
	}
	return b
}

func opened(b Beneficiary, e accounts.AccountOpened, at time.Time) Beneficiary {
	b.Account, b.State, b.Bank = e.Account, AccountOpen, e.Bank
	b.Number, b.AccountMark, b.Holder = e.Number, e.Mark, e.Holder
	if b.Opened > 0 {
		b.ReplacedOn = vn.DateOf(at).String()
	}
	b.Opened++
	return b
}

const beneficiaryColumns = `beneficiary, unit_code, unit_valid_from, mark, person, representatives,
  representative_mark, identity, died_on, death_reported, death_heard, account, state, bank, number, account_mark, holder, replaced_on, opened, seen`

// OneBeneficiary reads a row; false when accounts has not told of the beneficiary yet.
func OneBeneficiary(ctx context.Context, pool *pgxpool.Pool, id string) (Beneficiary, bool, error) {
	rows, err := pool.Query(ctx, `select `+beneficiaryColumns+` from beneficiaries where beneficiary = $1`, id)
	return one[Beneficiary](rows, err, "read beneficiary")
}

// BeneficiariesOf reads all files of the people with these marks.
func BeneficiariesOf(ctx context.Context, pool *pgxpool.Pool, marks []string) ([]Beneficiary, error) {
	rows, err := pool.Query(ctx, `select `+beneficiaryColumns+` from beneficiaries where mark = any($1)`, marks)
	return collect[Beneficiary](rows, err, "read beneficiaries")
}

// An account is shared when people use it whom its holder does not represent, and there are two or more of them.
const (
	usesAccount    = `account_mark <> '' and state in ('open', 'suspended', 'blocked') and not (holder = any(representatives))`
	sharedAccounts = `
select account_mark
  from beneficiaries
 where account_mark = any($1) and ` + usesAccount + `
 group by account_mark
having count(distinct mark) > 1`
)

// SharedAccounts returns those of the account marks that several people use.
func SharedAccounts(ctx context.Context, pool *pgxpool.Pool, marks []string) (map[string]bool, error) {
	type row struct{ Mark string }
	rows, err := pool.Query(ctx, sharedAccounts, marks)
	found, err := collect[row](rows, err, "look for shared accounts")
	shared := make(map[string]bool, len(found))
	for _, r := range found {
		shared[r.Mark] = true
	}
	return shared, err
}
