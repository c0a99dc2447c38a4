package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/services/accounts/internal/issuance"
)

// Issuance is one row of the table of batches.
type Issuance struct {
	Issuance  string    `db:"issuance,key"`
	Unit      string    `db:"unit"`
	Bank      string    `db:"bank"`
	Status    string    `db:"status"`
	Members   int64     `db:"members"`
	Replaces  string    `db:"replaces"`
	By        string    `db:"made_by"`
	DecidedBy string    `db:"decided_by"`
	Requested int64     `db:"requested"`
	LeftOut   int64     `db:"left_out"`
	DraftedAt time.Time `db:"drafted_at"`
}

// Issuances is the read model of batches.
func Issuances() *projection.Projection {
	return projection.Table[Issuance]{
		Name: "issuances_v1", DDL: issuancesDDL, Key: issuanceKey, Apply: applyToIssuance,
	}.Projection()
}

const issuancesDDL = `
create table if not exists issuances_v1 (
  issuance   text primary key,
  unit       text not null,
  bank       text not null,
  status     text not null,
  members    bigint not null,
  replaces   text not null,
  made_by    text not null,
  decided_by text not null,
  requested  bigint not null,
  left_out   bigint not null,
  drafted_at timestamptz not null
);
create index if not exists issuances_by_unit_v1 on issuances_v1 (unit, drafted_at desc, issuance desc);
create index if not exists issuances_to_request_v1 on issuances_v1 (issuance) where status = 'approved';
`

func issuanceKey(r events.Recorded) (string, bool) {
	switch e := r.Event.(type) {
	case accounts.IssuanceDrafted:
		return e.Issuance, true
	case accounts.IssuanceSubmitted:
		return e.Issuance, true
	case accounts.IssuanceApproved:
		return e.Issuance, true
	case accounts.IssuanceRejected:
		return e.Issuance, true
	case accounts.IssuanceRequested:
		return e.Issuance, true
	default:
		return "", false
	}
}

func applyToIssuance(i Issuance, r events.Recorded) Issuance {
	state := issuance.Issuance{Status: i.Status, DecidedBy: i.DecidedBy}.Evolve(r.Event)
	if e, first := r.Event.(accounts.IssuanceDrafted); first {
		i.Unit, i.Bank, i.Members, i.Replaces, i.By = UnitKey(e.Unit), e.Bank, int64(len(e.Beneficiaries)), e.Replaces, e.By
		i.DraftedAt = r.Meta.OccurredAt
	}
	i.Status, i.DecidedBy = state.Status, state.DecidedBy
	i.Requested, i.LeftOut = int64(state.Requested), int64(state.LeftOut)
	return i
}

// IssuanceKey is where a page of batches ends: lists run from the latest draft to the earliest.
type IssuanceKey struct {
	DraftedAt time.Time `json:"d"`
	Issuance  string    `json:"i"`
}

// IssuanceFilter narrows a list of batches. Empty fields do not narrow.
type IssuanceFilter struct {
	// Scope holds the keys of units that may be seen; nil is everything.
	Scope  []string
	Bank   string
	Status string
	After  *IssuanceKey
	Limit  int
}

const listIssuances = `
select issuance, unit, bank, status, members, replaces, made_by, decided_by, requested, left_out, drafted_at
  from issuances
 where ($1::text[] is null or unit = any($1))
   and ($2 = '' or bank = $2)
   and ($3 = '' or status = $3)
   and ($4::timestamptz is null or (drafted_at, issuance) < ($4, $5))
 order by drafted_at desc, issuance desc
 limit $6`

// ListIssuances lists batches, the latest draft first.
func ListIssuances(ctx context.Context, pool *pgxpool.Pool, f IssuanceFilter) ([]Issuance, error) {
	var at *time.Time
	var id string
	if f.After != nil {
		at, id = &f.After.DraftedAt, f.After.Issuance
	}
	rows, err := pool.Query(ctx, listIssuances, f.Scope, f.Bank, f.Status, at, id, f.Limit)
	return collect[Issuance](rows, err, "list issuances")
}

const approvedIssuances = `select issuance from issuances where status = 'approved' order by issuance limit $1`

// ApprovedIssuances lists batches whose requests were not all made yet.
func ApprovedIssuances(ctx context.Context, pool *pgxpool.Pool, limit int) ([]string, error) {
	type row struct{ Issuance string }
	rows, err := pool.Query(ctx, approvedIssuances, limit)
	list, err := collect[row](rows, err, "list approved issuances")
	ids := make([]string, 0, len(list))
	for _, r := range list {
		ids = append(ids, r.Issuance)
	}
	return ids, err
}
