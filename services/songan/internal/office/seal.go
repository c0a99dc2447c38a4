package office

import (
	"context"
	"errors"
	"fmt"

	keys "github.com/songan-vn/songan/libs/kms"
	configured "github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/vault"
)

// SealVault seals key files that lie there in the clear with the key of SONGAN_VAULT_KMS. The services are stopped meanwhile.
type SealVault struct {
	MakeKey bool     `help:"First make the key, in the file that SONGAN_VAULT_KMS names (file:///<path>); it must not exist yet."`
	Files   []string `arg:"" optional:"" help:"Key files."`
}

// Do seals. It can be repeated.
func (s SealVault) Do(context.Context) error {
	config, err := configured.Load[configured.Config]()
	if err != nil {
		return err
	}
	if s.MakeKey {
		path, is := keys.FileOf(config.VaultKMS)
		if !is {
			return errors.New("SONGAN_VAULT_KMS names no key in a file; a service makes its keys itself")
		}
		if err := keys.Create(path); err != nil {
			return err
		}
	}
	kms, err := config.KMS(nil)
	if err != nil {
		return fmt.Errorf("connect the key management: %w", err)
	}
	if kms == nil {
		return errors.New("SONGAN_VAULT_KMS names no key")
	}
	for _, file := range s.Files {
		if err := vault.SealKeys(file, kms); err != nil {
			return fmt.Errorf("seal %s: %w", file, err)
		}
	}
	return nil
}
