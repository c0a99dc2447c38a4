package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/vault/internal/keyring"
	"github.com/songan-vn/songan/libs/vault/internal/ledger"
)

// ErrUnreadable says that a row does not open: it was changed, moved, relabelled, or sealed by another vault.
var ErrUnreadable = errors.New("the row does not open")

// Reading says who reads, why and in which case. All three are needed, and are kept for good: codes and ids, no texts.
type Reading struct {
	// Actor is the principal: "officer:lan", "service:identity".
	Actor string
	// Purpose is a code: "identity_check".
	Purpose string
	// Case is what the reading belongs to: the id of a notice, a payment list, a request.
	Case string
}

func (r Reading) check() error {
	return errors.Join(ledger.CheckID("actor", r.Actor), ledger.CheckCode("purpose", r.Purpose), ledger.CheckID("case", r.Case))
}

// Read opens rows and records the reading of all references asked for, in one transaction. Erased and expired ones
// are absent from the answer; [Vault.Erased] tells why. A row that does not open fails the whole reading with
// [ErrUnreadable]: somebody has been at the table.
func (v *Vault) Read(ctx context.Context, r Reading, refs ...Ref) (map[Ref]Plain, error) {
	ids, err := checked(refs)
	if err = errors.Join(err, r.check()); err != nil {
		return nil, fmt.Errorf("read vault: %w", err)
	}
	if len(ids) == 0 {
		return map[Ref]Plain{}, nil
	}
	rows, err := v.recordAndFetch(ctx, v.pool, "read", r, ids)
	if err != nil {
		return nil, fmt.Errorf("read vault: %w", err)
	}
	opened := make(map[Ref]Plain, len(rows))
	for _, row := range rows {
		plain, err := v.open(ctx, row)
		switch {
		case errors.Is(err, ErrDestroyed): // a database from before the destruction
			v.log.Warn("row of a destroyed month: replay the erasure ledger", zap.String("month", row.Key))
		case err != nil:
			return nil, fmt.Errorf("read vault: %s: %w", row.Ref, err)
		default:
			opened[row.Ref] = plain
		}
	}
	return opened, nil
}

// ReadIntact opens rows, any number of them, like [Vault.Read], but a row that does not open must not take the others with
// it: the rows are then read one by one, and those that fail are named as damaged.
func (v *Vault) ReadIntact(ctx context.Context, r Reading, refs ...Ref) (found map[Ref]Plain, damaged map[Ref]bool, err error) {
	found, damaged = make(map[Ref]Plain, len(refs)), map[Ref]bool{}
	for chunk := range slices.Chunk(refs, MaxRefs) {
		some, err := v.Read(ctx, r, chunk...)
		if err == nil {
			maps.Copy(found, some)
			continue
		}
		if !errors.Is(err, ErrUnreadable) {
			return nil, nil, err
		}
		for _, ref := range chunk {
			one, err := v.Read(ctx, r, ref)
			switch {
			case errors.Is(err, ErrUnreadable):
				v.log.Error("a row of the vault does not open", zap.String("ref", string(ref)))
				damaged[ref] = true
			case err != nil:
				return nil, nil, err
			}
			maps.Copy(found, one)
		}
	}
	return found, damaged, nil
}

// alive is what is neither erased, nor expired at $1, nor of a destroyed month, whatever else the table holds.
const alive = `(v.expires_at is null or v.expires_at > $1)
   and not exists (select from vault_erasures e where e.ref = v.ref)
   and v.key <> all (array(select k.id from vault_keys k where k.destroyed_at is not null))`

func (v *Vault) recordAndFetch(ctx context.Context, db asker, kind string, r Reading, ids []string) ([]Row, error) {
	const query = `
with recorded as (
    insert into vault_readings (at, kind, actor, purpose, case_ref, refs)
    values ($1, $6, $2, $3, $4, $5::uuid[])
)
select v.ref::text, v.purpose, v.key, v.ciphertext
  from vault v
 where v.ref = any($5::uuid[]) and ` + alive
	found, err := db.Query(ctx, query, v.now(), r.Actor, r.Purpose, r.Case, ids, kind)
	if err != nil {
		return nil, fmt.Errorf("fetch rows: %w", err)
	}
	rows, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (Row, error) {
		var sealed Row
		return sealed, row.Scan(&sealed.Ref, &sealed.Purpose, &sealed.Key, &sealed.Ciphertext)
	})
	if err != nil {
		return nil, fmt.Errorf("fetch rows: %w", err)
	}
	return rows, nil
}

func (v *Vault) open(ctx context.Context, row Row) (Plain, error) {
	m, err := keyring.ParseMonth(row.Key)
	if err != nil {
		return Plain{}, ErrUnreadable
	}
	key, err := v.key(ctx, m)
	if err != nil {
		return Plain{}, err
	}
	plain, err := key.aead.Decrypt(row.Ciphertext, associated(row.Ref, row.Purpose))
	if err != nil {
		return Plain{}, ErrUnreadable
	}
	return Plain{open: func() []byte { return plain }}, nil
}

// FindByDocument returns the references of the rows with a normalised document number, newest first, at most
// [MaxRefs]. The lookup is recorded with what it found; the number itself is kept nowhere.
func (v *Vault) FindByDocument(ctx context.Context, r Reading, number string) ([]Ref, error) {
	index, err := v.keys.Index.Document(number)
	if err != nil {
		return nil, fmt.Errorf("find by document: %w", err)
	}
	return v.find(ctx, r, lookup{"document", findByDocument, index})
}

// FindByName returns the references of the rows with a folded name, newest first, at most [MaxRefs]. The lookup is
// recorded with what it found; the name itself is kept nowhere.
func (v *Vault) FindByName(ctx context.Context, r Reading, name string) ([]Ref, error) {
	index, err := v.keys.Index.Name(name)
	if err != nil {
		return nil, fmt.Errorf("find by name: %w", err)
	}
	return v.find(ctx, r, lookup{"name", findByName, index})
}

const (
	findByDocument = `with found as (select v.ref from vault v where v.document_index = $6 and ` + alive + found
	findByName     = `with found as (select v.ref from vault v where v.name_index = $6 and ` + alive + found

	found = `
     order by v.ref desc
     limit $7
), recorded as (
    insert into vault_readings (at, kind, actor, purpose, case_ref, refs)
    select $1, $2, $3, $4, $5, coalesce((select array_agg(ref) from found), '{}')
)
select ref::text from found order by ref desc`
)

type lookup struct {
	kind, query string
	index       []byte
}

func (v *Vault) find(ctx context.Context, r Reading, l lookup) ([]Ref, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("find by %s: %w", l.kind, err)
	}
	if l.index == nil { // an empty value is nobody's
		return nil, nil
	}
	rows, err := v.pool.Query(ctx, l.query, v.now(), l.kind, r.Actor, r.Purpose, r.Case, l.index, MaxRefs)
	if err != nil {
		return nil, fmt.Errorf("find by %s: %w", l.kind, err)
	}
	refs, err := pgx.CollectRows(rows, pgx.RowTo[Ref])
	if err != nil {
		return nil, fmt.Errorf("find by %s: %w", l.kind, err)
	}
	return refs, nil
}

// Erased is why a reference can no longer be read.
type Erased struct {
	At time.Time
	// Reason is the code given to [Vault.Erase], "expired" or "month_destroyed".
	Reason string
}

// Erased returns those of the references that were erased. A reference that is neither readable nor erased was never
// stored here, or is expired and not yet swept.
func (v *Vault) Erased(ctx context.Context, refs ...Ref) (map[Ref]Erased, error) {
	ids, err := checked(refs)
	if err != nil {
		return nil, fmt.Errorf("look for erasures: %w", err)
	}
	const query = `
select a.ref::text, coalesce(e.at, k.destroyed_at), coalesce(e.reason, 'month_destroyed')
  from unnest($1::uuid[], $2::text[]) as a (ref, month)
  left join vault_erasures e on e.ref = a.ref
  left join vault_keys k     on k.id = a.month and k.destroyed_at is not null
 where e.ref is not null or k.id is not null`
	rows, err := v.pool.Query(ctx, query, ids, months(ids))
	if err != nil {
		return nil, fmt.Errorf("look for erasures: %w", err)
	}
	erased := make(map[Ref]Erased, len(ids))
	var ref Ref
	var e Erased
	_, err = pgx.ForEachRow(rows, []any{&ref, &e.At, &e.Reason}, func() error {
		erased[ref] = e
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for erasures: %w", err)
	}
	return erased, nil
}

// months returns the key ids of references that were checked.
func months(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		m, _ := Ref(id).month()
		out[i] = m.String()
	}
	return out
}
