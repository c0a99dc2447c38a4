package foundation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/songan-vn/songan/libs/vault"
)

// keyFile is the vault's key file: the configured one, or one in the data directory for a process of many services.
func (f *Foundation) keyFile() string {
	if f.deps.Config.VaultKeys != "" {
		return f.deps.Config.VaultKeys
	}
	return filepath.Join(f.deps.Config.Data, "vault-"+f.options.Service+".key")
}

// openVault makes a key file for a database that is new. A database with people in it and no key file is an
// accident, and a new key file would hide it.
func (f *Foundation) openVault(ctx context.Context) (*vault.Vault, error) {
	kms, err := f.deps.Config.KMS(f.metrics)
	if err != nil {
		return nil, fmt.Errorf("connect the key management: %w", err)
	}
	keys, err := vault.LoadSealedKeys(f.keyFile(), kms)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.neverUsed(ctx); err != nil {
			return nil, err
		}
		if err := vault.CreateSealedMaster(f.keyFile(), kms); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make the vault's key: %w", err)
		}
		keys, err = vault.LoadSealedKeys(f.keyFile(), kms)
	}
	if err != nil {
		return nil, fmt.Errorf("read the vault's key: %w", err)
	}
	return vault.Open(ctx, f.Pool, keys, vault.Options{Now: f.deps.Now, Log: f.deps.Log, Needed: f.options.Needed})
}

func (f *Foundation) neverUsed(ctx context.Context) error {
	var used bool
	if err := f.Pool.QueryRow(ctx, `select exists (select from vault_keys)`).Scan(&used); err != nil {
		return fmt.Errorf("look for vault keys: %w", err)
	}
	if used {
		return fmt.Errorf("the key file %s is missing, and the database was sealed with it: restore the file", f.keyFile())
	}
	return nil
}
