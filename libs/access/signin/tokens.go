package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/access"
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

// Prove verifies a token.
func (p tokenProof) Prove(ctx context.Context, _ *http.Request, token string) (access.Principal, error) {
	a, err := p.accept(ctx, token)
	return a.who, err
}

// accepted is a token that is good, and whose it is.
type accepted struct {
	who    access.Principal
	token  *oidc.IDToken
	claims map[string]any
}

// accept verifies a token. A machine cannot have a second factor, so no machine approves or releases money.
func (s *Signin) accept(ctx context.Context, raw string) (accepted, error) {
	token, claims, err := s.provider.verify(ctx, raw, s.options.Audience, s.now)
	if err != nil {
		return accepted{}, err
	}
	who, err := s.subjectOf(token.Subject, claims)
	if errors.Is(err, errToken) {
		return accepted{}, invalidToken()
	}
	if err != nil {
		return accepted{}, err
	}
	who.SecondFactor = s.strong(claims)
	if needsSecondFactor(who.Role) && !who.SecondFactor {
		return accepted{}, secondFactorRequired()
	}
	if err := s.refuseRevoked(ctx, who.ID, token.IssuedAt); err != nil {
		return accepted{}, err
	}
	return accepted{who, token, claims}, nil
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
		return access.Principal{}, invalidToken()
	}
	a, err := s.accept(ctx, token)
	if err != nil {
		return access.Principal{}, err
	}
	if err := s.spend(ctx, a); err != nil {
		return access.Principal{}, err
	}
	return a.who, nil
}

func (s *Signin) spend(ctx context.Context, a accepted) error {
	id, _ := a.claims["jti"].(string)
	if id == "" {
		return invalidToken()
	}
	const spend = `insert into signin_spent (token, expires_at) values ($1, $2) on conflict do nothing`
	done, err := s.pool.Exec(ctx, spend, digest(id), a.token.Expiry.Add(skew))
	if err != nil {
		return fmt.Errorf("use up a token: %w", err)
	}
	if done.RowsAffected() == 0 {
		return problem.New(problem.Unauthenticated, "token_used",
			"this token was good for once, and was used", "mã truy cập chỉ dùng được một lần và đã được sử dụng")
	}
	return nil
}

func secondFactorRequired() error {
	return problem.New(problem.Forbidden, "second_factor_required",
		"your role needs a second factor; confirm this session with the code of your authenticator",
		"vai trò của bạn cần xác thực hai bước; xin xác nhận phiên bằng mã của ứng dụng xác thực")
}
