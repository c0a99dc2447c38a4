package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin/internal/factor"
	"github.com/songan-vn/songan/libs/access/signin/internal/party"
	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/problem"
)

const maxToken = 8 << 10

// tokenProof takes bearer tokens of the provider.
type tokenProof struct{ *Signin }

// Credential returns a JSON Web Token of the Authorization header. API keys have no dots and are left alone.
func (tokenProof) Credential(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || strings.Count(token, ".") != 2 || len(token) > maxToken {
		return ""
	}
	return token
}

// Prove verifies a token. One that is bound to a client's certificate (RFC 8705) is taken with that certificate only.
func (p tokenProof) Prove(ctx context.Context, r *http.Request, token string) (access.Principal, error) {
	a, err := p.accept(ctx, token)
	if err != nil {
		return access.Principal{}, err
	}
	if a.certificate != "" && a.certificate != certificate.Thumbprint(r.TLS) {
		return access.Principal{}, problem.New(problem.Unauthenticated, "certificate_mismatch",
			"this token is bound to another client certificate", "mã truy cập này gắn với một chứng thư máy khách khác")
	}
	return a.who, nil
}

// accepted is a token that is good, and whose it is.
type accepted struct {
	who   access.Principal
	token party.Token
	// certificate is the thumbprint of the one that the token is bound to, "" if it is bound to nothing.
	certificate string
}

// boundTo reads what a token is bound to (RFC 7800). One that is bound in a way that is not checked here, such as by a key of
// DPoP's, is not taken from whoever happens to carry it.
func boundTo(claims map[string]any) (thumbprint string, err error) {
	claim, is := claims["cnf"]
	if !is {
		return "", nil
	}
	bound, _ := claim.(map[string]any)
	thumbprint, _ = bound["x5t#S256"].(string)
	if len(bound) != 1 || thumbprint == "" {
		return "", problem.New(problem.Unauthenticated, "token_bound",
			"this token is bound to a key in a way that is not checked here", "mã truy cập gắn với một khoá theo cách không được hỗ trợ")
	}
	return thumbprint, nil
}

// accept verifies a token. A machine cannot have a second factor, so no machine approves or releases money.
func (s *Signin) accept(ctx context.Context, raw string) (accepted, error) {
	token, err := s.provider.Verify(ctx, raw, s.options.Audience)
	if err != nil {
		return accepted{}, err
	}
	if s.isForBrowsers(token.Claims) {
		return accepted{}, party.InvalidToken()
	}
	who, err := s.principalOf(token)
	if err != nil {
		return accepted{}, err
	}
	who.SecondFactor = s.strong(token.Claims)
	if needsSecondFactor(who.Role) && !who.SecondFactor {
		return accepted{}, factor.Required()
	}
	if err := s.refuseRevoked(ctx, who.ID, token.Issued); err != nil {
		return accepted{}, err
	}
	thumbprint, err := boundTo(token.Claims)
	return accepted{who, token, thumbprint}, err
}

// isForBrowsers tells whether a token is an ID token, or one that the provider made for the client by which people sign
// in, even if it names our audience as well: who got hold of what a browser's sign-in left behind is no machine.
func (s *Signin) isForBrowsers(claims map[string]any) bool {
	_, nonce := claims["nonce"]
	_, hash := claims["at_hash"]
	return nonce || hash || claims["azp"] == s.options.ClientID || claims["client_id"] == s.options.ClientID
}

// refuseRevoked refuses tokens from before their owner was cut off.
func (s *Signin) refuseRevoked(ctx context.Context, person string, issued time.Time) error {
	var until time.Time
	err := s.pool.QueryRow(ctx, `select until from signin_cutoffs where person = $1`, person).Scan(&until)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look for revoked tokens: %w", err)
	case issued.After(until):
		return nil
	}
	return problem.New(problem.Unauthenticated, "token_revoked", "this token was revoked", "mã truy cập đã bị thu hồi")
}

// Redeem verifies a token that is good for once, and uses it up. Only tokens with an id (jti) can be.
func (s *Signin) Redeem(ctx context.Context, token string) (access.Principal, error) {
	if s.options.Audience == "" || len(token) > maxToken {
		return access.Principal{}, party.InvalidToken()
	}
	a, err := s.accept(ctx, token)
	if err != nil {
		return access.Principal{}, err
	}
	if a.certificate != "" { // there is no connection here whose certificate could be it
		return access.Principal{}, party.InvalidToken()
	}
	if err := s.spend(ctx, a); err != nil {
		return access.Principal{}, err
	}
	return a.who, nil
}

func (s *Signin) spend(ctx context.Context, a accepted) error {
	id, _ := a.token.Claims["jti"].(string)
	if id == "" {
		return party.InvalidToken()
	}
	const spend = `insert into signin_spent (token, expires_at) values ($1, $2) on conflict do nothing`
	done, err := s.pool.Exec(ctx, spend, seal.Digest(id), a.token.Expiry.Add(party.Skew))
	if err != nil {
		return fmt.Errorf("use up a token: %w", err)
	}
	if done.RowsAffected() == 0 {
		return problem.New(problem.Unauthenticated, "token_used",
			"this token was good for once, and was used", "mã truy cập chỉ dùng được một lần và đã được sử dụng")
	}
	return nil
}
