package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/vault/internal/keyring"
	"github.com/songan-vn/songan/libs/vault/internal/ledger"
)

// Erasure says who has data erased and why: an id and a code.
type Erasure struct {
	// Actor is the principal who asked for it.
	Actor string
	// Reason is a code: "subject_request", "wrong_person".
	Reason string
}

func (e Erasure) check() error {
	return errors.Join(ledger.CheckID("actor", e.Actor), ledger.CheckCode("reason", e.Reason))
}

// Erase deletes the rows of the references. They are in the ledger, on disk, before the deletion is committed; a
// crash in between leaves a reference in the ledger that was asked to be erased and can be erased again. Erasing
// what is erased, or was never stored, is fine; its row will not be readable should it appear later. If one of the
// references is on hold or needed, none is erased, and the error wraps [ErrHeld].
func (v *Vault) Erase(ctx context.Context, e Erasure, refs ...Ref) error {
	ids, err := checked(refs)
	if err = errors.Join(err, e.check()); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	entries := make([]ledger.Entry, len(ids))
	for i, id := range ids {
		entries[i] = ledger.Entry{Ref: id, At: v.now(), Actor: e.Actor, Reason: e.Reason}
	}
	if err := v.checkNeeded(ctx, ids); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	deleted := int64(0)
	err = pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		if err := v.checkHolds(ctx, tx, ids); err != nil {
			return err
		}
		if deleted, err = eraseRows(ctx, tx, entries); err != nil {
			return err
		}
		return ledger.Append(v.ledger, entries)
	})
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	v.log.Info("erased", zap.Int64("rows", deleted), zap.Int("refs", len(ids)), zap.String("reason", e.Reason))
	return nil
}

// eraseRows deletes the rows of entries and records the entries that are not in the table yet. Rows come first and both
// in the order of their references, as a sweep does it, so that nobody waits for each other in a circle.
func eraseRows(ctx context.Context, tx pgx.Tx, entries []ledger.Entry) (deleted int64, err error) {
	entries = slices.SortedFunc(slices.Values(entries), func(a, b ledger.Entry) int { return cmp.Compare(a.Ref, b.Ref) })
	refs, at := make([]string, len(entries)), make([]time.Time, len(entries))
	actors, reasons := make([]string, len(entries)), make([]string, len(entries))
	for i, e := range entries {
		refs[i], at[i], actors[i], reasons[i] = e.Ref, e.At, e.Actor, e.Reason
	}
	const remove = `
with doomed as (select ref from vault where ref = any($1::uuid[]) order by ref for update)
delete from vault where ref in (select ref from doomed)`
	tag, err := tx.Exec(ctx, remove, refs)
	if err != nil {
		return 0, fmt.Errorf("delete rows: %w", err)
	}
	const record = `
insert into vault_erasures (ref, at, actor, reason)
select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[])
on conflict (ref) do nothing`
	if _, err := tx.Exec(ctx, record, refs, at, actors, reasons); err != nil {
		return 0, fmt.Errorf("record erasures: %w", err)
	}
	return tag.RowsAffected(), nil
}

// settle is how long a month must be over before it can be destroyed: rows sealed in its last moment are stored by
// then, and no clock is so wrong that somebody would still seal in it.
const settle = 24 * time.Hour

// DestroyMonth makes everything sealed in a month ("2026-11") unreadable for ever: here, in every backup of the
// database and in what deleted rows leave on disk. The month's secret is cut out of the key file first; then the key is
// struck from the database, the ledger says so, and the rows are deleted. It can be repeated after a failure.
//
// The key file must be writable, or have forgotten the month elsewhere already. Its other copies must be replaced
// by it: they are the one thing that could still open the month.
func (v *Vault) DestroyMonth(ctx context.Context, e Erasure, id string) error {
	m, err := keyring.ParseMonth(id)
	if err = errors.Join(err, e.check()); err != nil {
		return fmt.Errorf("destroy month: %w", err)
	}
	now := v.now()
	if now.Before(m.End().Add(settle)) {
		return fmt.Errorf("destroy month: %s is still being written; it can be destroyed a day after its end", m)
	}
	if err := v.monthFree(ctx, m, now); err != nil {
		return fmt.Errorf("destroy month: %w", err)
	}
	end := ledger.Entry{Month: m.String(), At: now, Actor: e.Actor, Reason: e.Reason}
	err = v.destroy(ctx, end, func() error { return ledger.Append(v.ledger, []ledger.Entry{end}) })
	if err != nil {
		return fmt.Errorf("destroy month: %w", err)
	}
	return nil
}

// monthFree errs if something sealed in the month is on hold.
func (v *Vault) monthFree(ctx context.Context, m keyring.Month, now time.Time) error {
	const query = `select exists (select from vault_holds where ref >= $1::uuid and ref < $2::uuid and until > $3)`
	held := false
	if err := v.pool.QueryRow(ctx, query, string(firstRef(m)), string(firstRef(m+1)), now).Scan(&held); err != nil {
		return fmt.Errorf("look for holds: %w", err)
	}
	if held {
		return fmt.Errorf("%s: %w", m, ErrHeld)
	}
	return nil
}

func (v *Vault) destroy(ctx context.Context, end ledger.Entry, record func() error) error {
	m, err := keyring.ParseMonth(end.Month)
	if err != nil {
		return err
	}
	if err := v.keys.Forget(m); err != nil {
		return err
	}
	const strike = `
insert into vault_keys (id, wrapped, created_at, destroyed_at) values ($1, null, $2, $2)
on conflict (id) do update
   set wrapped = null, destroyed_at = coalesce(vault_keys.destroyed_at, excluded.destroyed_at)`
	err = pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, strike, end.Month, end.At); err != nil {
			return fmt.Errorf("strike the key of %s: %w", m, err)
		}
		return record()
	})
	if err != nil {
		return err
	}
	v.drop(m)
	rows, err := v.deleteMonth(ctx, m)
	v.log.Info("month destroyed", zap.String("month", end.Month), zap.Int64("rows", rows), zap.String("reason", end.Reason))
	return err
}

const (
	// eraseBatch is how many rows one transaction of a sweep, a replay or a destruction deletes.
	eraseBatch = 500
	// eraseBatches bounds one run: five million rows. What is left is left to the next.
	eraseBatches = 10_000
)

// deleteMonth deletes the unreadable rows of a month, which are found by their references: those carry the time.
func (v *Vault) deleteMonth(ctx context.Context, m keyring.Month) (rows int64, err error) {
	const remove = `
delete from vault
 where ref in (select ref from vault where ref >= $1::uuid and ref < $2::uuid and key = $3 order by ref limit $4)`
	for range eraseBatches {
		tag, err := v.pool.Exec(ctx, remove, string(firstRef(m)), string(firstRef(m+1)), m.String(), eraseBatch)
		if err != nil {
			return rows, fmt.Errorf("delete the rows of %s: %w", m, err)
		}
		rows += tag.RowsAffected()
		if tag.RowsAffected() < eraseBatch {
			return rows, nil
		}
	}
	return rows, fmt.Errorf("delete the rows of %s: there are more than one run takes; run it again", m)
}
