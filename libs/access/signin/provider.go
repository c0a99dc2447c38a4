package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/songan-vn/songan/libs/problem"
)

// skew is how far the clocks of provider and service may be apart.
const skew = time.Minute

// provider is the OpenID provider as it describes itself. It is asked when it is first needed: it may start later than
// we do, in the same process even.
type provider struct {
	options Options
	mu      sync.Mutex
	known   *described
	// failed is when the provider did not answer, so that not everybody waits for it in turn.
	failed time.Time
}

// described is what discovery found out.
type described struct {
	oauth      oauth2.Config
	keys       *oidc.RemoteKeySet
	endSession string
}

func newProvider(o Options) *provider { return &provider{options: o} }

var errToken = errors.New("the token is not acceptable")

// algorithms are those with a key pair. HMAC is none of them: with it, a public key would be a secret.
func algorithms() []string {
	return []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}
}

// describe asks the provider who it is, once it answers.
func (p *provider) describe(ctx context.Context) (*described, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	if p.options.API.Now().Sub(p.failed) < askAgain {
		return nil, away(errSilent)
	}
	found, err := p.discover(ctx)
	if err != nil {
		p.failed = p.options.API.Now()
		return nil, away(err)
	}
	p.known = found
	return found, nil
}

const askAgain = 2 * time.Second

var errSilent = errors.New("the provider did not answer a moment ago")

func (p *provider) discover(ctx context.Context) (*described, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerTimeout)
	defer cancel()
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.options.Client), p.options.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the provider who it is: %w", err)
	}
	var more struct {
		Keys       string `json:"jwks_uri"`
		EndSession string `json:"end_session_endpoint"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, fmt.Errorf("read what the provider says about itself: %w", err)
	}
	endpoint := found.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // else a refusal is tried again with the secret in the body
	// The keys are fetched again and again, for everybody: not with this request's context.
	forever := oidc.ClientContext(context.Background(), p.options.Client)
	return &described{
		oauth: oauth2.Config{
			ClientID: p.options.ClientID, ClientSecret: p.options.ClientSecret, Endpoint: endpoint,
			RedirectURL: p.options.BaseURL + callbackPath, Scopes: append([]string{oidc.ScopeOpenID}, p.options.Scopes...),
		},
		keys:       oidc.NewRemoteKeySet(forever, more.Keys), //nolint:contextcheck // see above
		endSession: more.EndSession,
	}, nil
}

// noting tells a wrong signature from keys that could not be fetched, which the library's error does not.
type noting struct {
	keys *oidc.RemoteKeySet
	away error
}

// VerifySignature verifies, and notes when it could not.
func (n *noting) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := n.keys.VerifySignature(ctx, jwt)
	if _, failed := errors.AsType[*url.Error](err); failed {
		n.away = err
	}
	return payload, err
}

// verify checks a token that has to be for audience. The error is "invalid_token", "token_expired", or the provider's
// absence.
func (p *provider) verify(ctx context.Context, raw, audience string, now func() time.Time) (*oidc.IDToken, map[string]any, error) {
	if !p.claimsToBeOurs(raw) {
		return nil, nil, invalidToken()
	}
	found, err := p.describe(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys := &noting{keys: found.keys}
	token, err := oidc.NewVerifier(p.options.Issuer, keys, &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: algorithms(), Now: now,
	}).Verify(ctx, raw)
	if _, expired := errors.AsType[*oidc.TokenExpiredError](err); expired {
		return nil, nil, problem.New(problem.Unauthenticated, "token_expired",
			"this token has expired", "mã truy cập đã hết hạn")
	}
	if keys.away != nil {
		return nil, nil, away(fmt.Errorf("fetch the provider's keys: %w", keys.away))
	}
	if err != nil {
		return nil, nil, invalidToken()
	}
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		return nil, nil, invalidToken()
	}
	if early(claims["nbf"], now()) || token.IssuedAt.After(now().Add(skew)) {
		return nil, nil, invalidToken() // the library lets five minutes pass, and does not look at iat
	}
	return token, claims, nil
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
func (p *provider) claimsToBeOurs(raw string) bool {
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

// exchange fetches the tokens of a code, and returns what the ID token says.
func (p *provider) exchange(ctx context.Context, code string, a attempt, now func() time.Time) (*oidc.IDToken, map[string]any, error) {
	found, err := p.describe(ctx)
	if err != nil {
		return nil, nil, err
	}
	tokens, err := found.oauth.Exchange(oidc.ClientContext(ctx, p.options.Client), code, oauth2.VerifierOption(a.Verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response.StatusCode < http.StatusInternalServerError {
		return nil, nil, refusedSignIn()
	}
	if err != nil {
		return nil, nil, away(fmt.Errorf("exchange the code: %w", err))
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return nil, nil, refusedSignIn()
	}
	token, claims, err := p.verify(ctx, raw, p.options.ClientID, now)
	if err != nil {
		return nil, nil, err
	}
	if !same(token.Nonce, a.Nonce) || token.AccessTokenHash != "" && token.VerifyAccessToken(tokens.AccessToken) != nil {
		return nil, nil, refusedSignIn()
	}
	if azp, _ := claims["azp"].(string); azp != "" && azp != p.options.ClientID {
		return nil, nil, refusedSignIn()
	}
	return token, claims, nil
}

// away is our fault or the provider's, nobody else's.
type awayError struct {
	refusal error
	cause   error
}

// Error names the cause, for the log.
func (e awayError) Error() string { return e.cause.Error() }

// Unwrap has both: the refusal for the caller, the cause for who looks for it.
func (e awayError) Unwrap() []error { return []error{e.refusal, e.cause} }

func away(cause error) error {
	const again = 5 * time.Second
	return awayError{cause: cause, refusal: &problem.Problem{
		Kind: problem.Unavailable, Code: "sign_in_away", RetryAfter: again,
		Detail:   "the provider by which people and machines are known does not answer; try again",
		DetailVI: "hệ thống đăng nhập tạm gián đoạn; xin thử lại",
	}}
}

func invalidToken() error {
	return problem.New(problem.Unauthenticated, "invalid_token",
		"the token is not one that is accepted here", "mã truy cập không hợp lệ")
}

func refusedSignIn() error {
	return problem.New(problem.Unauthenticated, "sign_in_refused",
		"the provider did not sign you in for this browser; begin again",
		"không thể đăng nhập trên trình duyệt này; xin bắt đầu lại")
}
