package signin

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin/internal/factor"
	"github.com/songan-vn/songan/libs/access/signin/internal/party"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/telemetry"
)

// Name is the first part of every path of this package.
const Name = "auth"

const (
	loginPath    = "/" + Name + "/v1/login"
	callbackPath = "/" + Name + "/v1/callback"
)

// Handler serves the routes. Those by which people sign in are public, because who calls is what they find out; auth knows
// who may look after others' sessions.
func (s *Signin) Handler(auth *access.Authenticator) http.Handler {
	o := s.options.API
	o.Service, o.Title = Name, "Sign in"
	o.Description = "People sign in with OpenID Connect and have a session in a cookie. A change with a cookie needs " +
		"the header " + CSRFHeader + ", whose value GET /auth/v1/me tells."
	o.Auth = auth
	a := httpapi.New(o)
	r := &routes{Signin: s, codes: strict.For[codeBody](), logouts: strict.For[logoutBody]()}
	for _, route := range []struct {
		pattern, summary string
		do               func(http.ResponseWriter, *http.Request) error
	}{
		{"GET /login", "Begin to sign in; ?return= is a path of this site", r.login},
		{"GET /callback", "Where the provider sends the browser back to", r.callback},
		{"GET /me", "Who is signed in, and the session's CSRF token", r.me},
		{"POST /logout", "End this session, or all of one's own", r.logout},
		{"POST /factor", "Show a second factor: the code of an authenticator, or a recovery code", r.factor},
		{"POST /factor/enrol", "Set up an authenticator; who has one shows its code", r.enrolFactor},
		{"POST /factor/confirm", "Confirm the new authenticator by its first code", r.confirmFactor},
	} {
		httpapi.Handle(a, httpapi.Route{Pattern: route.pattern, Summary: route.summary, Public: true, BodyLimit: bodyLimit},
			func(w http.ResponseWriter, request *http.Request, _ httpapi.Call[struct{}]) error {
				return route.do(w, request)
			})
	}
	s.desk(a)
	return a
}

const bodyLimit = 4 << 10

// routes are the functions behind the paths.
type routes struct {
	*Signin
	codes   *strict.Reader[codeBody]
	logouts *strict.Reader[logoutBody]
}

type codeBody struct {
	Code string `json:"code" maxLength:"64"`
}

type logoutBody struct {
	Everywhere bool `json:"everywhere,omitzero"`
}

// login sends the browser to the provider.
func (s *routes) login(w http.ResponseWriter, r *http.Request) error {
	back, err := safeReturn(r.URL.Query().Get("return"))
	if err != nil {
		return s.toPeople(w, r, err)
	}
	a := s.newAttempt(back)
	to, err := s.provider.Begin(r.Context(), a.Attempt)
	if err != nil {
		return s.toPeople(w, r, err)
	}
	if err := s.keepAttempt(w, a); err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusFound)
	return nil
}

// callback takes the provider's answer, and begins a session.
func (s *routes) callback(w http.ResponseWriter, r *http.Request) error {
	back, err := s.signIn(w, r)
	if err != nil {
		s.log.Info("sign-in refused", zap.String("code", problem.CodeOf(err)))
		return s.toPeople(w, r, err)
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}

func (s *routes) signIn(w http.ResponseWriter, r *http.Request) (back string, err error) {
	q := r.URL.Query()
	a, err := s.takeAttempt(w, r, q.Get("state"))
	if err != nil {
		return "", err
	}
	if issuer := q.Get("iss"); q.Get("code") == "" || issuer != "" && issuer != s.options.Issuer {
		return "", party.Refused()
	}
	token, err := s.provider.Exchange(r.Context(), q.Get("code"), a.Attempt)
	if err != nil {
		return "", err
	}
	who, err := s.signedIn(token)
	if err != nil {
		return "", err
	}
	_, err = s.openSession(w, r, Session{
		Who: who, Strong: s.strong(token.Claims), Expires: s.now().Add(s.options.Absolute), Subject: token.Subject, Refresh: token.Refresh,
	})
	return a.Return, err
}

// openSession begins a session in the browser, in the place of the one that it had.
func (s *routes) openSession(w http.ResponseWriter, r *http.Request, n Session) (view, error) {
	token, n, err := s.sessions.Begin(r.Context(), s.cookie(r, sessionCookie), n)
	if err != nil {
		return view{}, err
	}
	s.setCookie(w, sessionCookie, token, n.Expires.Sub(s.now()))
	s.log.Info("session begun", zap.String("session", n.ID), zap.String("actor", n.Who.Actor()),
		zap.String("role", string(n.Who.Role)), zap.Bool("strong", n.Strong))
	return s.view(r.Context(), token, n)
}

// view is what a page is told about its session.
type view struct {
	access.Principal
	// SecondFactor is "given", "not_needed", "needed" (show a code), or "to_set_up" (enrol first).
	SecondFactor string    `json:"second_factor"`
	CSRF         string    `json:"csrf"`
	ExpiresAt    time.Time `json:"expires_at"`
	// RecoveryCodes are shown once.
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
}

func (s *routes) view(ctx context.Context, token string, n Session) (view, error) {
	v := view{Principal: n.Who, SecondFactor: "not_needed", CSRF: s.secrets.CSRF(token), ExpiresAt: n.Expires}
	switch {
	case n.Strong:
		v.SecondFactor = "given"
	case needsSecondFactor(n.Who.Role):
		has, err := s.factors.Enrolled(ctx, n.Who.ID)
		if err != nil {
			return view{}, err
		}
		v.SecondFactor = map[bool]string{true: "needed", false: "to_set_up"}[has]
	}
	return v, nil
}

// session returns the request's session.
func (s *routes) session(r *http.Request) (token string, n Session, err error) {
	if token = s.cookie(r, sessionCookie); token == "" {
		return "", Session{}, problem.New(problem.Unauthenticated, "not_signed_in", "nobody is signed in", "chưa đăng nhập")
	}
	n, err = s.admit(r.Context(), r, token)
	return token, n, err
}

func (s *routes) me(w http.ResponseWriter, r *http.Request) error {
	token, n, err := s.session(r)
	if err != nil {
		return err
	}
	v, err := s.view(r.Context(), token, n)
	if err != nil {
		return err
	}
	return answer(w, v)
}

// logout ends sessions, and says where the provider's ends.
func (s *routes) logout(w http.ResponseWriter, r *http.Request) error {
	token, n, err := s.session(r)
	if err != nil {
		return err
	}
	body := logoutBody{}
	if r.ContentLength != 0 {
		if body, err = read(r, s.logouts); err != nil {
			return err
		}
	}
	if err := s.sessions.End(r.Context(), token); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	if body.Everywhere {
		if err := s.RevokePerson(r.Context(), n.Who.ID); err != nil {
			return err
		}
	}
	s.setCookie(w, sessionCookie, "", 0)
	s.log.Info("session ended", zap.String("session", n.ID), zap.String("actor", n.Who.Actor()), zap.Bool("everywhere", body.Everywhere))
	return answer(w, map[string]string{"next": s.provider.AfterLogout(r.Context())})
}

func (s *routes) factor(w http.ResponseWriter, r *http.Request) error {
	_, n, err := s.session(r)
	if err != nil {
		return err
	}
	body, err := read(r, s.codes)
	if err != nil {
		return err
	}
	if err := s.factors.Verify(r.Context(), n.Who.ID, body.Code); err != nil {
		s.log.Info("second factor refused", zap.String("actor", n.Who.Actor()), zap.String("code", problem.CodeOf(err)))
		return err
	}
	return s.stepUp(w, r, n, nil)
}

// stepUp begins a session with a second factor in the place of one without. It lasts no longer.
func (s *routes) stepUp(w http.ResponseWriter, r *http.Request, n Session, codes []string) error {
	v, err := s.openSession(w, r, Session{
		ID: n.ID, Who: n.Who, Strong: true, Expires: n.Expires, Subject: n.Subject, Refresh: n.Refresh, Checked: n.Checked,
	})
	if err != nil {
		return err
	}
	v.RecoveryCodes = codes
	return answer(w, v)
}

func asker(n Session) factor.Asker {
	return factor.Asker{Person: n.Who.ID, Strong: n.Strong, Since: n.Created}
}

func (s *routes) enrolFactor(w http.ResponseWriter, r *http.Request) error {
	_, n, err := s.session(r)
	if err != nil {
		return err
	}
	body := codeBody{}
	if r.ContentLength != 0 {
		if body, err = read(r, s.codes); err != nil {
			return err
		}
	}
	enrolment, err := s.factors.Enrol(r.Context(), asker(n), body.Code)
	if err != nil {
		return err
	}
	return answer(w, enrolment)
}

func (s *routes) confirmFactor(w http.ResponseWriter, r *http.Request) error {
	_, n, err := s.session(r)
	if err != nil {
		return err
	}
	body, err := read(r, s.codes)
	if err != nil {
		return err
	}
	codes, err := s.factors.Confirm(r.Context(), asker(n), body.Code)
	if err != nil {
		return err
	}
	s.log.Info("second factor set up", zap.String("actor", n.Who.Actor()))
	return s.stepUp(w, r, n, codes)
}

func read[B any](r *http.Request, reader *strict.Reader[B]) (B, error) {
	var zero B
	body, err := io.ReadAll(r.Body) // limited by the route
	if err != nil {
		return zero, fmt.Errorf("read body: %w", err)
	}
	return reader.Read(body)
}

func answer(w http.ResponseWriter, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // a browser that is gone
	return nil
}

//go:embed refused.html
var refusedText string

// toPeople shows a refusal as a page to browsers, and leaves it as it is to programs.
func (s *routes) toPeople(w http.ResponseWriter, r *http.Request, refusal error) error {
	p, ok := problem.Of(refusal)
	if !ok || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return refusal
	}
	if p.Kind == problem.Unavailable {
		s.log.Warn("sign-in is not possible", telemetry.Err(refusal))
	}
	page, err := template.New("refused").Parse(refusedText)
	if err != nil {
		return fmt.Errorf("parse page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(httpapi.Status(p.Kind))
	_ = page.Execute(w, struct{ Detail, Login string }{p.DetailVI, loginPath}) // a browser that is gone
	return nil
}
