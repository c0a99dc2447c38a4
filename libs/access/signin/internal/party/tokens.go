package party

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/problem"
)

// Token is one that may be believed.
type Token struct {
	Subject string
	Claims  map[string]any
	Issued  time.Time
	// Refresh gets the next one, where the provider gives such tokens.
	Refresh string
}

// Verify checks a token that has to be for audience. The error is "invalid_token", "token_expired", or the provider's
// absence.
func (p *Party) Verify(ctx context.Context, raw, audience string) (Token, error) {
	token, claims, err := p.verify(ctx, raw, audience)
	if err != nil {
		return Token{}, err
	}
	return Token{Subject: token.Subject, Claims: claims, Issued: token.IssuedAt}, nil
}

func (p *Party) verify(ctx context.Context, raw, audience string) (*oidc.IDToken, map[string]any, error) {
	if !p.claimsToBeOurs(raw) {
		return nil, nil, InvalidToken()
	}
	found, err := p.describe(ctx)
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, 0, len(algorithms()))
	for _, a := range algorithms() {
		names = append(names, string(a))
	}
	noted := &noting{keys: found.keys}
	token, err := oidc.NewVerifier(p.options.Issuer, noted, &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: names, Now: p.options.Now,
	}).Verify(ctx, raw)
	if _, expired := errors.AsType[*oidc.TokenExpiredError](err); expired {
		return nil, nil, problem.New(problem.Unauthenticated, "token_expired",
			"this token has expired", "mã truy cập đã hết hạn")
	}
	if noted.away != nil {
		return nil, nil, away(noted.away)
	}
	if err != nil {
		return nil, nil, InvalidToken()
	}
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		return nil, nil, InvalidToken()
	}
	if now := p.options.Now(); early(claims["nbf"], now) || token.IssuedAt.After(now.Add(skew)) {
		return nil, nil, InvalidToken() // the library lets five minutes pass, and does not look at iat
	}
	return token, claims, nil
}

// noting notes that keys were away, which the library's error does not tell.
type noting struct {
	keys *keySet
	away error
}

// VerifySignature verifies, and notes when it could not.
func (n *noting) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	payload, err := n.keys.VerifySignature(ctx, raw)
	if away, ok := errors.AsType[keysAway](err); ok {
		n.away = away
	}
	return payload, err
}

// early tells whether a time of a token is still to come.
func early(claim any, now time.Time) bool {
	switch at := claim.(type) {
	case nil:
		return false
	case float64: // seconds, as JSON has them
		return time.Unix(int64(at), 0).After(now.Add(skew))
	}
	return true
}

// claimsToBeOurs looks at the issuer before anything else: somebody else's tokens do not make us ask for keys.
func (p *Party) claimsToBeOurs(raw string) bool {
	const parts = 3
	split := strings.Split(raw, ".")
	if len(split) != parts {
		return false
	}
	data, err := base64.RawURLEncoding.DecodeString(split[1])
	if err != nil {
		return false
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	return json.Unmarshal(data, &claims) == nil && claims.Issuer == p.options.Issuer
}

// Exchange fetches the tokens of a code, and returns what the ID token says.
func (p *Party) Exchange(ctx context.Context, code string, a Attempt) (Token, error) {
	found, err := p.describe(ctx)
	if err != nil {
		return Token{}, err
	}
	tokens, err := found.oauth.Exchange(oidc.ClientContext(ctx, p.options.Client), code, oauth2.VerifierOption(a.Verifier))
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if ok && refused.Response.StatusCode < http.StatusInternalServerError {
		return Token{}, Refused()
	}
	if err != nil {
		return Token{}, away(fmt.Errorf("exchange the code: %w", err))
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return Token{}, Refused()
	}
	token, claims, err := p.verify(ctx, raw, p.options.ClientID)
	if err != nil {
		return Token{}, err
	}
	if !seal.Same(token.Nonce, a.Nonce) || token.AccessTokenHash != "" && token.VerifyAccessToken(tokens.AccessToken) != nil ||
		!p.isParty(claims) {
		return Token{}, Refused()
	}
	return Token{
		Subject: token.Subject, Claims: claims, Issued: token.IssuedAt, Refresh: tokens.RefreshToken,
	}, nil
}

// isParty tells whether a token was made for us, where it says so.
func (p *Party) isParty(claims map[string]any) bool {
	azp, _ := claims["azp"].(string)
	return azp == "" || azp == p.options.ClientID
}

// Refresh asks what the provider says about somebody now. The error is "sign_in_refused" when it says nothing any more.
func (p *Party) Refresh(ctx context.Context, refresh, subject string) (Token, error) {
	found, err := p.describe(ctx)
	if err != nil {
		return Token{}, err
	}
	ctx = oidc.ClientContext(ctx, p.options.Client)
	tokens, err := found.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.ErrorCode == "invalid_grant" {
		return Token{}, Refused()
	}
	if err != nil { // a client that the provider does not know any more is our fault, and nobody's sign-in is over for it
		return Token{}, away(fmt.Errorf("refresh: %w", err))
	}
	next := Token{Refresh: tokens.RefreshToken}
	if next.Refresh == "" {
		next.Refresh = refresh
	}
	if raw, ok := tokens.Extra("id_token").(string); ok {
		token, claims, err := p.verify(ctx, raw, p.options.ClientID)
		if err != nil { // a clock that is wrong, or keys that are: not the person's doing
			return Token{}, away(fmt.Errorf("verify what a refresh answered: %w", err))
		}
		next.Subject, next.Claims = token.Subject, claims
	} else if err := p.userinfo(ctx, found, tokens, &next); err != nil {
		return Token{}, err
	}
	if next.Subject != subject || !p.isParty(next.Claims) {
		return Token{}, Refused()
	}
	return next, nil
}

// userinfo asks a provider that sends no ID token when it refreshes.
func (p *Party) userinfo(ctx context.Context, found *described, tokens *oauth2.Token, into *Token) error {
	said, err := found.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return away(fmt.Errorf("ask for the user: %w", err))
	}
	into.Subject, into.Claims = said.Subject, map[string]any{}
	if err := said.Claims(&into.Claims); err != nil {
		return Refused()
	}
	return nil
}

// awayError is our fault or the provider's, nobody else's.
type awayError struct {
	refusal error
	cause   error
}

// Error names the cause, for the log.
func (e awayError) Error() string { return e.cause.Error() }

// Unwrap has both: the refusal for the caller, the cause for who looks for it.
func (e awayError) Unwrap() []error { return []error{e.refusal, e.cause} }

// CodeAway is the code of a provider's absence.
const CodeAway = "sign_in_away"

func away(cause error) error {
	const again = 5 * time.Second
	return awayError{cause: cause, refusal: &problem.Problem{
		Kind: problem.Unavailable, Code: CodeAway, RetryAfter: again,
		Detail:   "the provider by which people and machines are known does not answer; try again",
		DetailVI: "hệ thống đăng nhập tạm gián đoạn; xin thử lại",
	}}
}

// InvalidToken is all that is said about a token that is not ours.
func InvalidToken() error {
	return problem.New(problem.Unauthenticated, "invalid_token",
		"the token is not one that is accepted here", "mã truy cập không hợp lệ")
}

// Refused says that the provider did not sign somebody in, or not for this browser.
func Refused() error {
	return problem.New(problem.Unauthenticated, "sign_in_refused",
		"the provider did not sign you in for this browser; begin again",
		"không thể đăng nhập trên trình duyệt này; xin bắt đầu lại")
}
