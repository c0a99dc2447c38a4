package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/vault/internal/ledger"
)

// ErrHeld says that a law or a case forbids the erasure for now; see [Vault.Hold].
var ErrHeld = errors.New("held back from erasure")

// Hold says who forbids the erasure of data, why and until when.
type Hold struct {
	// Actor is the principal who asked for it.
	Actor string
	// Reason is a code: "accounting_law", "court_case". The same row may be held for several reasons.
	Reason string
	// Until is when the hold ends by itself.
	Until time.Time
}

// Hold keeps rows from being erased, by request or because they expired, until the hold ends. Holding again with the
// same reason replaces its end, which is also how a hold is lifted: by one that ends now.
func (v *Vault) Hold(ctx context.Context, h Hold, refs ...Ref) error {
	ids, err := checked(refs)
	err = errors.Join(err, ledger.CheckID("actor", h.Actor), ledger.CheckCode("reason", h.Reason))
	if h.Until.IsZero() {
		err = errors.Join(err, errors.New("a hold has an end"))
	}
	if err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	const upsert = `
insert into vault_holds (ref, reason, at, actor, until)
select ref, $2, $3, $4, $5 from unnest($1::uuid[]) as r (ref)
on conflict (ref, reason) do update set at = excluded.at, actor = excluded.actor, until = excluded.until`
	if _, err := v.pool.Exec(ctx, upsert, ids, h.Reason, v.now(), h.Actor, h.Until); err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return nil
}

// checkHolds errs with [ErrHeld] if any of the references may not be erased. The lock makes a hold wait that is being
// placed at the same moment.
func (v *Vault) checkHolds(ctx context.Context, tx pgx.Tx, ids []string) error {
	if _, err := tx.Exec(ctx, `lock table vault_holds in share mode`); err != nil {
		return fmt.Errorf("look for holds: %w", err)
	}
	rows, err := tx.Query(ctx,
		`select distinct reason from vault_holds where ref = any($1::uuid[]) and until > $2 order by reason`, ids, v.now())
	if err != nil {
		return fmt.Errorf("look for holds: %w", err)
	}
	reasons, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for holds: %w", err)
	}
	if len(reasons) > 0 {
		return fmt.Errorf("%w: %s", ErrHeld, strings.Join(reasons, ", "))
	}
	return nil
}

// Disclosure is one recorded reading of a person, as the person may ask for it (Law 91/2025/QH15: to know who handled
// one's data, and why).
type Disclosure struct {
	At time.Time `json:"at"`
	// Kind is read, a search (document, name), or report: shown to the person themselves.
	Kind    string `json:"kind"`
	Actor   string `json:"actor"`
	Purpose string `json:"purpose"`
	Case    string `json:"case"`
	Ref     Ref    `json:"ref"`
}

// mostDisclosures bounds a report; a person is read some dozens of times.
const mostDisclosures = 10_000

const disclosuresOf = `
select r.at, r.kind, r.actor, r.purpose, r.case_ref, x.ref::text
  from vault_readings r, unnest(r.refs) as x (ref)
 where r.refs && $1::uuid[] and x.ref = any($1::uuid[])
 order by r.id
 limit $2`

// ReadBy lists what one actor read in a time, for the notice after a breach: within 72 hours one has to know whose data
// it was.
func (v *Vault) ReadBy(ctx context.Context, actor string, from, until time.Time) ([]Disclosure, error) {
	if err := ledger.CheckID("actor", actor); err != nil {
		return nil, fmt.Errorf("list readings: %w", err)
	}
	const query = `
select r.at, r.kind, r.actor, r.purpose, r.case_ref, x.ref::text
  from vault_readings r, unnest(r.refs) as x (ref)
 where r.actor = $1 and r.at >= $2 and r.at < $3
 order by r.id`
	return v.disclosures(ctx, v.pool, query, actor, from, until)
}

func (v *Vault) disclosures(ctx context.Context, db asker, query string, args ...any) ([]Disclosure, error) {
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list disclosures: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Disclosure])
	if err != nil {
		return nil, fmt.Errorf("list disclosures: %w", err)
	}
	return all, nil
}
