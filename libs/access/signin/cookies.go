package signin

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/access/signin/internal/party"
	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/problem"
)

const (
	sessionCookie = "songan"
	loginCookie   = "songan-login"
	// CSRFHeader is where a request with a cookie shows the session's CSRF token.
	CSRFHeader = "Songan-CSRF"

	loginLife = 10 * time.Minute
	maxReturn = 512
)

// cookieName has the prefix by which browsers keep other hosts and plain HTTP from setting the cookie. They take it
// over HTTPS only; on a machine of one's own the names have none.
func (s *Signin) cookieName(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	return name
}

// setCookie sets a cookie; life 0 removes it.
func (s *Signin) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	seconds := int(life / time.Second)
	if seconds == 0 {
		seconds = -1
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where the base URL is https: see cookieName
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: seconds, Secure: s.secure, HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}

// cookie returns a cookie's value. Two of one name are somebody's attempt to plant one: neither counts.
func (s *Signin) cookie(r *http.Request, name string) string {
	all := r.CookiesNamed(s.cookieName(name))
	if len(all) != 1 {
		return ""
	}
	return all[0].Value
}

// attempt is a sign-in under way, sealed in a cookie of the browser that began it.
type attempt struct {
	party.Attempt

	Return  string    `json:"return"`
	Expires time.Time `json:"expires"`
}

func (s *Signin) newAttempt(back string) attempt {
	return attempt{Attempt: party.NewAttempt(), Return: back, Expires: s.now().Add(loginLife)}
}

func (s *Signin) keepAttempt(w http.ResponseWriter, a attempt) error {
	plain, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode sign-in: %w", err)
	}
	s.setCookie(w, loginCookie, seal.Encode(s.secrets.Seal(loginCookie, plain)), loginLife)
	return nil
}

// takeAttempt returns the sign-in that this browser began and whose state came back, once.
func (s *Signin) takeAttempt(w http.ResponseWriter, r *http.Request, state string) (attempt, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(s.cookie(r, loginCookie))
	if err != nil {
		return attempt{}, notBegunHere()
	}
	plain, err := s.secrets.Open(loginCookie, sealed)
	if err != nil {
		return attempt{}, notBegunHere()
	}
	var a attempt
	if err := json.Unmarshal(plain, &a); err != nil || !seal.Same(a.State, state) || !s.now().Before(a.Expires) {
		return attempt{}, notBegunHere()
	}
	s.setCookie(w, loginCookie, "", 0)
	return a, nil
}

func notBegunHere() error {
	return problem.New(problem.Unauthenticated, "sign_in_not_begun",
		"this sign-in was not begun in this browser, or too long ago; begin again",
		"phiên đăng nhập không bắt đầu từ trình duyệt này hoặc đã hết hạn; xin bắt đầu lại")
}

// safeReturn is a path of ours, however a browser reads it; "/" when nothing is said.
func safeReturn(back string) (string, error) {
	if back == "" {
		return "/", nil
	}
	parsed, err := url.Parse(back)
	plain := !strings.ContainsFunc(back, func(c rune) bool { return c <= ' ' || c == '\\' || c > '~' })
	if err != nil || !plain || len(back) > maxReturn || parsed.IsAbs() || parsed.Host != "" || parsed.User != nil ||
		!strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.HasPrefix(back, callbackPath) {
		return "", problem.New(problem.Malformed, "invalid_return",
			"return has to be a path of this site", "địa chỉ quay lại phải là một đường dẫn của hệ thống này")
	}
	return back, nil
}
