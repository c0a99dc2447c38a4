package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/vault/internal/ledger"
)

// Term says which rows of a purpose have been kept long enough, and by which rule.
type Term struct {
	// Rule and LegalBasis go into the proof of what is erased.
	Rule, LegalBasis string
	Purpose          string
	// Before is when a row that is due was written at the latest.
	Before time.Time
	// Unread says that it must not have been read since, either. Searches are no readings.
	Unread bool
}

func (t Term) check() error {
	err := ledger.CheckCode("purpose", t.Purpose)
	if t.Rule == "" || t.LegalBasis == "" || t.Before.IsZero() {
		err = errors.Join(err, errors.New("a term has a rule, a legal basis and a time"))
	}
	return err
}

// Due is how the rows of a purpose stand to a term.
type Due struct {
	Rows int64 `json:"rows"`
	// Due are kept too long, those on hold left out.
	Due int64 `json:"due"`
	// Held would be due and are on hold.
	Held int64 `json:"held"`
	// Oldest is when the oldest row was written; none when there are no rows.
	Oldest time.Time `json:"oldest,omitzero"`
}

// outlived are the rows of a purpose ($1) that are older than a reference ($2) and, where that is asked ($3), were not
// read since a moment ($4). The readings are gone through once, and only when there is anything as old.
const outlived = `
with old as materialized (
    select ref from vault where purpose = $1 and ref < $2::uuid
), used as materialized (
    select distinct x.ref
      from vault_readings r, unnest(r.refs) as x (ref)
     where $3 and r.kind = 'read' and r.at >= $4 and exists (select from old)
), outlived as (
    select o.ref, exists (select from vault_holds h where h.ref = o.ref and h.until > $5) as held
      from old o
     where not exists (select from used u where u.ref = o.ref)
)`

func (v *Vault) outlivedArgs(t Term) []any {
	return []any{t.Purpose, string(firstRefAt(t.Before)), t.Unread, t.Before, v.now()}
}

// Due counts what a term means for the rows that there are. It changes nothing.
func (v *Vault) Due(ctx context.Context, t Term) (Due, error) {
	if err := t.check(); err != nil {
		return Due{}, fmt.Errorf("count what is due: %w", err)
	}
	const query = outlived + `
select (select count(*) from vault where purpose = $1),
       (select count(*) from outlived where not held), (select count(*) from outlived where held),
       coalesce((select ref::text from vault where purpose = $1 order by ref limit 1), '')`
	var due Due
	var oldest Ref
	err := v.pool.QueryRow(ctx, query, v.outlivedArgs(t)...).Scan(&due.Rows, &due.Due, &due.Held, &oldest)
	if err != nil {
		return Due{}, fmt.Errorf("count what is due: %w", err)
	}
	if oldest != "" {
		if due.Oldest, err = oldest.time(); err != nil {
			return Due{}, fmt.Errorf("count what is due: %w", err)
		}
	}
	return due, nil
}

// reasonRetention is how the ledger names what was erased by a term.
const reasonRetention = "retention"

// Retain erases what a term says is due, in small transactions: each with its lines in the ledger and with a proof, which
// names the rule and the law. What is on hold or needed stays. It returns how many rows went.
func (v *Vault) Retain(ctx context.Context, t Term) (int, error) {
	if err := t.check(); err != nil {
		return 0, fmt.Errorf("retain: %w", err)
	}
	erased, after := 0, Ref(noRef)
	for range eraseBatches {
		done, err := v.retainBatch(ctx, t, after)
		if erased += done.erased; err != nil {
			return erased, fmt.Errorf("retain %s: %w", t.Rule, err)
		}
		if done.found < eraseBatch {
			break
		}
		after = done.last
	}
	if erased > 0 {
		v.log.Info("kept long enough", zap.String("rule", t.Rule), zap.Int("rows", erased))
	}
	return erased, nil
}

// noRef is before every reference.
const noRef = "00000000-0000-0000-0000-000000000000"

// retained is what one transaction found due, how much of it went, and the last that was looked at: what is needed is left
// behind and not found again.
type retained struct {
	found, erased int
	last          Ref
}

func (v *Vault) retainBatch(ctx context.Context, t Term, after Ref) (done retained, err error) {
	const query = outlived + `
select ref::text
  from vault
 where ref in (select ref from outlived where not held and ref > $7::uuid order by ref limit $6)
 order by ref
   for update skip locked`
	err = pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		// A hold that is being placed at this moment waits, and then finds the rows gone; one placed before is seen.
		if _, err := tx.Exec(ctx, `lock table vault_holds in share mode`); err != nil {
			return fmt.Errorf("look for holds: %w", err)
		}
		rows, err := tx.Query(ctx, query, append(v.outlivedArgs(t), eraseBatch, string(after))...)
		if err != nil {
			return fmt.Errorf("find what is due: %w", err)
		}
		refs, err := pgx.CollectRows(rows, pgx.RowTo[Ref])
		if err != nil || len(refs) == 0 {
			return err
		}
		found, last := len(refs), refs[len(refs)-1]
		needed, err := v.askNeeded(ctx, refs)
		if err != nil {
			return err
		}
		refs = slices.DeleteFunc(refs, func(r Ref) bool { return needed[r] != "" })
		if len(refs) > 0 {
			if err := v.proveRetention(ctx, tx, t, refs); err != nil {
				return err
			}
		}
		done = retained{found: found, erased: len(refs), last: last}
		return nil
	})
	return done, err
}

func (v *Vault) proveRetention(ctx context.Context, tx pgx.Tx, t Term, refs []Ref) error {
	at := v.now()
	entries := make([]ledger.Entry, len(refs))
	for i, ref := range refs {
		entries[i] = ledger.Entry{Ref: string(ref), At: at, Actor: sweeper, Reason: reasonRetention}
	}
	if _, err := eraseRows(ctx, tx, entries); err != nil {
		return err
	}
	const prove = `
insert into vault_retention (at, rule, legal_basis, purpose, before, rows, refs_sha256) values ($1, $2, $3, $4, $5, $6, $7)`
	if _, err := tx.Exec(ctx, prove, at, t.Rule, t.LegalBasis, t.Purpose, t.Before, len(refs), digest(refs)); err != nil {
		return fmt.Errorf("write the proof: %w", err)
	}
	return ledger.Append(v.ledger, entries)
}

// digest is SHA-256 over references in their order, one per line: whoever has the ledger can compute it again.
func digest(refs []Ref) string {
	sum := sha256.New()
	for _, ref := range slices.Sorted(slices.Values(refs)) {
		sum.Write([]byte(string(ref) + "\n"))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Retained is the proof of an erasure by a term.
type Retained struct {
	At         time.Time `json:"at"`
	Rule       string    `json:"rule"`
	LegalBasis string    `json:"legal_basis"`
	Purpose    string    `json:"purpose"`
	// Before is what the term came to at that time.
	Before time.Time `json:"before"`
	Rows   int64     `json:"rows"`
	// RefsSHA256 is the digest of the references, sorted, one per line. They stand in the erasure ledger.
	RefsSHA256 string `json:"refs_sha256"`
}

// mostProofs bounds a list of proofs.
const mostProofs = 1000

// Retained lists the proofs, the latest first.
func (v *Vault) Retained(ctx context.Context) ([]Retained, error) {
	const query = `
select at, rule, legal_basis, purpose, before, rows, refs_sha256 from vault_retention order by id desc limit $1`
	rows, err := v.pool.Query(ctx, query, mostProofs)
	if err != nil {
		return nil, fmt.Errorf("list proofs of retention: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Retained])
	if err != nil {
		return nil, fmt.Errorf("list proofs of retention: %w", err)
	}
	return all, nil
}

// Purposes lists what rows are kept for. One that no rule speaks of would be kept for ever.
func (v *Vault) Purposes(ctx context.Context) ([]string, error) {
	rows, err := v.pool.Query(ctx, `select distinct purpose from vault order by purpose`)
	if err != nil {
		return nil, fmt.Errorf("list purposes: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list purposes: %w", err)
	}
	return all, nil
}

// Spent lists the months that are over and have no rows left; see [Swept].
func (v *Vault) Spent(ctx context.Context) ([]string, error) { return v.spent(ctx, v.now()) }

// DestroySpent destroys the keys of [Vault.Spent], which makes what backups hold of them unreadable. It goes on when one
// fails, as it does where the key file is read-only.
func (v *Vault) DestroySpent(ctx context.Context) (destroyed []string, err error) {
	spent, err := v.Spent(ctx)
	if err != nil {
		return nil, err
	}
	for _, month := range spent {
		failed := v.DestroyMonth(ctx, Erasure{Actor: sweeper, Reason: reasonRetention}, month)
		if err = errors.Join(err, failed); failed == nil {
			destroyed = append(destroyed, month)
		}
	}
	return destroyed, err
}
