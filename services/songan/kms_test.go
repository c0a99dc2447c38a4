package songan_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/kms"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/simulators/transit"
)

// openKMS starts a simulated key management service.
func openKMS(t *testing.T) (*transit.Service, func(name, token string) *kms.Key) {
	t.Helper()
	s := &transit.Service{Token: "hunter2", Seed: "seed"}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, func(name, token string) *kms.Key {
		t.Helper()
		key, err := kms.Open(kms.Options{URI: "transit+" + server.URL + "/transit/" + name, Token: token, Client: server.Client()})
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
}

func TestAKeyFileThatAServiceSealedOpensWithThatServiceAlone(t *testing.T) {
	t.Parallel()
	transits, key := openKMS(t)
	path := filepath.Join(t.TempDir(), "vault.key")
	good := key("songan", "hunter2")
	if err := vault.CreateSealedMaster(path, good); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), "master") || strings.Contains(string(text), "index") {
		t.Errorf("%.100s %v", text, err)
	}
	if _, err := vault.LoadSealedKeys(path, good); err != nil {
		t.Error(err)
	}
	for name, other := range map[string]vault.KMS{"no service": nil, "another key": key("other", "hunter2"), "another token": key("songan", "stolen")} {
		_, err := vault.LoadSealedKeys(path, other)
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "stolen") {
			t.Errorf("%s: %v", name, err)
		}
	}
	transits.Away.Store(true)
	for range 6 { // the fifth opens the breaker
		if _, err := vault.LoadSealedKeys(path, good); err == nil {
			t.Error("opened without the service")
		}
	}
	transits.Away.Store(false)
	calls := transits.Calls.Load()
	if _, err := vault.LoadSealedKeys(path, good); err == nil || transits.Calls.Load() != calls {
		t.Error("the breaker lets calls through", err)
	}
}

func TestAPlainKeyFileIsSealedOnceAndNotTakenUnsealed(t *testing.T) {
	t.Parallel()
	_, key := openKMS(t)
	path := filepath.Join(t.TempDir(), "vault.key")
	if err := vault.CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	good := key("songan", "hunter2")
	if _, err := vault.LoadSealedKeys(path, good); err == nil {
		t.Error("a file in the clear was taken where a service is named")
	}
	for range 2 {
		if err := vault.SealKeys(path, good); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := vault.LoadSealedKeys(path, good); err != nil {
		t.Error(err)
	}
	if _, err := vault.LoadKeys(path); err == nil {
		t.Error("a sealed file opens without its service")
	}
}

func TestAnAddressOfAKeyThatCannotBeRightIsRefused(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		"", "https://kms/transit/k", "transit+http://kms.example/transit/k", "transit+https://kms/transit", "transit+https://u:p@kms/transit/k",
		"transit+ftp://127.0.0.1/transit/k", "transit+https://kms/a/b/c",
	} {
		if _, err := kms.Open(kms.Options{URI: uri, Token: "t"}); err == nil {
			t.Errorf("%q was taken", uri)
		}
	}
	if _, err := kms.Open(kms.Options{URI: "transit+https://kms/transit/k"}); err == nil {
		t.Error("no token")
	}
}

// The key may lie in a file: the command makes it, seals with it, and the service opens with it alone.
func TestAKeyFileIsSealedWithAKeyInAFile(t *testing.T) {
	t.Parallel()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, sealing := filepath.Join(dir, "vault.key"), filepath.Join(dir, "sealing.key")
	if err := vault.CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	run := func(uri string, args ...string) error {
		c := exec.CommandContext(t.Context(), binary, append([]string{"seal-vault"}, args...)...)
		c.Env = []string{"SONGAN_VAULT_KMS=" + uri, "HOME=" + dir}
		return c.Run()
	}
	if err := run("file://"+sealing, path); err == nil {
		t.Error("sealed with a key that there is not")
	}
	if err := run("file://"+sealing, "--make-key", path); err != nil {
		t.Fatal(err)
	}
	if err := run("file://"+sealing, "--make-key"); err == nil {
		t.Error("the key was made anew over the one that is used")
	}
	if err := run("transit+https://kms.example/transit/songan", "--make-key"); err == nil {
		t.Error("a key of a service was made")
	}
	key, err := service.Config{VaultKMS: "file://" + sealing}.KMS(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.LoadSealedKeys(path, key); err != nil {
		t.Error(err)
	}
	if _, err := vault.LoadKeys(path); err == nil {
		t.Error("a sealed file opens without its key")
	}
}
