package party_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access/signin/internal/party"
	"github.com/songan-vn/songan/libs/problem"
)

// A provider is where the configuration says, and where it describes itself: our secret and people's codes go nowhere else.
func TestNothingIsTakenWhereARedirectPoints(t *testing.T) {
	t.Parallel()
	var came atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came.Add(1) }))
	t.Cleanup(other.Close)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.Handle("/moved/", http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	mux.HandleFunc("/idp/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		at := server.URL + "/moved/"
		_, _ = w.Write([]byte(`{"issuer":"` + server.URL + `/idp","authorization_endpoint":"` + at + `auth","token_endpoint":"` + at +
			`token","jwks_uri":"` + at + `keys","id_token_signing_alg_values_supported":["RS256"]}`))
	})
	open := func(issuer string) *party.Party {
		p, err := party.New(party.Options{
			Issuer: issuer, ClientID: "console", ClientSecret: "s", Client: &http.Client{Timeout: 10 * time.Second}, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if _, err := open(server.URL+"/moved").Begin(t.Context(), party.NewAttempt()); problem.CodeOf(err) != party.CodeAway {
		t.Errorf("a description from elsewhere: %v", err)
	}
	p := open(server.URL + "/idp")
	if _, err := p.Exchange(t.Context(), "code", party.NewAttempt()); err == nil {
		t.Error("a code was exchanged elsewhere")
	}
	if _, err := p.Refresh(t.Context(), "refresh", "somebody"); err == nil {
		t.Error("a refresh token was used elsewhere")
	}
	if came.Load() != 0 {
		t.Errorf("%d requests came to another address", came.Load())
	}
}
