package songan_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/embedded/oidc"
)

// visitor is somebody's browser.
type visitor struct {
	*machine
	t      *testing.T
	client *http.Client
	csrf   string
}

func newVisitor(t *testing.T, m *machine) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{machine: m, t: t, client: &http.Client{
		Jar: jar, Timeout: client.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is what a browser was answered.
type page struct {
	status int
	body   string
	header http.Header
}

func (p page) location() string { return p.header.Get("Location") }

// code is that of a refusal.
func (p page) code() string {
	var refusal struct{ Code string }
	_ = json.Unmarshal([]byte(p.body), &refusal)
	return refusal.Code
}

func (v *visitor) do(method, at, media, body string, header map[string]string) page {
	v.t.Helper()
	if strings.HasPrefix(at, "/") {
		at = v.demo.BaseURL + at
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, at, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return page{response.StatusCode, string(content), response.Header}
}

func (v *visitor) get(at string) page { v.t.Helper(); return v.do(http.MethodGet, at, "", "", nil) }

// post changes something as our own pages do.
func (v *visitor) post(at, body string) page {
	v.t.Helper()
	return v.do(http.MethodPost, at, "application/json", body, map[string]string{
		"Songan-CSRF": v.csrf, "Idempotency-Key": "visitor-" + time.Now().Format(time.RFC3339Nano),
	})
}

// loginPage goes as far as the provider's form.
func (v *visitor) loginPage(back string) page {
	v.t.Helper()
	begun := v.get("/auth/v1/login?return=" + url.QueryEscape(back))
	if begun.status != http.StatusFound {
		v.t.Fatalf("login: %d %s", begun.status, begun.body)
	}
	return v.get(v.get(begun.location()).location())
}

// answer fills in a form of the provider's.
func (v *visitor) answer(form page, fields map[string]string) page {
	v.t.Helper()
	values := url.Values{}
	for _, hidden := range regexp.MustCompile(`name="(id|step)" value="([^"]*)"`).FindAllStringSubmatch(form.body, -1) {
		values.Set(hidden[1], hidden[2])
	}
	for name, value := range fields {
		values.Set(name, value)
	}
	return v.do(http.MethodPost, "/idp/login", "application/x-www-form-urlencoded", values.Encode(), nil)
}

// signIn signs a person of the demo in, with the second factor if they have one.
func (v *visitor) signIn(name string) {
	v.t.Helper()
	login := v.whole(v.t).Logins[name]
	next := v.answer(v.loginPage("/"), map[string]string{"name": login.User, "password": login.Password})
	if login.TOTP != "" {
		code, err := oidc.TOTPCode(login.TOTP, time.Now())
		if err != nil {
			v.t.Fatal(err)
		}
		next = v.answer(next, map[string]string{"code": code})
	}
	if done := v.get(next.location()); done.status != http.StatusSeeOther {
		v.t.Fatalf("%s cannot sign in: %d %s", name, done.status, done.body)
	}
	var me struct{ CSRF string }
	if err := json.Unmarshal([]byte(v.get("/auth/v1/me").body), &me); err != nil {
		v.t.Fatal(err)
	}
	v.csrf = me.CSRF
}
