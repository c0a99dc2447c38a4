package oidc

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/pending"
)

func TestDiscoverySaysWhatIsDoneAndNothingElse(t *testing.T) {
	t.Parallel()
	h := open(t)
	var d map[string]any
	if err := json.Unmarshal([]byte(h.get("/.well-known/openid-configuration").body), &d); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"issuer": h.url, "authorization_endpoint": h.url + "/authorize", "token_endpoint": h.url + "/token",
		"userinfo_endpoint": h.url + "/userinfo", "end_session_endpoint": h.url + "/end_session", "jwks_uri": h.url + "/keys",
		"response_types_supported": []any{"code"}, "grant_types_supported": []any{"authorization_code", "refresh_token", "client_credentials"},
		"code_challenge_methods_supported": []any{"S256"}, "id_token_signing_alg_values_supported": []any{"RS256"},
		"token_endpoint_auth_methods_supported": []any{"client_secret_basic", "private_key_jwt"}, "scopes_supported": []any{"openid", "offline_access", "songan"},
		"registration_endpoint": nil, "introspection_endpoint": nil, "revocation_endpoint": nil, "device_authorization_endpoint": nil,
	} {
		if !cmp.Equal(d[name], want) {
			t.Errorf("%s is %v, want %v", name, d[name], want)
		}
	}
}

func TestEveryAnswerHasSafeHeaders(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/keys", "/nothing"} {
		header := h.get(path).header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s of %s is %q", name, path, got)
			}
		}
	}
}

func TestWhatIsNotServedIsNotThere(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, path := range []string{"/authorize/callback?id=x", "/oauth/introspect", "/revoke", "/device_authorization", "/healthz", "/register", "/"} {
		if a := h.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, grant := range []string{"refresh_token", "password", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:device_code", ""} {
		form := url.Values{"grant_type": {grant}, "assertion": {"a.b.c"}, "subject_token": {"x"}, "subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"}, "refresh_token": {"x"}, "device_code": {"x"}, "username": {"an"}, "password": {right}}
		if a := h.do(http.MethodPost, "/token", form.Encode(), h.as("console")); a.status < 400 || strings.Contains(a.body, "access_token") {
			t.Errorf("%s: %d %s", grant, a.status, a.body)
		}
	}
	if a := h.do(http.MethodPost, "/token?client_id=x", "grant_type=client_credentials"); a.status != http.StatusBadRequest {
		t.Error("credentials in the address:", a.status)
	}
	if a := h.do(http.MethodGet, "/keys", "", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("other origins may read")
	}
}

func TestAPersonSignsInWithAPassword(t *testing.T) {
	t.Parallel()
	h := open(t)
	got := tokensOf(t, h.exchange("console", h.code(), nil))
	claims := claimsOf(t, got.ID)
	for name, want := range map[string]any{
		"iss": h.url, "sub": "person-an", "aud": []any{"console"}, "azp": "console", "amr": []any{"pwd"}, "acr": "1",
		"songan_role": "approver", "songan_unit": "00004",
	} {
		if !cmp.Equal(claims[name], want) {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	if got.Refresh != "" || claimsOf(t, got.Access)["songan_role"] != nil || cmp.Equal(claimsOf(t, got.Access)["aud"], []any{audience}) {
		t.Error("a person's access token is good for more than userinfo:", claimsOf(t, got.Access))
	}
	info := h.do(http.MethodGet, "/userinfo", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+got.Access) })
	if info.status != http.StatusOK || !strings.Contains(info.body, `"sub":"person-an"`) {
		t.Errorf("%d %s", info.status, info.body)
	}
	if h.last() != (Attempt{"signed_in", "person-an"}) {
		t.Error(h.last())
	}
}

func TestAnAuthenticatorsCodeIsASecondFactor(t *testing.T) {
	t.Parallel()
	h := open(t)
	page := h.enter("thu", right, "1")
	if page.status != http.StatusOK || !strings.Contains(page.body, "Xác thực hai bước") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	if a := h.fill(page, map[string]string{"code": "000000"}); a.status != http.StatusUnauthorized || h.last().Outcome != "wrong_code" {
		t.Errorf("%d %v", a.status, h.last())
	}
	code, err := TOTPCode(h.totp, h.clock())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"", "x"} { // another browser, which did not send the password
		if a := h.fill(page, map[string]string{"code": code, "step": step}); a.status != http.StatusGone {
			t.Errorf("%q: %d", step, a.status)
		}
	}
	back, err := url.Parse(h.fill(page, map[string]string{"code": code[:3] + " " + code[3:]}).location())
	if err != nil {
		t.Fatal(err)
	}
	claims := claimsOf(t, tokensOf(t, h.exchange("console", back.Query().Get("code"), nil)).ID)
	if !cmp.Equal(claims["amr"], []any{"pwd", "otp", "mfa"}) || claims["acr"] != "2" {
		t.Error(claims)
	}
	again := h.enter("thu", right, "1")
	if a := h.fill(again, map[string]string{"code": code}); a.status != http.StatusUnauthorized {
		t.Errorf("the code worked twice: %d", a.status)
	}
}

func TestARequestWithoutProofKeyStateOrNonceIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	for name, changes := range map[string]map[string]string{
		"no proof key":      {"code_challenge": "", "code_challenge_method": ""},
		"a plain proof key": {"code_challenge": verifier, "code_challenge_method": "plain"},
		"no method":         {"code_challenge_method": ""},
		"a short one":       {"code_challenge": "abc"},
		"no state":          {"state": ""},
		"no nonce":          {"nonce": ""},
		"a long state":      {"state": strings.Repeat("x", 513)},
		"implicit":          {"response_type": "id_token token"},
		"hybrid":            {"response_type": "code id_token"},
		"form post":         {"response_mode": "form_post"},
		"fragment":          {"response_mode": "fragment"},
		"no openid":         {"scope": "songan"},
		"a request object":  {"request": "a.b.c"},
		"no page":           {"prompt": "none"},
		"a machine":         {"client_id": "machine"},
		"nobody":            {"client_id": "nobody"},
	} {
		if a := h.get(asking(changes)); strings.Contains(a.location(), "/login") || a.status < 400 && a.fault() == "" {
			t.Errorf("%s: %d %s", name, a.status, a.location())
		}
	}
}

func TestTheBrowserIsSentToRegisteredAddressesOnly(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, to := range []string{
		"https://evil.example/", "http://127.0.0.1:2/back/", "http://127.0.0.1:2/back?x=1", "http://127.0.0.1:2/backx",
		"http://127.0.0.1:2@evil.example/back", "http://127.0.0.1:3/back", "",
	} {
		if a := h.get(asking(map[string]string{"redirect_uri": to})); a.status < 400 || a.location() != "" {
			t.Errorf("%s: %d %s", to, a.status, a.location())
		}
	}
	if a := h.get("/end_session?client_id=console&post_logout_redirect_uri=https://evil.example/"); a.location() != "" {
		t.Error(a.location())
	}
	if a := h.get("/end_session"); a.location() != h.url+"/signed-out" {
		t.Error(a.location())
	}
	if a := h.get("/signed-out"); a.status != http.StatusOK || !strings.Contains(a.body, "đã đăng xuất") {
		t.Error(a.status)
	}
}

func TestACodeIsForItsClientItsProofKeyAndOneUse(t *testing.T) {
	t.Parallel()
	h := open(t)
	for name, c := range map[string]struct {
		client  string
		changes map[string]string
	}{
		"another client":   {"other", nil},
		"a machine":        {"machine", nil},
		"another address":  {"console", map[string]string{"redirect_uri": "http://127.0.0.1:3/back"}},
		"no proof key":     {"console", map[string]string{"code_verifier": ""}},
		"another":          {"console", map[string]string{"code_verifier": verifier + "x"}},
		"its own digest":   {"console", map[string]string{"code_verifier": challenge()}},
		"another code":     {"console", map[string]string{"code": "x"}},
		"a wrong password": {"nobody", nil},
	} {
		if a := h.exchange(c.client, h.code(), c.changes); a.status < 400 || strings.Contains(a.body, "access_token") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	code := h.code()
	tokensOf(t, h.exchange("console", code, nil))
	if a := h.exchange("console", code, nil); a.fault() != "invalid_grant" {
		t.Errorf("a second time: %d %s", a.status, a.body)
	}
	code = h.code()
	h.exchange("console", code, map[string]string{"code_verifier": "x"})
	if a := h.exchange("console", code, nil); a.fault() != "invalid_grant" {
		t.Errorf("after somebody guessed: %d %s", a.status, a.body)
	}
	code = h.code()
	h.advance(pending.CodeLife + time.Second)
	if a := h.exchange("console", code, nil); a.fault() != "invalid_grant" {
		t.Errorf("too late: %d %s", a.status, a.body)
	}
}

func TestAMachineGetsATokenForTheAPI(t *testing.T) {
	t.Parallel()
	h := open(t)
	ask := func(client string) answer {
		return h.do(http.MethodPost, "/token", "grant_type=client_credentials&scope=openid+songan+email", h.as(client))
	}
	got := tokensOf(t, ask("machine"))
	claims := claimsOf(t, got.Access)
	for name, want := range map[string]any{
		"iss": h.url, "sub": "machine", "aud": []any{audience}, "client_id": "machine", "songan_role": "bank",
	} {
		if !cmp.Equal(claims[name], want) {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	if got.ID != "" || got.Refresh != "" || claims["jti"] == "" {
		t.Error(got)
	}
	if a := ask("console"); a.status < 400 {
		t.Error("a client that signs people in got a token of its own")
	}
	h.secret = "wrong"
	if a := ask("machine"); a.status != http.StatusUnauthorized && a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAPageThatIsOldOrDoneIsGone(t *testing.T) {
	t.Parallel()
	h := open(t)
	page := h.page()
	h.fill(page, map[string]string{"name": "an", "password": right})
	if a := h.fill(page, map[string]string{"name": "an", "password": right}); a.status != http.StatusGone {
		t.Errorf("done: %d", a.status)
	}
	page = h.page()
	h.advance(pending.RequestLife + time.Second)
	if a := h.fill(page, map[string]string{"name": "an", "password": right}); a.status != http.StatusGone || !strings.Contains(a.body, "hết hạn") {
		t.Errorf("old: %d", a.status)
	}
	if a := h.get("/login?id=x"); a.status != http.StatusGone {
		t.Errorf("none: %d", a.status)
	}
}

func TestThePageIsSafeAndSaysWhatIsWrongInWordsOnly(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.fill(h.page(), map[string]string{"name": `"><script>alert(1)</script>`, "password": "x"})
	if a.status != http.StatusUnauthorized || strings.Contains(a.body, "<script") || !strings.Contains(a.body, `role="alert"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	csp := a.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "form-action 'self' http://127.0.0.1:2;", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'nonce-"} {
		if !strings.Contains(csp, want) {
			t.Errorf("%q lacks %q", csp, want)
		}
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Frame-Options") != "DENY" {
		t.Error(a.header)
	}
	known, unknown := h.enter("an", "x", "1"), h.enter("nobody", "x", "1")
	if known.status != unknown.status || strings.Contains(known.body, wrongPassword) != strings.Contains(unknown.body, wrongPassword) {
		t.Error("a wrong name and a wrong password are told apart")
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"an issuer that ends with a slash": func(o *Options) { o.Issuer += "/" },
		"no issuer":                        func(o *Options) { o.Issuer = "" },
		"no audience":                      func(o *Options) { o.Audience = "" },
		"a password in clear":              func(o *Options) { o.Users[0].Password = "secret" },
		"two users of one name":            func(o *Options) { o.Users[0].Name = "thu" },
		"a secret that is none":            func(o *Options) { o.Users[0].TOTP = "0189" },
		"a client without a secret":        func(o *Options) { o.Clients[0].Secret = nil },
		"a client called as the audience":  func(o *Options) { o.Clients[0].ID = audience },
		"a hash that eats the machine": func(o *Options) {
			o.Users[0].Password = strings.Replace(o.Users[0].Password, "m=64", "m=99999999", 1)
		},
	} {
		o := options(t.TempDir(), NewTOTP(), NewSecret())
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
