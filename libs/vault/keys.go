package vault

import (
	"fmt"

	"github.com/songan-vn/songan/libs/vault/internal/keyring"
)

// Keys is the key file of one service. The file is read again whenever a month's key is wrapped or unwrapped, so that
// a rotation or a destroyed month is seen by processes that run already. It is safe for concurrent use.
type Keys struct {
	ring *keyring.Ring
}

// ErrDestroyed says that the key of a month was destroyed: nothing of that month can be read or written again.
var ErrDestroyed = keyring.ErrDestroyed

// ErrWrongKeys says that a month's key was wrapped by a master keyset other than the one in the key file.
var ErrWrongKeys = keyring.ErrWrongKeys

// ErrNotNormalised says that an indexed or searched value is not in its one spelling, so that it would not be found.
var ErrNotNormalised = keyring.ErrNotNormalised

// CreateMaster makes a new key file. It never overwrites one: whoever loses the file loses every row, so an existing
// one is an error that is fs.ErrExist.
func CreateMaster(path string) error { return CreateSealedMaster(path, nil) }

// KMS seals key files with a key that lies elsewhere; package kms has one. It is a true boundary.
type KMS = keyring.KMS

// CreateSealedMaster is [CreateMaster] of a file that a key management service seals; nil leaves it to its mode.
func CreateSealedMaster(path string, kms KMS) error {
	if err := keyring.Create(path, kms); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	return nil
}

// LoadKeys reads a key file. A file that others than its owner may read is refused.
func LoadKeys(path string) (*Keys, error) { return LoadSealedKeys(path, nil) }

// SealKeys seals a key file that lies there in the clear; its content stays as it is.
func SealKeys(path string, kms KMS) error {
	if err := keyring.Seal(path, kms); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	return nil
}

// LoadSealedKeys reads a key file that a key management service sealed.
func LoadSealedKeys(path string, kms KMS) (*Keys, error) {
	ring, err := keyring.Load(path, kms)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return &Keys{ring}, nil
}

// Index is what a row can be found by. Empty fields are not indexed. Both are normalised by the caller; see rule 4.
type Index struct {
	// Document is a document's number: upper-case letters and digits only.
	Document string
	// Name is a folded name: upper case, no marks, single spaces.
	Name string
}

// Name returns the name of kind that parts have, always the same and guessed by nobody: 26 lower-case letters and
// digits, 128 bits of HMAC-SHA-256. Ids and causes are made of idempotency keys with it.
func (v *Vault) Name(kind string, parts ...string) string {
	return v.keys.Index.Derive(append([]string{kind}, parts...)...)
}

// Fingerprint returns a keyed digest of a request body, by which a second body under the same idempotency key is told
// apart. It is stored with facts; without the key it says nothing about the body.
func (v *Vault) Fingerprint(body []byte) string { return v.keys.Index.Fingerprint(body) }
