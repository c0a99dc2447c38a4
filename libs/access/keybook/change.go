package keybook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/problem"
)

// Request is who asks for a change, and what for.
type Request struct {
	By string
	// Scopes are those of who asks: what they give out is not wider.
	Scopes access.Scopes
	// Fingerprint is of what was asked (decider.Meta).
	Fingerprint string
}

// covers refuses to give out, or to get by a rotation, what is wider than the scopes of who asks.
func (r Request) covers(scopes access.Scopes) error {
	if r.Scopes.Cover(scopes) {
		return nil
	}
	return problem.New(problem.Forbidden, "scope_not_allowed",
		"your key's scopes do not reach as far as those of that key", "phạm vi mã truy cập của bạn hẹp hơn phạm vi của mã này")
}

func errReused() error {
	return problem.New(problem.Invalid, "idempotency_key_reused",
		"this Idempotency-Key was used for another request", "Idempotency-Key này đã dùng cho một yêu cầu khác")
}

// issue enters a key, or finds that the same request entered it before.
func (b *Book) issue(ctx context.Context, tx pgx.Tx, key access.Key, r Request) (replayed bool, err error) {
	const insert = `
		insert into keybook_keys
		       (id, hash, holder, role, facility, unit, bank, scopes, expires_at, issued_at, issued_by, request)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		on conflict (id) do nothing`
	p := key.Principal
	done, err := tx.Exec(ctx, insert, key.ID, key.Hash, p.ID, string(p.Role), p.Facility, p.Unit, p.Bank, string(p.Scopes),
		key.ExpiresAt, b.now(), r.By, r.Fingerprint)
	if err != nil {
		return false, fmt.Errorf("enter key: %w", err)
	}
	if done.RowsAffected() > 0 {
		return false, nil
	}
	there, err := read(ctx, tx, key.ID, "")
	if err != nil {
		return false, err
	}
	if there.request != r.Fingerprint || there.Key.Principal != p || !bytes.Equal(there.Key.Hash, key.Hash) {
		return false, errReused()
	}
	return true, nil
}

// Issue enters a key; the caller derived it from the request, so a repeat finds it.
func (b *Book) Issue(ctx context.Context, key access.Key, r Request) (_ Entry, replayed bool, err error) {
	if err := r.covers(key.Principal.Scopes); err != nil {
		return Entry{}, false, err
	}
	var e Entry
	err = pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		if replayed, err = b.issue(ctx, tx, key, r); err != nil {
			return err
		}
		e, err = read(ctx, tx, key.ID, "")
		return err
	})
	if err != nil {
		return Entry{}, false, fmt.Errorf("issue key: %w", err)
	}
	b.log.Info("key issued", zap.String("key", key.ID), zap.String("by", r.By), zap.Bool("again", replayed))
	return e, replayed, nil
}

// Rotation says how a key is rotated. Next has the id and hash of the successor, which was derived from the request.
type Rotation struct {
	Request

	Key  string
	Next access.Key
	// Until is when the old key ends.
	Until time.Time
	// ExpiresAt is when the successor does; the zero time is when the old one would have.
	ExpiresAt time.Time
}

// Rotate enters a key's successor and names the old one's end.
func (b *Book) Rotate(ctx context.Context, r Rotation) (_ Entry, replayed bool, err error) {
	var e Entry
	err = pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		old, err := read(ctx, tx, r.Key, "for update")
		if err != nil {
			return err
		}
		if err := r.covers(old.Key.Principal.Scopes); err != nil {
			return err
		}
		if old.Successor == r.Next.ID {
			replayed = true
			if e, err = read(ctx, tx, r.Next.ID, ""); err == nil && e.request != r.Fingerprint {
				err = errReused()
			}
			return err
		}
		e, err = b.succeed(ctx, tx, old, r)
		return err
	})
	switch {
	case errors.Is(err, access.ErrUnknownKey):
		return Entry{}, false, unknown()
	case errors.Is(err, access.ErrNotRotated):
		return Entry{}, false, problem.Reject("key_not_rotated",
			"the key has ended, was revoked, or has a successor already", "mã truy cập đã hết hạn, bị thu hồi hoặc đã có mã thay thế")
	case err != nil:
		return Entry{}, false, fmt.Errorf("rotate key: %w", err)
	}
	b.cache.Forget(r.Key)
	b.log.Info("key rotated", zap.String("key", r.Key), zap.String("successor", r.Next.ID), zap.String("by", r.By))
	return e, replayed, nil
}

func overlapFault() problem.Fault {
	return fault("out_of_range", "between now and 90 days from now", "từ bây giờ đến tối đa 90 ngày")
}

func (b *Book) succeed(ctx context.Context, tx pgx.Tx, old Entry, r Rotation) (Entry, error) {
	_, next, ends, err := old.Key.Rotate(b.now(), r.Until, 0)
	if errors.Is(err, access.ErrOverlap) {
		var faults problem.Faults
		faults.At("/old_until", overlapFault())
		return Entry{}, faults.Err()
	}
	if err != nil {
		return Entry{}, err
	}
	next.ID, next.Hash = r.Next.ID, r.Next.Hash
	if !r.ExpiresAt.IsZero() {
		next.ExpiresAt = r.ExpiresAt
	}
	if _, err := b.issue(ctx, tx, next, r.Request); err != nil {
		return Entry{}, err
	}
	const end = `update keybook_keys set successor = $2, expires_at = $3 where id = $1`
	if _, err := tx.Exec(ctx, end, old.Key.ID, next.ID, ends.ExpiresAt); err != nil {
		return Entry{}, fmt.Errorf("name the old key's end: %w", err)
	}
	return read(ctx, tx, next.ID, "")
}

// Revoke refuses a key from now on. One that is revoked stays so, by whom it was first.
func (b *Book) Revoke(ctx context.Context, id, by string) (Entry, error) {
	const revoke = `
		update keybook_keys set revoked_at = coalesce(revoked_at, $2), revoked_by = coalesce(revoked_by, $3)
		 where id = $1`
	var e Entry
	err := pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, revoke, id, b.now(), by); err != nil {
			return fmt.Errorf("strike: %w", err)
		}
		var err error
		e, err = read(ctx, tx, id, "")
		return err
	})
	if errors.Is(err, access.ErrUnknownKey) {
		return Entry{}, unknown()
	}
	if err != nil {
		return Entry{}, fmt.Errorf("revoke key: %w", err)
	}
	b.cache.Forget(id)
	b.log.Info("key revoked", zap.String("key", id), zap.String("by", by))
	return e, nil
}

// RevokePerson refuses the keys of somebody who is cut off, a person or the holder of a key: those that they hold, those
// that they gave out, and what came of these: their successors, and what was given out by them. That they were cut off is kept,
// for keys that are not in the book.
func (b *Book) RevokePerson(ctx context.Context, person, by string) error {
	const revoke = `
		with recursive theirs as (
		    select id, holder, successor from keybook_keys where holder = $1::text or issued_by = $2::text || $1::text
		    union
		    select k.id, k.holder, k.successor
		      from theirs t
		      join keybook_keys k on k.id = t.successor or k.issued_by = $2::text || t.holder
		), cut as (
		    insert into keybook_cutoffs (person, until)
		    select $1::text, $3::timestamptz union select holder, $3 from theirs
		    on conflict (person) do update set until = greatest(keybook_cutoffs.until, excluded.until)
		)
		update keybook_keys k set revoked_at = $3, revoked_by = $4
		  from theirs t
		 where k.id = t.id and k.revoked_at is null
		returning k.id`
	officer := access.Principal{Role: access.Admin}.Actor() // nobody else gives out keys
	rows, err := b.pool.Query(ctx, revoke, person, officer, b.now(), by)
	if err != nil {
		return fmt.Errorf("revoke the keys of somebody: %w", err)
	}
	gone, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("revoke the keys of somebody: %w", err)
	}
	for _, id := range gone {
		b.cache.Forget(id)
		b.log.Info("key revoked with its holder, or with who gave it out", zap.String("key", id), zap.String("by", by))
	}
	return nil
}

// CutOff tells whether one of some people, or holders of keys, was cut off at a time or later.
func (b *Book) CutOff(ctx context.Context, since time.Time, people ...string) (is bool, err error) {
	const cut = `select exists (select from keybook_cutoffs where person = any($1) and until >= $2)`
	if err := b.pool.QueryRow(ctx, cut, people, since).Scan(&is); err != nil {
		return false, fmt.Errorf("ask who was cut off: %w", err)
	}
	return is, nil
}
