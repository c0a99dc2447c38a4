package songan_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/kms"
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
	service, key := openKMS(t)
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
	service.Away.Store(true)
	for range 6 { // the fifth opens the breaker
		if _, err := vault.LoadSealedKeys(path, good); err == nil {
			t.Error("opened without the service")
		}
	}
	service.Away.Store(false)
	calls := service.Calls.Load()
	if _, err := vault.LoadSealedKeys(path, good); err == nil || service.Calls.Load() != calls {
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
