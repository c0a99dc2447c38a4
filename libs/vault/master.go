package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/vault/internal/keyring"
)

// RotateMaster puts a new master key first in the key file and wraps the keys of all months with it. No row is touched.
// The older master keys stay in the file until [Vault.RetireMaster], so that a backup of the database from before
// still opens, and so that the file can be brought to other machines in between: a process with a copy of before opens no month
// any more that it has not opened yet. It can be repeated after a failure.
func (v *Vault) RotateMaster(ctx context.Context) error {
	if err := v.keys.AddMaster(); err != nil {
		return fmt.Errorf("rotate master key: %w", err)
	}
	rewrapped := 0
	err := v.withLivingKeys(ctx, func(tx pgx.Tx, keys []wrappedKey) error {
		for _, key := range keys {
			again, err := v.rewrap(key)
			if errors.Is(err, ErrDestroyed) {
				continue // by the file already; the replay of the ledger will strike it here
			}
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `update vault_keys set wrapped = $2 where id = $1`, key.ID, again); err != nil {
				return fmt.Errorf("store the key of %s: %w", key.ID, err)
			}
			rewrapped++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("rotate master key: %w", err)
	}
	v.log.Info("master key rotated", zap.Int("months", rewrapped))
	return nil
}

// rewrap returns a month's key wrapped with the newest master key.
func (v *Vault) rewrap(key wrappedKey) ([]byte, error) {
	m, err := keyring.ParseMonth(key.ID)
	if err != nil {
		return nil, err
	}
	handle, err := v.keys.Unwrap(m, key.Wrapped)
	if err != nil {
		return nil, err
	}
	return v.keys.Wrap(m, handle)
}

// RetireMaster drops all master keys but the newest from the key file. It refuses while a month is still wrapped with an
// older one: that month would be lost. Backups of the database from before the rotation cannot be opened any more.
func (v *Vault) RetireMaster(ctx context.Context) error {
	err := v.withLivingKeys(ctx, func(_ pgx.Tx, keys []wrappedKey) error {
		return v.keys.RetireMasters(func(unwrap func(keyring.Month, []byte) error) error {
			for _, key := range keys {
				m, err := keyring.ParseMonth(key.ID)
				if err != nil {
					return err
				}
				if err := unwrap(m, key.Wrapped); err != nil && !errors.Is(err, ErrDestroyed) {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("retire old master keys: %w", err)
	}
	v.log.Info("old master keys retired")
	return nil
}

// wrappedKey is a row of vault_keys.
type wrappedKey struct {
	ID      string
	Wrapped []byte
}

// withLivingKeys hands over the keys that are not destroyed, while nobody can make or strike one.
func (v *Vault) withLivingKeys(ctx context.Context, do func(pgx.Tx, []wrappedKey) error) error {
	return pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `lock table vault_keys in share row exclusive mode`); err != nil {
			return fmt.Errorf("lock the keys: %w", err)
		}
		rows, err := tx.Query(ctx, `select id, wrapped from vault_keys where destroyed_at is null order by id`)
		if err != nil {
			return fmt.Errorf("list the keys: %w", err)
		}
		keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wrappedKey])
		if err != nil {
			return fmt.Errorf("list the keys: %w", err)
		}
		return do(tx, keys)
	})
}
