package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/pending"
	"github.com/songan-vn/songan/libs/embedded/oidc/internal/signing"
)

const (
	tokenLife   = 10 * time.Minute // of access tokens, which nobody can take back
	idTokenLife = 5 * time.Minute
)

// store is what the library keeps things in. Its methods are the library's; those for grants that are not done here
// refuse.
type store struct {
	*pending.Pending
	scope, audience string
	issuer          string
	keys            signing.Keys
	now             func() time.Time
	users           map[string]User // by subject
	byName          map[string]User
	clients         map[string]Client
	refresher       *refresher
}

func newStore(o Options, keys signing.Keys, refreshing *refresher) *store {
	s := &store{
		Pending: pending.New(o.Now), now: o.Now, scope: o.Scope, audience: o.Audience, issuer: o.Issuer, keys: keys,
		users: map[string]User{}, byName: map[string]User{}, clients: map[string]Client{}, refresher: refreshing,
	}
	for _, u := range o.Users {
		s.users[u.Subject], s.byName[u.Name] = u, u
	}
	for _, c := range o.Clients {
		s.clients[c.ID] = c
	}
	return s
}

var (
	errUnknown     = errors.New("there is no such user or client")
	errNotDoneHere = errors.New("this provider does not do that")
)

// CreateAuthRequest remembers what a client asks for. Nobody can be signed in without a page, so prompt=none fails.
func (s *store) CreateAuthRequest(_ context.Context, asked *zitadel.AuthRequest, _ string) (op.AuthRequest, error) {
	if slices.Contains(asked.Prompt, zitadel.PromptNone) {
		return nil, zitadel.ErrLoginRequired()
	}
	return s.Add(zitadel.AuthRequest{ // and nothing else, however much there was
		ClientID: asked.ClientID, RedirectURI: asked.RedirectURI, ResponseType: asked.ResponseType,
		ResponseMode: asked.ResponseMode, Scopes: asked.Scopes, State: asked.State, Nonce: asked.Nonce,
		CodeChallenge: asked.CodeChallenge, CodeChallengeMethod: asked.CodeChallengeMethod,
	})
}

// AuthRequestByID returns a request under way.
func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	r, err := s.ByID(id)
	return &r, err
}

// AuthRequestByCode returns the request of a code and uses the code up.
func (s *store) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	return s.TakeCode(code)
}

// SaveAuthCode gives out a code.
func (s *store) SaveAuthCode(_ context.Context, id, code string) error { return s.SaveCode(id, code) }

// DeleteAuthRequest has nothing left to do: see [pending.Pending.TakeCode].
func (s *store) DeleteAuthRequest(context.Context, string) error { return nil }

// CreateAccessToken names a token and says until when it lives.
func (s *store) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return rand.Text(), time.Now().Add(tokenLife), nil // the library's clock
}

// GetRefreshTokenInfo is not done here.
func (s *store) GetRefreshTokenInfo(context.Context, string, string) (userID, tokenID string, err error) {
	return "", "", op.ErrInvalidRefreshToken
}

// TerminateSession has none to end: see rule 2.
func (s *store) TerminateSession(context.Context, string, string) error { return nil }

// RevokeToken is not done here.
func (s *store) RevokeToken(context.Context, string, string, string) *zitadel.Error {
	return zitadel.ErrUnsupportedGrantType()
}

// SigningKey is the newest.
func (s *store) SigningKey(context.Context) (op.SigningKey, error) { return s.keys.Newest(), nil }

// SignatureAlgorithms are those of the keys.
func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

// KeySet is what is published.
func (s *store) KeySet(context.Context) ([]op.Key, error) { return s.keys.Published(), nil }

// GetClientByClientID returns a client.
func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	c, ok := s.clients[id]
	if !ok {
		return nil, zitadel.ErrInvalidClient()
	}
	return program{c, s.scope, s.issuer}, nil
}

// AuthorizeClientIDSecret compares a client's secret.
func (s *store) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	c, ok := s.clients[id]
	if !ok || subtle.ConstantTimeCompare(c.Secret, HashSecret(secret)) != 1 {
		return errUnknown
	}
	return nil
}

// ClientCredentials returns the machine that has this secret.
func (s *store) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	c := s.clients[id]
	if err := s.AuthorizeClientIDSecret(ctx, id, secret); err != nil || !c.machine() {
		return nil, zitadel.ErrInvalidClient()
	}
	return program{c, s.scope, s.issuer}, nil
}

// machineToken is what a machine asks for.
type machineToken struct {
	subject, audience string
	scopes            []string
}

// GetSubject is the machine itself.
func (m machineToken) GetSubject() string { return m.subject }

// GetAudience is our API.
func (m machineToken) GetAudience() []string { return []string{m.audience} }

// GetScopes is what it wants.
func (m machineToken) GetScopes() []string { return m.scopes }

// ClientCredentialsTokenRequest returns what a machine's token is made of.
func (s *store) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	scopes = slices.DeleteFunc(slices.Clone(scopes), func(name string) bool { return name != s.scope })
	return machineToken{subject: id, audience: s.audience, scopes: scopes}, nil
}

// GetPrivateClaimsFromScopes returns what an access token says about a machine. About people it says nothing.
func (s *store) GetPrivateClaimsFromScopes(_ context.Context, subject, client string, scopes []string) (map[string]any, error) {
	if subject != client || !slices.Contains(scopes, s.scope) {
		return nil, nil
	}
	return s.clients[client].Claims, nil
}

// SetUserinfoFromScopes fills in what an ID token says about a user.
func (s *store) SetUserinfoFromScopes(_ context.Context, u *zitadel.UserInfo, subject, _ string, scopes []string) error {
	user, ok := s.users[subject]
	if !ok {
		return errUnknown
	}
	u.Subject = subject
	if slices.Contains(scopes, s.scope) {
		for name, value := range user.Claims {
			u.AppendClaims(name, value)
		}
	}
	return nil
}

// SetUserinfoFromToken fills in what the userinfo endpoint says.
func (s *store) SetUserinfoFromToken(ctx context.Context, u *zitadel.UserInfo, _, subject, _ string) error {
	return s.SetUserinfoFromScopes(ctx, u, subject, "", []string{s.scope})
}

// SetIntrospectionFromToken is not done here.
func (s *store) SetIntrospectionFromToken(context.Context, *zitadel.IntrospectionResponse, string, string, string) error {
	return errNotDoneHere
}

// GetKeyByIDAndClientID is not done here: clients have secrets.
func (s *store) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNotDoneHere
}

// ValidateJWTProfileScopes is not done here.
func (s *store) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNotDoneHere
}

// Health is always good: there is nothing that could be away.
func (s *store) Health(context.Context) error { return nil }

// program is a client in the library's words.
type program struct {
	Client
	scope, issuer string
}

// GetID is the client's.
func (c program) GetID() string { return c.ID }

// RedirectURIs are where browsers may be sent.
func (c program) RedirectURIs() []string { return c.Redirects }

// PostLogoutRedirectURIs are where they may be sent after signing out.
func (c program) PostLogoutRedirectURIs() []string { return c.AfterLogout }

// ApplicationType is one that can keep a secret.
func (c program) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }

// AuthMethod is the secret in a header.
func (c program) AuthMethod() zitadel.AuthMethod { return zitadel.AuthMethodBasic }

// ResponseTypes is code.
func (c program) ResponseTypes() []zitadel.ResponseType {
	if c.machine() {
		return nil
	}
	return []zitadel.ResponseType{zitadel.ResponseTypeCode}
}

// GrantTypes is one of two.
func (c program) GrantTypes() []zitadel.GrantType {
	if c.machine() {
		return []zitadel.GrantType{zitadel.GrantTypeClientCredentials}
	}
	return []zitadel.GrantType{zitadel.GrantTypeCode, zitadel.GrantTypeRefreshToken}
}

// LoginURL is the page that asks who it is.
func (c program) LoginURL(id string) string { return c.issuer + loginPath + "?id=" + id }

// AccessTokenType is a JWT, which is verified without asking back.
func (c program) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// IDTokenLifetime is short: the relying party looks at it once.
func (c program) IDTokenLifetime() time.Duration { return idTokenLife }

// DevMode would allow what is not allowed elsewhere.
func (c program) DevMode() bool { return false }

// RestrictAdditionalIdTokenScopes restricts nothing more.
func (c program) RestrictAdditionalIdTokenScopes() func([]string) []string { //nolint:revive // the library's name
	return same
}

// RestrictAdditionalAccessTokenScopes restricts nothing more.
func (c program) RestrictAdditionalAccessTokenScopes() func([]string) []string { return same }

func same(scopes []string) []string { return scopes }

// IsScopeAllowed allows ours, beside the standard's.
func (c program) IsScopeAllowed(scope string) bool { return scope == c.scope }

// IDTokenUserinfoClaimsAssertion says that the ID token may tell all.
func (c program) IDTokenUserinfoClaimsAssertion() bool { return true }

// ClockSkew is none on one machine.
func (c program) ClockSkew() time.Duration { return 0 }
