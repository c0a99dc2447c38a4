package kms_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/kms"
)

// made is a key in a file of its own, and its address.
func made(t *testing.T) (path, uri string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "songan.key")
	if err := kms.Create(path); err != nil {
		t.Fatal(err)
	}
	return path, "file://" + path
}

func TestAKeyInAFileOpensWhatItSealedAndNothingElse(t *testing.T) {
	t.Parallel()
	_, uri := made(t)
	_, other := made(t)
	key, err := kms.Open(kms.Options{URI: uri})
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := key.Wrap([]byte("secret"), []byte("vault"))
	if err != nil || strings.Contains(string(wrapped), "secret") {
		t.Fatalf("%q %v", wrapped, err)
	}
	if secret, err := key.Unwrap(wrapped, []byte("vault")); err != nil || string(secret) != "secret" {
		t.Errorf("%q %v", secret, err)
	}
	if _, err := key.Unwrap(wrapped, []byte("another vault")); err == nil {
		t.Error("opened as something else")
	}
	changed := append([]byte{}, wrapped...)
	changed[len(changed)-1] ^= 1
	for _, w := range [][]byte{changed, wrapped[:5], nil} {
		if _, err := key.Unwrap(w, []byte("vault")); err == nil {
			t.Errorf("%x opens", w)
		}
	}
	stranger, err := kms.Open(kms.Options{URI: other})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Unwrap(wrapped, []byte("vault")); err == nil {
		t.Error("opened by another key")
	}
}

func TestAKeyFileForOthersOrWithoutAKeyIsRefused(t *testing.T) {
	t.Parallel()
	path, uri := made(t)
	if err := kms.Create(path); err == nil {
		t.Error("a key was replaced")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func() error{
		"open to others": func() error { return os.Chmod(path, 0o640) }, //nolint:gosec // that is what is refused
		"short":          func() error { return os.WriteFile(path, text[:20], 0o600) },
		"empty":          func() error { return os.WriteFile(path, nil, 0o600) },
		"gone":           func() error { return os.Remove(path) },
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		_, err := kms.Open(kms.Options{URI: uri})
		if err == nil || strings.Contains(err.Error(), string(text[:10])) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, uri := range []string{"file://host/etc/key", "file:etc/key", "file:///k?x=1", "FILE", "file://"} {
		if _, err := kms.Open(kms.Options{URI: uri}); err == nil {
			t.Errorf("%q was taken", uri)
		}
	}
}
