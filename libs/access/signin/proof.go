package signin

import (
	"context"
	"fmt"
	"net/http"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin/internal/factor"
	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/problem"
)

// cookieProof takes sessions.
type cookieProof struct{ *Signin }

// Credential returns the session's token, of requests that do not say by another way who they are.
func (p cookieProof) Credential(r *http.Request) string {
	if r.Header.Get("Authorization") != "" {
		return ""
	}
	return p.cookie(r, sessionCookie)
}

// Prove looks the session up.
func (p cookieProof) Prove(ctx context.Context, r *http.Request, token string) (access.Principal, error) {
	n, err := p.admit(ctx, r, token)
	if err != nil {
		return access.Principal{}, err
	}
	if needsSecondFactor(n.Who.Role) && !n.Strong {
		return access.Principal{}, factor.Required()
	}
	n.Who.SecondFactor = n.Strong
	return n.Who, nil
}

// admit returns the session of a token, if the request may use it.
func (s *Signin) admit(ctx context.Context, r *http.Request, token string) (Session, error) {
	n, err := s.sessions.Lookup(ctx, token)
	if err != nil {
		return Session{}, fmt.Errorf("prove who sent the token: %w", err)
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return n, nil
	}
	if s.origin.Check(r) != nil || !seal.Same(s.secrets.CSRF(token), r.Header.Get(CSRFHeader)) {
		return Session{}, problem.New(problem.Forbidden, "csrf_token_required",
			"a change needs the session's CSRF token in the header Songan-CSRF, and has to come from our own pages",
			"thao tác cần mã chống giả mạo của phiên trong tiêu đề Songan-CSRF và phải gửi từ trang của hệ thống")
	}
	return n, nil
}
