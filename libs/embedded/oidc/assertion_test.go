package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// signer is a machine with a key of its own.
type signer struct {
	*house

	key *ecdsa.PrivateKey
}

func newSigner(t *testing.T) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key: key, house: open(t, func(o *Options) {
		o.Clients = append(o.Clients, Client{ID: "signer", Key: key.Public(), Claims: map[string]any{"songan_role": "bank"}})
	})}
}

// assertion is a good one, with changes.
func (s signer) assertion(key any, changes map[string]any) string {
	s.t.Helper()
	alg := jose.ES256
	if _, secret := key.([]byte); secret {
		alg = jose.HS256
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	now := s.clock()
	claims := map[string]any{
		"iss": "signer", "sub": "signer", "aud": s.url, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	maps.Copy(claims, changes)
	text, err := jwt.Signed(made).Claims(claims).Serialize()
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

func (s signer) ask(assertion string, more url.Values) answer {
	s.t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"songan"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	maps.Copy(form, more)
	return s.do(http.MethodPost, "/token", form.Encode())
}

func TestAMachineMaySignWithAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	good := s.assertion(s.key, nil)
	if c := claimsOf(t, tokensOf(t, s.ask(good, nil)).Access); c["sub"] != "signer" || c["songan_role"] != "bank" {
		t.Errorf("%v", c)
	}
	atToken := s.assertion(s.key, map[string]any{"aud": []string{s.url + "/token"}})
	tokensOf(t, s.ask(atToken, nil))
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(name string, value any) string { return s.assertion(s.key, map[string]any{name: value}) }
	for name, a := range map[string]answer{
		"a second time":         s.ask(good, nil),
		"with another key":      s.ask(s.assertion(other, nil), nil),
		"with a secret":         s.ask(s.assertion([]byte("a secret of thirty-two bytes, yes"), nil), nil),
		"for somebody else":     s.ask(changed("aud", "https://elsewhere"), nil),
		"as another machine":    s.ask(changed("sub", "machine"), nil),
		"by another machine":    s.ask(changed("iss", "machine"), nil),
		"as a client of people": s.ask(s.assertion(s.key, map[string]any{"sub": "console", "iss": "console"}), nil),
		"expired":               s.ask(changed("exp", s.clock().Add(-time.Second).Unix()), nil),
		"not yet":               s.ask(changed("nbf", s.clock().Add(time.Minute).Unix()), nil),
		"for a year":            s.ask(changed("exp", s.clock().Add(365*24*time.Hour).Unix()), nil),
		"without an id":         s.ask(changed("jti", ""), nil),
		"under another name":    s.ask(s.assertion(s.key, nil), url.Values{"client_id": {"machine"}}),
		"with a secret as well": s.ask(s.assertion(s.key, nil), url.Values{"client_id": {"signer"}, "client_secret": {s.secret}}),
		"for another grant":     s.ask(s.assertion(s.key, nil), url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}),
		"nonsense":              s.ask("a.b.c", nil),
		"by a secret it has not": s.do(http.MethodPost, "/token", "grant_type=client_credentials&scope=songan", func(r *http.Request) {
			r.SetBasicAuth("signer", "")
		}),
	} {
		if a.status < http.StatusBadRequest || a.status >= http.StatusInternalServerError {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}
