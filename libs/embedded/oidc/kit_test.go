package oidc

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/factor"
)

const (
	audience = "songan-api"
	right    = "mật khẩu đúng"
)

// house is a provider that is served, with users and clients.
type house struct {
	t        *testing.T
	provider *Provider
	url      string
	secret   string // of both clients
	totp     string // of thu
	client   *http.Client

	mu       sync.Mutex
	now      time.Time
	attempts []Attempt
	options  Options
}

// restart is a new process with the same folder.
func (h *house) restart(changes ...func(*Options)) {
	h.t.Helper()
	for _, change := range changes {
		change(&h.options)
	}
	var err error
	if h.provider, err = New(h.options); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) noted(a Attempt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attempts = append(h.attempts, a)
}

// last is how the last attempt ended.
func (h *house) last() Attempt {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.attempts) == 0 {
		return Attempt{}
	}
	return h.attempts[len(h.attempts)-1]
}

func options(dir, totp, secret string) Options {
	hash := factor.HashWith(right, 64, 1) // cheap: what real ones cost has a test of its own
	claims := map[string]any{"songan_role": "approver", "songan_unit": "00004"}
	return Options{
		Issuer: "http://127.0.0.1:1/idp", Dir: dir, Audience: audience, Now: time.Now,
		Users: []User{
			{Subject: "person-an", Name: "an", Password: hash, Claims: claims},
			{Subject: "person-thu", Name: "thu", Password: hash, TOTP: totp, Claims: claims},
		},
		Clients: []Client{
			{ID: "console", Secret: HashSecret(secret), Redirects: []string{"http://127.0.0.1:2/back"}, AfterLogout: []string{"http://127.0.0.1:2/"}},
			{ID: "other", Secret: HashSecret(secret), Redirects: []string{"http://127.0.0.1:3/back"}},
			{ID: "machine", Secret: HashSecret(secret), Claims: map[string]any{"songan_role": "bank"}},
		},
	}
}

// open starts a provider; changes are made to its options, and are kept for [house.restart].
func open(t *testing.T, changes ...func(*Options)) *house {
	t.Helper()
	h := &house{t: t, secret: NewSecret(), totp: NewTOTP(), now: time.Now()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.provider.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	h.url = server.URL + "/idp"
	o := options(t.TempDir(), h.totp, h.secret)
	o.Issuer, o.Now, o.Noted = h.url, h.clock, h.noted
	o.Address = func(r *http.Request) string { return r.Header.Get("X-Test-Address") }
	for _, change := range changes {
		change(&o)
	}
	h.options = o
	h.restart()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	h.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return h
}

type answer struct {
	status int
	body   string
	header http.Header
}

func (a answer) location() string { return a.header.Get("Location") }

// fault is the OAuth error of an answer, or of the address that it leads to.
func (a answer) fault() string {
	var f struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal([]byte(a.body), &f)
	if at, err := url.Parse(a.location()); err == nil && f.Error == "" {
		return at.Query().Get("error")
	}
	return f.Error
}

func (h *house) do(method, at, body string, changes ...func(*http.Request)) answer {
	h.t.Helper()
	if strings.HasPrefix(at, "/") {
		at = h.url + at
	}
	r, err := http.NewRequestWithContext(h.t.Context(), method, at, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, change := range changes {
		change(r)
	}
	response, err := h.client.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{response.StatusCode, string(data), response.Header}
}

func (h *house) get(at string) answer { h.t.Helper(); return h.do(http.MethodGet, at, "") }

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("X-Test-Address", address) }
}

func (h *house) as(client string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(client, h.secret) }
}

const verifier = "a-verifier-that-is-as-long-as-the-standard-asks-for-43"

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// asking is a good authorization request, with changes; an empty value removes a parameter.
func asking(changes map[string]string) string {
	q := url.Values{
		"client_id": {"console"}, "redirect_uri": {"http://127.0.0.1:2/back"}, "response_type": {"code"}, "scope": {"openid songan"},
		"state": {rand.Text()}, "nonce": {rand.Text()}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
	for name, value := range changes {
		q.Set(name, value)
		if value == "" {
			q.Del(name)
		}
	}
	return "/authorize?" + q.Encode()
}

var hiddenFields = regexp.MustCompile(`name="(id|step)" value="([^"]*)"`)

// fill fills in a page.
func (h *house) fill(page answer, fields map[string]string, changes ...func(*http.Request)) answer {
	h.t.Helper()
	form := url.Values{}
	for _, m := range hiddenFields.FindAllStringSubmatch(page.body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	for name, value := range fields {
		form.Set(name, value)
	}
	return h.do(http.MethodPost, "/login", form.Encode(), changes...)
}

// page goes to a new login page.
func (h *house) page() answer {
	h.t.Helper()
	return h.get(h.get(asking(nil)).location())
}

// enter tries a name and a password on a new page.
func (h *house) enter(name, password, address string) answer {
	h.t.Helper()
	return h.fill(h.page(), map[string]string{"name": name, "password": password}, from(address))
}

// code signs an in and returns the code that the client gets.
func (h *house) code() string {
	h.t.Helper()
	back, err := url.Parse(h.enter("an", right, "1").location())
	if err != nil || back.Query().Get("code") == "" {
		h.t.Fatal(back, err)
	}
	return back.Query().Get("code")
}

// exchange asks for the tokens of a code.
func (h *house) exchange(client, code string, changes map[string]string) answer {
	h.t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"http://127.0.0.1:2/back"}, "code_verifier": {verifier},
	}
	for name, value := range changes {
		form.Set(name, value)
		if value == "" {
			form.Del(name)
		}
	}
	return h.do(http.MethodPost, "/token", form.Encode(), h.as(client))
}

type tokenAnswer struct {
	ID      string `json:"id_token"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func tokensOf(t *testing.T, a answer) tokenAnswer {
	t.Helper()
	var v tokenAnswer
	if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return v
}

// claimsOf reads a token without verifying it; that go-oidc verifies it is libs/access/signin's test.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	part, _, _ := strings.Cut(strings.SplitN(token, ".", 2)[1], ".")
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(data, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
