package servicetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/embedded/oidc"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/testkit"
)

// alone runs a service in a process of its own, as its command does. The arguments are its environment.
func alone(_ context.Context, args []string) error {
	for _, pair := range args {
		name, value, _ := strings.Cut(pair, "=")
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	service.Main("work", func(_ context.Context, deps service.Deps) (service.Service, error) { //nolint:contextcheck // it ends with the process
		auth := deps.Auth()
		return service.Service{Name: "work", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who, err := auth.Identify(r.Context(), r, "192.0.2.1")
			if err != nil {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = io.WriteString(w, string(who.Role)+" "+who.Unit+who.Bank)
		})}, nil
	})
	return nil
}

// installation is a provider, and services that each run alone on the database of sessions.
type installation struct {
	issuer, password, machine, token string
	browser                          *http.Client
	environment                      []string
}

// install starts the provider. The service at front serves the sign-in.
func install(t *testing.T, front string) *installation {
	t.Helper()
	var provider http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { provider.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	in := &installation{issuer: server.URL + "/idp", password: "mật khẩu đủ dài", machine: oidc.NewSecret()}
	secret := oidc.NewSecret()
	var err error
	provider, err = oidc.New(oidc.Options{
		Issuer: in.issuer, Dir: t.TempDir(), Audience: "songan-api", Now: time.Now,
		Users: []oidc.User{{
			Subject: "person-police", Name: "police", Password: oidc.HashPassword(in.password),
			Claims: map[string]any{"songan_role": "commune_police", "songan_unit": "00004"},
		}},
		Clients: []oidc.Client{
			{ID: "songan-console", Secret: oidc.HashSecret(secret), Redirects: []string{front + "/auth/v1/callback"}, AfterLogout: []string{front + "/"}},
			{ID: "machine", Secret: oidc.HashSecret(in.machine), Claims: map[string]any{"songan_role": "bank", "songan_bank": "ICBVVNVX"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, boss := access.Generate(access.Principal{ID: "boss", Role: access.Admin})
	data := t.TempDir()
	keys := filepath.Join(data, "keys.json")
	if err := access.WriteKeys(keys, []access.Key{boss}); err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	in.token, in.browser = token, &http.Client{Jar: jar, Transport: transport}
	in.environment = []string{
		"SONGAN_DATA=" + data, "SONGAN_ACCESS_KEYS=" + keys, "SONGAN_BASE_URL=" + front, "SONGAN_OIDC_ISSUER=" + in.issuer,
		"SONGAN_OIDC_CLIENT_SECRET=" + secret, "SONGAN_OIDC_OPAQUE_SUBJECTS=true",
	}
	return in
}

// start runs a service at an address with more environment.
func (in *installation) start(t *testing.T, address string, more ...string) (base string) {
	t.Helper()
	testkit.Child(t, "alone", append(append([]string{"SONGAN_HTTP=" + address}, in.environment...), more...)...)
	base = "http://" + address
	testkit.Eventually(t, func() error {
		if status, said := in.call(t, http.MethodGet, base+"/readyz", "", ""); status != http.StatusOK {
			return fmt.Errorf("%d %s", status, said)
		}
		return nil
	})
	return base
}

// call asks as the browser does, or with a token.
func (in *installation) call(t *testing.T, method, at, token, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client := in.browser
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", fmt.Sprint(time.Now().UnixNano()))
	switch {
	case token != "":
		r.Header.Set("Authorization", "Bearer "+token)
		client = &http.Client{Transport: in.browser.Transport}
	case strings.HasSuffix(at, "/idp/login"):
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(said)
}

// signIn signs the officer in at the service that serves it.
func (in *installation) signIn(t *testing.T, front string) {
	t.Helper()
	_, page := in.call(t, http.MethodGet, front+"/auth/v1/login?return=/healthz", "", "")
	form := url.Values{"name": {"police"}, "password": {in.password}}
	for _, m := range regexp.MustCompile(`name="(id|step)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(m[1], m[2])
	}
	if status, said := in.call(t, http.MethodPost, in.issuer+"/login", "", form.Encode()); status != http.StatusOK || !strings.Contains(said, "alive") {
		t.Fatalf("sign in: %d %s", status, said)
	}
}

// bankToken gets the machine's access token.
func (in *installation) bankToken(t *testing.T) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, in.issuer+"/token", strings.NewReader("grant_type=client_credentials&scope=songan"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("machine", in.machine)
	answer, err := in.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || got.Token == "" {
		t.Fatal(answer.StatusCode, err)
	}
	return got.Token
}

// Services that run alone take the same people, machines and keys: by the database of sessions. One of them serves the sign-in
// and the key book, and one that is given no such database takes nobody but the operators' keys.
func TestServicesAloneTakeWhoSignedInAtOneOfThem(t *testing.T) {
	t.Parallel()
	address := testkit.FreeAddress(t)
	in := install(t, "http://"+address)
	sessions := "SONGAN_SESSION_DATABASE_URL=" + testkit.PostgresURL(t)
	front := in.start(t, address, sessions, "SONGAN_SERVE_SIGNIN=true")
	behind, apart := in.start(t, testkit.FreeAddress(t), sessions), in.start(t, testkit.FreeAddress(t))
	in.signIn(t, front)
	machine := in.bankToken(t)
	status, made := in.call(t, http.MethodPost, front+"/access/v1/keys", in.token, `{"holder":"robot","role":"auditor"}`)
	var key struct{ Token string }
	if err := json.Unmarshal([]byte(made), &key); err != nil || status != http.StatusCreated {
		t.Fatalf("give a key: %d %s", status, made)
	}
	for _, c := range []struct{ name, at, token, want string }{
		{"a person, where the sign-in is served", front, "", "200 commune_police 00004"},
		{"a person, at a service behind", behind, "", "200 commune_police 00004"},
		{"a person, where sessions are not known", apart, "", "401 "},
		{"a machine, at a service behind", behind, machine, "200 bank ICBVVNVX"},
		{"a machine, where tokens are not known", apart, machine, "401 "},
		{"a key of the book, at a service behind", behind, key.Token, "200 auditor "},
		{"a key of the book, where it is not known", apart, key.Token, "401 "},
		{"an operator's key", apart, in.token, "200 admin "},
	} {
		if status, said := in.call(t, http.MethodGet, c.at+"/work/x", c.token, ""); fmt.Sprintf("%d %s", status, said) != c.want {
			t.Errorf("%s: %d %q, want %q", c.name, status, said, c.want)
		}
	}
	for at, want := range map[string]int{
		front + "/auth/v1/me": http.StatusOK, behind + "/auth/v1/me": http.StatusNotFound, apart + "/auth/v1/me": http.StatusNotFound,
	} {
		if status, said := in.call(t, http.MethodGet, at, "", ""); status != want {
			t.Errorf("%s: %d %s", at, status, said)
		}
	}
	if status, _ := in.call(t, http.MethodGet, behind+"/access/v1/keys", in.token, ""); status != http.StatusNotFound {
		t.Errorf("keys are given out where they are not served: %d", status)
	}
	if status, said := in.call(t, http.MethodPost, front+"/auth/v1/people/person-police/revocation", in.token, "{}"); status >= http.StatusBadRequest {
		t.Fatalf("revoke: %d %s", status, said)
	}
	if status, said := in.call(t, http.MethodGet, behind+"/work/x", "", ""); status != http.StatusUnauthorized {
		t.Errorf("a session that was revoked goes on at a service behind: %d %s", status, said)
	}
}
