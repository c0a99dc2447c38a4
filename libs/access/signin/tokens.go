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
	who, bound, err := p.accept(ctx, token)
	if err != nil {
		return access.Principal{}, err
	}
	if bound != "" && bound != certificate.Thumbprint(r.TLS) {
		return access.Principal{}, problem.New(problem.Unauthenticated, "certificate_mismatch",
			"this token is bound to another client certificate", "mã truy cập này gắn với một chứng thư máy khách khác")
	}
	return who, nil
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

// accept verifies a token, and tells which certificate it is bound to, if any. A machine cannot have a second factor, so no
// machine approves or releases money.
func (s *Signin) accept(ctx context.Context, raw string) (who access.Principal, thumbprint string, err error) {
	token, err := s.provider.Verify(ctx, raw, s.options.Audience)
	if err != nil {
		return who, "", err
	}
	if s.isForBrowsers(token.Claims) {
		return who, "", party.InvalidToken()
	}
	who, err = s.principalOf(token)
	if err != nil {
		return who, "", err
	}
	who.SecondFactor = s.strong(token.Claims)
	if needsSecondFactor(who.Role) && !who.SecondFactor {
		return who, "", factor.Required()
	}
	if err := s.refuseRevoked(ctx, who.ID, token.Issued); err != nil {
		return who, "", err
	}
	thumbprint, err = boundTo(token.Claims)
	return who, thumbprint, err
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
