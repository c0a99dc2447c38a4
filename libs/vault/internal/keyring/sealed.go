package keyring

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// sealedFormat is the format of a key file that a key management service has sealed.
const sealedFormat = "songan-sealed-1"

// sealedFile is such a file. The service has seen what is in it, and without the service nobody does.
type sealedFile struct {
	Format string `json:"format"`
	Sealed []byte `json:"sealed"`
}

const mostKeys = 4 << 20

// sealedFor ties what was sealed to what it is for.
func sealedFor() []byte { return []byte("songan vault key file") }

// unsealed reads a key file. Whether it is sealed has to be as configured: a plain one where a service is named may have
// been put there by somebody else, and a sealed one needs its service.
func unsealed(f io.Reader, path string, kms KMS) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(f, mostKeys))
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	var sealed sealedFile
	isSealed := json.Unmarshal(text, &sealed) == nil && sealed.Format == sealedFormat
	switch {
	case !isSealed && kms == nil:
		return text, nil
	case !isSealed:
		return nil, fmt.Errorf("key file %s is not sealed, and a key management service is configured: seal it first (songan seal-vault)", path)
	case kms == nil:
		return nil, fmt.Errorf("key file %s is sealed by a key management service, and none is configured (SONGAN_VAULT_KMS)", path)
	}
	plain, err := kms.Unwrap(sealed.Sealed, sealedFor())
	if err != nil {
		return nil, fmt.Errorf("unseal key file %s: %w", path, err)
	}
	return plain, nil
}

// encoded is what is written of a key file.
func encoded(file *keyFile, kms KMS) ([]byte, error) {
	plain, err := json.Marshal(file)
	if err != nil {
		return nil, errors.New("the keys cannot be written as JSON") // the error could quote one
	}
	if kms == nil {
		return plain, nil
	}
	wrapped, err := kms.Wrap(plain, sealedFor())
	if err != nil {
		return nil, fmt.Errorf("seal key file: %w", err)
	}
	return json.Marshal(sealedFile{sealedFormat, wrapped})
}

// Seal seals a key file that lies there in the clear. One that is sealed already is left alone.
func Seal(path string, kms KMS) error {
	return withLock(path, func(path string) error {
		if _, err := readKeyFile(path, kms); err == nil {
			return nil
		}
		file, err := readKeyFile(path, nil)
		if err != nil {
			return err
		}
		return replace(path, kms, file)
	})
}
