package signin_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/crypto/argon2"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin"
	"github.com/songan-vn/songan/libs/embedded/oidc"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/testkit/policytest"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

const (
	audience = "songan-api"
	password = "mật khẩu đủ dài"
)

// office is a whole installation: provider, sign-in and an API, behind one HTTPS address.
type office struct {
	t      testing.TB
	url    string
	clock  *testkit.Clock // of sign-in and sessions; the provider's tokens have the system's
	server *httptest.Server
	boss   string // an administrator's key
	signin *signin.Signin
	log    *buffer
	totp   map[string]string
	users  []oidc.User
	// machine is the secret of the client "machine".
	machine string
}

// buffer is a log that is written to while it is read.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds a line.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns all lines.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// cheapHash is a password's hash that costs next to nothing; the costs of real ones are the provider's to test.
func cheapHash() string {
	salt := bytes.Repeat([]byte{1}, 16)
	text := base64.RawStdEncoding.EncodeToString
	return "$argon2id$v=19$m=64,t=1,p=1$" + text(salt) + "$" + text(argon2.IDKey([]byte(password), salt, 1, 64, 1, 32))
}

func user(name string, role access.Role, unit, totp, hash string) oidc.User {
	return oidc.User{
		Subject: "person-" + name, Name: name, Password: hash, TOTP: totp,
		Claims: map[string]any{"songan_role": string(role), "songan_unit": unit},
	}
}

// open starts an office. Changes are made to the options of sign-in first.
func open(t testing.TB, changes ...func(*signin.Options)) *office {
	t.Helper()
	pool := testkit.Postgres(t)
	if err := signin.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, clock: testkit.NewClock(time.Now()), log: &buffer{}, totp: map[string]string{"chairman": oidc.NewTOTP()}, machine: oidc.NewSecret()}
	mux := http.NewServeMux()
	o.server = httptest.NewTLSServer(mux)
	t.Cleanup(o.server.Close)
	o.url = o.server.URL
	provider, secret := o.provider(cheapHash())
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(o.log), zapcore.DebugLevel)
	api := httpapi.Options{Now: o.clock.Now, Log: zap.New(core), Metrics: prometheus.NewRegistry(), Limits: httpapi.DefaultLimits(), Policy: policytest.Load(t, o.clock.Now)}
	options := signin.Options{
		Issuer: o.url + "/idp", ClientID: "console", ClientSecret: secret, Audience: audience, BaseURL: o.url,
		Scopes: []string{"songan", "offline_access"}, Claims: signin.DefaultClaims(), OpaqueSubjects: true, Key: bytes.Repeat([]byte{7}, 32),
		Client: &http.Client{Transport: o.transport(), Timeout: 10 * time.Second}, API: api,
		Recheck: 24 * time.Hour, // the provider's tokens have the system's time, and most tests move their own
	}
	for _, change := range changes {
		change(&options)
	}
	var err error
	if o.signin, err = signin.New(pool, options); err != nil {
		t.Fatal(err)
	}
	api.Metrics = prometheus.NewRegistry()
	mux.Handle("/idp/", provider)
	var boss access.Key
	o.boss, boss = access.Generate(access.Principal{ID: "boss", Role: access.Admin})
	mux.Handle("/auth/", o.signin.Handler(access.New(access.Options{Now: o.clock.Now, Proofs: o.signin.Proofs()}, access.Static(o.key(), boss))))
	mux.Handle("/work/", o.api(api))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "home") })
	return o
}

// transport trusts the office's certificate, and keeps no connections beyond the test.
func (o *office) transport() *http.Transport {
	pool := o.server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}
	o.t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func (o *office) provider(hash string) (_ *oidc.Provider, secret string) {
	o.t.Helper()
	secret = oidc.NewSecret()
	o.users = []oidc.User{
		user("police", access.CommunePolice, "00004", "", hash),
		user("chairman", access.Approver, "00004", o.totp["chairman"], hash),
		user("treasurer", access.Treasurer, "01", "", hash),
		user("nobody", "", "00004", "", hash),
		user("unitless", access.Approver, "", "", hash),
		user("robot", access.Service, "", "", hash),
		user("auditor", access.Auditor, "*", "", hash),
	}
	p, err := oidc.New(oidc.Options{
		Issuer: o.url + "/idp", Dir: o.t.TempDir(), Audience: audience, Now: time.Now, Users: o.users,
		Clients: []oidc.Client{
			{ID: "console", Secret: oidc.HashSecret(secret), Redirects: []string{o.url + "/auth/v1/callback"}, AfterLogout: []string{o.url + "/"}},
			{ID: "machine", Secret: oidc.HashSecret(o.machine), Claims: map[string]any{"songan_role": "bank", "songan_bank": "ICBVVNVX"}},
			{ID: "greedy", Secret: oidc.HashSecret(o.machine), Claims: map[string]any{"songan_role": "treasurer", "songan_unit": "01"}},
		},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return p, secret
}

// api has a route to look, one to change, one for banks, and one for who handles money.
func (o *office) api(options httpapi.Options) http.Handler {
	options.Service, options.Title = "work", "Work"
	options.Policy = policytest.Load(o.t, o.clock.Now)
	options.Auth = access.New(access.Options{Now: o.clock.Now, Proofs: o.signin.Proofs()}, access.Static(o.key()))
	a := httpapi.New(options)
	who := func(w http.ResponseWriter, r *http.Request, c httpapi.Call[struct{}]) error {
		return json.NewEncoder(w).Encode(c.Who)
	}
	httpapi.Handle(a, httpapi.Route{Pattern: "GET /things", Action: "disbursement.read_programmes"}, who)
	httpapi.Handle(a, httpapi.Route{Pattern: "POST /things", Action: "disbursement.read_programmes"}, who)
	return a
}

const apiKey = "sa_key_secret"

func (o *office) key() access.Key {
	key, err := access.KeyOf(apiKey, access.Principal{ID: "key", Role: access.Auditor})
	if err != nil {
		o.t.Fatal(err)
	}
	return key
}

// browser is somebody's browser: it keeps cookies and shows the CSRF token that it was told.
type browser struct {
	*office
	client *http.Client
	csrf   string
}

func (o *office) browser() *browser {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return &browser{office: o, client: &http.Client{
		Transport: o.transport(), Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response, read.
type answer struct {
	status int
	body   string
	header http.Header
}

func (a answer) code() string {
	var p struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal([]byte(a.body), &p)
	return p.Code
}

func (a answer) location() string { return a.header.Get("Location") }

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{response.StatusCode, string(body), response.Header}
}

func (b *browser) request(method, at, body string) *http.Request {
	b.t.Helper()
	if strings.HasPrefix(at, "/") {
		at = b.url + at
	}
	r, err := http.NewRequestWithContext(context.Background(), method, at, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *browser) get(at string) answer { b.t.Helper(); return b.do(b.request(http.MethodGet, at, "")) }

// post changes something as our pages do.
func (b *browser) post(at, body string) answer {
	b.t.Helper()
	r := b.request(http.MethodPost, at, body)
	r.Header.Set("Content-Type", "application/json")
	if b.csrf != "" {
		r.Header.Set(signin.CSRFHeader, b.csrf)
	}
	return b.do(r)
}

// with asks the API with an Authorization header.
func (b *browser) with(method, token string) answer {
	b.t.Helper()
	r := b.request(method, "/work/v1/things", "")
	r.Header.Set("Authorization", "Bearer "+token)
	return b.do(r)
}

var hidden = regexp.MustCompile(`name="(id|step)" value="([^"]*)"`)

// fill fills in the provider's page.
func (b *browser) fill(page answer, fields map[string]string) answer {
	b.t.Helper()
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page.body, -1) {
		form.Set(m[1], m[2])
	}
	for name, value := range fields {
		form.Set(name, value)
	}
	r := b.request(http.MethodPost, "/idp/login", form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// toPage goes as far as the provider's login page.
func (b *browser) toPage(back string) answer {
	b.t.Helper()
	begun := b.get("/auth/v1/login?return=" + url.QueryEscape(back))
	if begun.status != http.StatusFound {
		b.t.Fatalf("login: %d %s", begun.status, begun.body)
	}
	return b.get(b.get(begun.location()).location())
}

// toCallback goes as far as the address that the provider sends the browser back to.
func (b *browser) toCallback(name string) string {
	b.t.Helper()
	next := b.fill(b.toPage("/"), map[string]string{"name": name, "password": password})
	if secret := b.totp[name]; secret != "" {
		code, err := oidc.TOTPCode(secret, time.Now())
		if err != nil {
			b.t.Fatal(err)
		}
		next = b.fill(next, map[string]string{"code": code})
	}
	if next.status != http.StatusFound {
		b.t.Fatalf("password: %d %s", next.status, next.body)
	}
	return next.location()
}

// signIn signs somebody in.
func (b *browser) signIn(name string) {
	b.t.Helper()
	done := b.get(b.toCallback(name))
	if done.status != http.StatusSeeOther || done.location() != "/" {
		b.t.Fatalf("callback: %d %s", done.status, done.body)
	}
	b.csrf = b.me().CSRF
}

type me struct {
	ID            string   `json:"id"`
	Role          string   `json:"role"`
	Unit          string   `json:"unit"`
	SecondFactor  string   `json:"second_factor"`
	CSRF          string   `json:"csrf"`
	RecoveryCodes []string `json:"recovery_codes"`
}

func (b *browser) me() me { b.t.Helper(); return read[me](b.t, b.get("/auth/v1/me")) }

func read[V any](t testing.TB, a answer) V {
	t.Helper()
	var v V
	if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return v
}

// cookie returns a cookie of the browser.
func (b *browser) cookie(name string) *http.Cookie {
	at, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(at) {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// plant sets a cookie as an attacker would who can.
func (b *browser) plant(name, value string) {
	at, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}

// refused fails unless an answer is this refusal.
func refused(t testing.TB, a answer, status int, code string) {
	t.Helper()
	if a.status != status || a.code() != code {
		t.Errorf("answered %d %q, want %d %q: %s", a.status, a.code(), status, code, a.body)
	}
}

// token gets a machine's access token.
func (o *office) token(client string) string {
	o.t.Helper()
	b := o.browser()
	r := b.request(http.MethodPost, "/idp/token", "grant_type=client_credentials&scope=songan")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(client, o.machine)
	got := read[struct {
		Token string `json:"access_token"`
	}](o.t, b.do(r))
	if got.Token == "" {
		o.t.Fatal(errors.New("no token"))
	}
	return got.Token
}
