package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	keyBytes = 32
	fileMode = 0o600
	// notOurs is what others must not be able to do with a key's file.
	notOurs = 0o077
)

// Create makes a key in a file that must not exist yet, for its owner alone.
func Create(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return fmt.Errorf("kms: make key: %w", err)
	}
	key := make([]byte, keyBytes)
	_, err = rand.Read(key)
	if err == nil {
		_, err = file.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	}
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("kms: make key: %w", err)
	}
	return nil
}

func openFile(path string) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("kms: look at key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&notOurs != 0 {
		return nil, fmt.Errorf("kms: %s is open to others, or no file (mode %v): chmod 600 it", path, info.Mode())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("kms: read key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keyBytes { // the error could quote the key
		return nil, fmt.Errorf("kms: %s holds no key: it is base64 of %d bytes", path, keyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errors.New("kms: the key cannot be used")
	}
	sealing, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, errors.New("kms: the key cannot be used")
	}
	return &Key{
		wrap: func(secret, associated []byte) ([]byte, error) {
			return sealing.Seal(nil, nil, secret, associated), nil
		},
		unwrap: func(wrapped, associated []byte) ([]byte, error) {
			secret, err := sealing.Open(nil, nil, wrapped, associated)
			if err != nil {
				return nil, errors.New("kms: the key does not open this")
			}
			return secret, nil
		},
	}, nil
}
