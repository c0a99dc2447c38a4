package kms_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/songan-vn/songan/libs/kms"
)

// elsewhere is a service that counts who comes, and one that sends everybody there.
func elsewhere(t *testing.T, status int) (from string, came *atomic.Int64) {
	t.Helper()
	came = &atomic.Int64{}
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		came.Add(1)
		_, _ = w.Write([]byte(`{"data":{"ciphertext":"vault:v1:x","plaintext":"eA=="}}`))
	}))
	t.Cleanup(target.Close)
	server := httptest.NewServer(http.RedirectHandler(target.URL, status))
	t.Cleanup(server.Close)
	return server.URL, came
}

func TestASecretIsNotTakenElsewhere(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		from, came := elsewhere(t, status)
		for name, client := range map[string]*http.Client{"its own client": nil, "a given one": {}} {
			key, err := kms.Open(kms.Options{URI: "transit+" + from + "/transit/vault", Token: "token", Client: client})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := key.Wrap([]byte("secret"), nil); err == nil {
				t.Errorf("%d, %s: wrapped by another service", status, name)
			}
			if _, err := key.Unwrap([]byte("vault:v1:x"), nil); err == nil || came.Load() != 0 {
				t.Errorf("%d, %s: %d requests came to another service, %v", status, name, came.Load(), err)
			}
		}
	}
}
