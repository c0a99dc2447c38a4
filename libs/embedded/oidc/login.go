package oidc

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/factor"
	"github.com/songan-vn/songan/libs/embedded/oidc/internal/pending"
)

//go:embed page.html
var pageText string

func parsePage() (*template.Template, error) {
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("parse the login page: %w", err)
	}
	return page, nil
}

// view is what a page shows.
type view struct {
	Kind   string // "password", "code", "gone", "out"
	Action string
	ID     string
	Step   string
	Name   string
	Error  string
	// Status and Wait go into the answer's head.
	Status int
	Wait   time.Duration
	// To is where the form may lead in the end.
	To string
}

// The pages' words. They say the same whether the name or the password was wrong.
const (
	wrongPassword = "Tên đăng nhập hoặc mật khẩu không đúng."
	wrongCode     = "Mã xác thực không đúng hoặc đã được dùng."
	hasToWait     = "Bạn đã thử sai quá nhiều lần. Vui lòng chờ một lúc rồi thử lại."
	tooBusy       = "Hệ thống đang có nhiều người đăng nhập. Vui lòng thử lại sau ít giây."
)

func (p *Provider) showLogin(w http.ResponseWriter, r *http.Request) {
	asked, err := p.store.ByID(r.URL.Query().Get("id"))
	if err != nil || asked.Done() {
		p.show(w, view{Kind: "gone", Status: http.StatusGone})
		return
	}
	p.show(w, p.passwordPage(asked))
}

func (p *Provider) passwordPage(asked pending.Request) view {
	return view{Kind: "password", ID: asked.ID, To: asked.Asked.RedirectURI, Status: http.StatusOK}
}

// takeLogin takes what the page sent: a name and a password, or a code.
func (p *Provider) takeLogin(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	asked, err := p.store.ByID(r.PostForm.Get("id"))
	if err != nil || asked.Done() {
		p.show(w, view{Kind: "gone", Status: http.StatusGone})
		return
	}
	if r.PostForm.Has("step") {
		p.takeCodeOf(w, r, asked)
		return
	}
	p.takePassword(w, r, asked)
}

func (p *Provider) takePassword(w http.ResponseWriter, r *http.Request, asked pending.Request) {
	name := strings.TrimSpace(r.PostForm.Get("name"))
	page := p.passwordPage(asked)
	page.Name = name
	user, found := p.store.byName[name]
	address := p.options.Address(r)
	wait, ok := p.guard.Try("password "+name, address)
	if !ok {
		p.refuse(w, page, Attempt{"has_to_wait", user.Subject}, wait)
		return
	}
	right, err := p.matches(r.Context(), user, found, r.PostForm.Get("password"))
	switch {
	case errors.Is(err, factor.ErrBusy):
		p.guard.Right("password "+name, address)
		p.refuse(w, page, Attempt{"too_busy", user.Subject}, time.Second)
		return
	case err != nil:
		http.Error(w, "the password could not be checked", http.StatusServiceUnavailable)
		return
	case !right:
		p.refuse(w, page, Attempt{"wrong_password", user.Subject}, 0)
		return
	}
	p.guard.Right("password "+name, address)
	if user.TOTP == "" {
		p.guard.Knows("password "+name, address)
		p.finish(w, r, asked.ID, user, "pwd")
		return
	}
	step := rand.Text()
	asked, err = p.store.Change(asked.ID, func(a *pending.Request) { a.Halfway, a.Step = user.Subject, step })
	if err != nil {
		p.show(w, view{Kind: "gone", Status: http.StatusGone})
		return
	}
	p.show(w, codePage(asked))
}

func codePage(asked pending.Request) view {
	return view{Kind: "code", ID: asked.ID, Step: asked.Step, To: asked.Asked.RedirectURI, Status: http.StatusOK}
}

// matches compares the password of a user, or does as much work for none.
func (p *Provider) matches(ctx context.Context, user User, found bool, password string) (bool, error) {
	if !found {
		cost := factor.Decoy
		if len(p.options.Users) > 0 {
			cost = p.options.Users[0].Password // so that the answer takes as long as anybody's
		}
		_, err := p.hasher.Matches(ctx, cost, password)
		return false, err
	}
	return p.hasher.Matches(ctx, user.Password, password)
}

func (p *Provider) takeCodeOf(w http.ResponseWriter, r *http.Request, asked pending.Request) {
	step := r.PostForm.Get("step")
	if asked.Step == "" || subtle.ConstantTimeCompare([]byte(step), []byte(asked.Step)) != 1 {
		p.show(w, view{Kind: "gone", Status: http.StatusGone})
		return
	}
	user, page, address := p.store.users[asked.Halfway], codePage(asked), p.options.Address(r)
	wait, ok := p.guard.Try("code "+user.Name, address)
	if !ok {
		p.refuse(w, page, Attempt{"has_to_wait", user.Subject}, wait)
		return
	}
	code := strings.ReplaceAll(r.PostForm.Get("code"), " ", "")
	right, err := p.steps.Take(user.Subject, user.TOTP, code, p.options.Now())
	switch {
	case err != nil:
		http.Error(w, "the code could not be checked", http.StatusServiceUnavailable)
		return
	case !right:
		p.refuse(w, page, Attempt{"wrong_code", user.Subject}, 0)
		return
	}
	p.guard.Right("code "+user.Name, address)
	p.guard.Knows("code "+user.Name, address)
	p.guard.Knows("password "+user.Name, address)
	p.finish(w, r, asked.ID, user, "pwd", "otp", "mfa")
}

// finish sends the browser back with a code.
func (p *Provider) finish(w http.ResponseWriter, r *http.Request, id string, user User, factors ...string) {
	asked, err := p.store.Change(id, func(a *pending.Request) {
		a.Subject, a.Factors, a.At = user.Subject, factors, time.Now() // the library's clock
	})
	if err != nil {
		p.show(w, view{Kind: "gone", Status: http.StatusGone})
		return
	}
	p.options.Noted(Attempt{"signed_in", user.Subject})
	p.server.withIssuer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op.AuthResponseCode(w, r, &asked, p.server.provider)
	})).ServeHTTP(w, r)
}

// refuse shows a page again, with what was wrong.
func (p *Provider) refuse(w http.ResponseWriter, page view, a Attempt, wait time.Duration) {
	p.options.Noted(a)
	page.Wait = wait
	switch a.Outcome {
	case "has_to_wait":
		page.Error, page.Status = hasToWait, http.StatusTooManyRequests
	case "too_busy":
		page.Error, page.Status = tooBusy, http.StatusServiceUnavailable
	case "wrong_code":
		page.Error, page.Status = wrongCode, http.StatusUnauthorized
	default:
		page.Error, page.Status = wrongPassword, http.StatusUnauthorized
	}
	p.show(w, page)
}

func (p *Provider) showSignedOut(w http.ResponseWriter, _ *http.Request) {
	p.show(w, view{Kind: "out", Status: http.StatusOK})
}

// show writes a page. It has no scripts, and its style is the only one that it may have.
func (p *Provider) show(w http.ResponseWriter, v view) {
	v.Action = p.options.Issuer + loginPath
	var page bytes.Buffer
	if err := p.page.Execute(&page, v); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	nonce := rand.Text()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; form-action 'self'"+origin(v.To)+
		"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	if v.Wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int((v.Wait+time.Second-1)/time.Second)))
	}
	w.WriteHeader(v.Status)
	_, _ = w.Write(bytes.Replace(page.Bytes(), []byte("NONCE"), []byte(nonce), 1)) // a browser that is gone
}

// origin is where the form leads when it was filled in well: browsers apply form-action to redirects too.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return " " + u.Scheme + "://" + u.Host
}
