package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/vault/internal/keyring"
	"github.com/songan-vn/songan/libs/vault/internal/ledger"
)

// Swept is what a sweep did.
type Swept struct {
	// Rows is how many expired rows were erased.
	Rows int
	// More says that the run reached its limit and more is waiting.
	More bool
	// Spent are months that are over and have no rows left: destroying them costs nobody anything, and makes what
	// backups hold of them unreadable.
	Spent []string
}

// expired is how the ledger names what a sweep does.
const (
	sweeper       = "service:vault"
	reasonExpired = "expired"
)

// Sweep erases what has expired at now, in small transactions, each with its lines in the ledger; and makes the key of
// the next month ahead of time. Run it every day, from any number of processes.
func (v *Vault) Sweep(ctx context.Context, now time.Time) (Swept, error) {
	var done Swept
	if err := v.prepare(ctx, now); err != nil {
		return done, fmt.Errorf("sweep: %w", err)
	}
	done.More = true
	for range eraseBatches {
		erased, err := v.sweepBatch(ctx, now)
		if err != nil {
			return done, fmt.Errorf("sweep: %w", err)
		}
		if done.Rows += erased; erased < eraseBatch {
			done.More = false
			break
		}
	}
	spent, err := v.spent(ctx, now)
	if err != nil {
		return done, fmt.Errorf("sweep: %w", err)
	}
	done.Spent = spent
	v.log.Info("swept", zap.Int("rows", done.Rows), zap.Bool("more", done.More), zap.Strings("spent", spent))
	return done, nil
}

// sweepBatch leaves to others what others are sweeping.
func (v *Vault) sweepBatch(ctx context.Context, now time.Time) (int, error) {
	const expired = `
select ref::text
  from vault
 where expires_at <= $1
   and not exists (select from vault_holds h where h.ref = vault.ref and h.until > $1)
 order by expires_at
 limit $2
   for update skip locked`
	erased := 0
	err := pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, expired, now, eraseBatch)
		if err != nil {
			return fmt.Errorf("find expired rows: %w", err)
		}
		refs, err := pgx.CollectRows(rows, pgx.RowTo[Ref])
		if err != nil || len(refs) == 0 {
			return err
		}
		entries := make([]ledger.Entry, len(refs))
		for i, ref := range refs {
			entries[i] = ledger.Entry{Ref: string(ref), At: now, Actor: sweeper, Reason: reasonExpired}
		}
		if _, err := eraseRows(ctx, tx, entries); err != nil {
			return err
		}
		erased = len(refs)
		return ledger.Append(v.ledger, entries)
	})
	return erased, err
}

// spent finds months that can be destroyed without anybody losing anything.
func (v *Vault) spent(ctx context.Context, now time.Time) ([]string, error) {
	rows, err := v.pool.Query(ctx, `select id from vault_keys where destroyed_at is null order by id`)
	if err != nil {
		return nil, fmt.Errorf("list months: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list months: %w", err)
	}
	var spent []string
	for _, id := range ids {
		m, err := keyring.ParseMonth(id)
		if err != nil {
			return nil, err
		}
		if now.Before(m.End().Add(settle)) {
			continue
		}
		left := true
		const query = `select exists (select from vault where ref >= $1::uuid and ref < $2::uuid)`
		if err := v.pool.QueryRow(ctx, query, string(firstRef(m)), string(firstRef(m+1))).Scan(&left); err != nil {
			return nil, fmt.Errorf("look into %s: %w", m, err)
		}
		if !left {
			spent = append(spent, id)
		}
	}
	return spent, nil
}
