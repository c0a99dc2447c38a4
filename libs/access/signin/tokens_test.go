package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin"
)

// forger is a provider that says whatever a test wants it to.
type forger struct {
	t      *testing.T
	server *httptest.Server
	key    *rsa.PrivateKey
	clock  func() time.Time

	mu        sync.Mutex
	kid       string
	idToken   string
	refusal   string // of refresh tokens
	refreshed int
	keysFail  bool
	fetched   int
}

func forge(t *testing.T, clock func() time.Time) *forger {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{t: t, key: key, kid: "1", clock: clock}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

// ServeHTTP is discovery, keys and tokens.
func (f *forger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	var body any
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		body = map[string]any{
			"issuer": f.server.URL, "authorization_endpoint": f.server.URL + "/authorize", "token_endpoint": f.server.URL + "/token",
			"jwks_uri": f.server.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
		}
	case "/keys":
		f.fetched++
		if f.keysFail {
			f.server.CloseClientConnections()
			return
		}
		body = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: f.key.Public(), KeyID: f.kid, Algorithm: "RS256", Use: "sig"}}}
	case "/token":
		if r.FormValue("grant_type") == "refresh_token" {
			f.refreshed++
			if f.refusal != "" {
				status := http.StatusBadRequest
				if f.refusal == "server_error" {
					status = http.StatusInternalServerError
				}
				w.WriteHeader(status)
				body = map[string]any{"error": f.refusal}
				break
			}
		}
		body = map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": f.idToken, "refresh_token": rand.Text()}
	}
	_ = json.NewEncoder(w).Encode(body)
}

// claims are good ones.
func (f *forger) claims(changes map[string]any) map[string]any {
	now := f.clock()
	c := map[string]any{
		"iss": f.server.URL, "sub": "machine", "aud": audience, "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(),
		"jti": rand.Text(), "songan_role": "bank", "songan_bank": "ICBVVNVX",
	}
	maps.Copy(c, changes)
	for name, value := range c {
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

func (f *forger) sign(key jose.SigningKey, kid string, claims map[string]any) string {
	f.t.Helper()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithHeader("kid", kid).WithType("at+jwt"))
	if err != nil {
		f.t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

func (f *forger) token(changes map[string]any) string {
	return f.signWith(f.key, f.kid, f.claims(changes))
}

func (f *forger) signWith(key *rsa.PrivateKey, kid string, claims map[string]any) string {
	return f.sign(jose.SigningKey{Algorithm: jose.RS256, Key: key}, kid, claims)
}

// rotate makes another key, and forgets the one before.
func (f *forger) rotate(kid string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.key, f.kid = key, kid
}

func (f *forger) fetches() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fetched
}

// fail makes the keys unreachable, or not.
func (f *forger) fail(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keysFail = yes
}

// confused signs with the public key as if it were a secret.
func (f *forger) confused() string {
	der, err := x509.MarshalPKIXPublicKey(f.key.Public())
	if err != nil {
		f.t.Fatal(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return f.sign(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, "1", f.claims(nil))
}

// unsigned has the algorithm none.
func (f *forger) unsigned() string {
	body, err := json.Marshal(f.claims(nil))
	if err != nil {
		f.t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	return text([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + text(body) + "."
}

func (f *forger) stranger() string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.sign(jose.SigningKey{Algorithm: jose.ES256, Key: key}, "1", f.claims(nil))
}

// forged is an office whose provider is the forger.
func forged(t *testing.T, changes ...func(*signin.Options)) (*office, *forger) {
	t.Helper()
	f := forge(t, time.Now)
	o := open(t, append(changes, func(s *signin.Options) { s.Issuer, s.Client = f.server.URL, f.server.Client() })...)
	return o, f
}

func TestABearerTokenIsRefusedUnlessEverythingAboutItIsRight(t *testing.T) {
	t.Parallel()
	o, f := forged(t)
	now, good := time.Now(), f.token(nil)
	b := o.browser()
	want := access.Principal{ID: "machine", Role: access.Bank, Bank: "ICBVVNVX"}
	if got := read[access.Principal](t, b.with(http.MethodGet, good)); got != want {
		t.Errorf("%+v", got)
	}
	type bad struct{ token, code string }
	for name, c := range map[string]bad{
		"none":             {f.unsigned(), "invalid_token"},
		"key confusion":    {f.confused(), "invalid_token"},
		"another key":      {f.stranger(), "invalid_token"},
		"cut":              {good[:len(good)-6] + "AAAAAA", "invalid_token"},
		"wrong audience":   {f.token(map[string]any{"aud": "another-api"}), "invalid_token"},
		"an ID token":      {f.token(map[string]any{"aud": "console", "nonce": "x"}), "invalid_token"},
		"no audience":      {f.token(map[string]any{"aud": nil}), "invalid_token"},
		"another issuer":   {f.token(map[string]any{"iss": "https://evil.example"}), "invalid_token"},
		"expired":          {f.token(map[string]any{"exp": now.Add(-time.Second).Unix()}), "token_expired"},
		"no end":           {f.token(map[string]any{"exp": nil}), "token_expired"},
		"not yet":          {f.token(map[string]any{"nbf": now.Add(3 * time.Minute).Unix()}), "invalid_token"},
		"not yet, as text": {f.token(map[string]any{"nbf": "soon"}), "invalid_token"},
		"from the future":  {f.token(map[string]any{"iat": now.Add(3 * time.Minute).Unix()}), "invalid_token"},
		"nobody":           {f.token(map[string]any{"sub": ""}), "invalid_token"},
		"two signatures":   {good + "." + good, "invalid_key"},
	} {
		if a := o.browser().with(http.MethodGet, c.token); a.code() != c.code || a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestAMachineDoesNotApproveOrReleaseMoney(t *testing.T) {
	t.Parallel()
	o, f := forged(t)
	b := o.browser()
	weak := f.token(map[string]any{"songan_role": "treasurer", "songan_unit": "01"})
	refused(t, b.with(http.MethodPost, weak), http.StatusForbidden, "second_factor_required")
	strong := f.token(map[string]any{"songan_role": "treasurer", "songan_unit": "01", "amr": []string{"pwd", "mfa"}})
	if a := b.with(http.MethodPost, strong); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	refused(t, b.with(http.MethodGet, f.token(map[string]any{"songan_bank": nil})), http.StatusForbidden, "claims_incomplete")
	refused(t, b.with(http.MethodGet, f.token(map[string]any{"songan_bank": 7})), http.StatusForbidden, "claims_incomplete")
}

func TestTokensFromBeforeARevocationAreRefused(t *testing.T) {
	t.Parallel()
	o, f := forged(t)
	before, other := f.token(nil), f.token(map[string]any{"sub": "other"})
	o.clock.Advance(5 * time.Second) // tokens have the system's time
	if err := o.signin.RevokePerson(t.Context(), "machine"); err != nil {
		t.Fatal(err)
	}
	b := o.browser()
	refused(t, b.with(http.MethodGet, before), http.StatusUnauthorized, "token_revoked")
	after := f.token(map[string]any{"iat": time.Now().Add(20 * time.Second).Unix()})
	for _, token := range []string{after, other} {
		if a := b.with(http.MethodGet, token); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}

func TestGuessedTokensMakeAnAddressWaitAndThoseThatWorkedDoNot(t *testing.T) {
	t.Parallel()
	o, f := forged(t)
	b, good := o.browser(), f.token(nil)
	if a := b.with(http.MethodGet, good); a.status != http.StatusOK {
		t.Fatal(a)
	}
	for range 20 {
		refused(t, b.with(http.MethodGet, f.confused()), http.StatusUnauthorized, "invalid_token")
	}
	refused(t, b.with(http.MethodGet, f.confused()), http.StatusTooManyRequests, "too_many_failures")
	if a := b.with(http.MethodGet, good); a.status != http.StatusOK {
		t.Error("a token that had just worked has to wait")
	}
}

func TestTokensOfStrangersDoNotMakeUsAskForKeys(t *testing.T) {
	t.Parallel()
	o, f := forged(t)
	b := o.browser()
	for range 5 {
		b.with(http.MethodGet, f.token(map[string]any{"iss": "https://evil.example"}))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fetched != 0 {
		t.Errorf("asked %d times", f.fetched)
	}
}

func TestKeysThatCannotBeFetchedAreNoReasonToCallATokenWrong(t *testing.T) {
	t.Parallel()
	o, f := forged(t)
	f.mu.Lock()
	f.keysFail = true
	f.mu.Unlock()
	b, token := o.browser(), f.token(nil)
	refused(t, b.with(http.MethodGet, token), http.StatusServiceUnavailable, "sign_in_away")
	f.mu.Lock()
	f.keysFail = false
	f.mu.Unlock()
	o.clock.Advance(3 * time.Second) // it is not asked again at once
	if a := b.with(http.MethodGet, token); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// answerOf signs a browser in at the forger, which returns an ID token with changes.
func answerOf(t *testing.T, o *office, f *forger, changes map[string]any, raw string) answer {
	t.Helper()
	b := o.browser()
	at, err := url.Parse(b.get("/auth/v1/login").location())
	if err != nil {
		t.Fatal(err)
	}
	q := at.Query()
	all := map[string]any{"aud": "console", "nonce": q.Get("nonce"), "sub": "somebody", "songan_role": "auditor", "songan_unit": "*"}
	maps.Copy(all, changes)
	if raw == "" {
		raw = f.token(all)
	}
	f.mu.Lock()
	f.idToken = raw
	f.mu.Unlock()
	return b.get("/auth/v1/callback?code=c&state=" + url.QueryEscape(q.Get("state")))
}

func TestAnIDTokenIsRefusedUnlessEverythingAboutItIsRight(t *testing.T) {
	t.Parallel()
	o, f := forged(t)
	if a := answerOf(t, o, f, nil, ""); a.status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.status, a.body)
	}
	now := time.Now()
	for name, c := range map[string]struct {
		changes map[string]any
		raw     string
	}{
		"another nonce":         {changes: map[string]any{"nonce": "x"}},
		"no nonce":              {changes: map[string]any{"nonce": nil}},
		"for another client":    {changes: map[string]any{"aud": "another"}},
		"for the API":           {changes: map[string]any{"aud": audience}},
		"another's party":       {changes: map[string]any{"aud": []string{"console", "x"}, "azp": "x"}},
		"expired":               {changes: map[string]any{"exp": now.Add(-time.Hour).Unix()}},
		"another issuer":        {changes: map[string]any{"iss": "https://evil.example"}},
		"another access token":  {changes: map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
		"unsigned":              {raw: f.unsigned()},
		"with the wrong secret": {raw: f.confused()},
		"no token at all":       {raw: "nonsense"},
	} {
		if a := answerOf(t, o, f, c.changes, c.raw); a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestSubjectsThatMayBeNamesDoNotGetIntoPrincipals(t *testing.T) {
	t.Parallel()
	o, f := forged(t, func(s *signin.Options) { s.OpaqueSubjects = false })
	token := f.token(map[string]any{"sub": "nguyen.van.an@example.vn"})
	got := read[access.Principal](t, o.browser().with(http.MethodGet, token))
	if len(got.ID) != 28 || got.ID[:2] != "p-" || got.ID != o.signin.PersonID("nguyen.van.an@example.vn") || got.ID == o.signin.PersonID("other") {
		t.Errorf("%q", got.ID)
	}
}
