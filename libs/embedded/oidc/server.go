package oidc

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"time"

	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	authorizePath  = "/authorize"
	tokenPath      = "/token"
	userinfoPath   = "/userinfo"
	endSessionPath = "/end_session"
	keysPath       = "/keys"
	loginPath      = "/login"
	signedOutPath  = "/signed-out"
)

// server is the library's server without what is not wanted here.
type server struct {
	*op.LegacyServer
	provider   op.OpenIDProvider
	store      *store
	assertions *assertions
}

func newServer(provider op.OpenIDProvider, s *store) *server {
	used := &assertions{used: map[[sha256.Size]byte]time.Time{}}
	return &server{provider: provider, store: s, assertions: used, LegacyServer: op.NewLegacyServer(provider, op.Endpoints{
		Authorization: op.NewEndpoint(authorizePath), Token: op.NewEndpoint(tokenPath), Userinfo: op.NewEndpoint(userinfoPath),
		EndSession: op.NewEndpoint(endSessionPath), JwksURI: op.NewEndpoint(keysPath),
	})}
}

// handler registers the server without the library's callback after the login page: see rule 3.
func (s *server) handler() http.Handler {
	return s.withIssuer(op.RegisterServer(s, s.Endpoints(),
		op.WithServerCORSOptions(nil), op.WithFallbackLogger(s.provider.Logger())))
}

// withIssuer tells the library who it is.
func (s *server) withIssuer(next http.Handler) http.Handler {
	return op.NewIssuerInterceptor(s.provider.IssuerFromRequest).Handler(next)
}

// Discovery says what is done here, and not what the library could do.
func (s *server) Discovery(ctx context.Context, r *op.Request[struct{}]) (*op.Response, error) {
	answer, err := s.LegacyServer.Discovery(ctx, r)
	if err != nil {
		return nil, err
	}
	if d, ok := answer.Data.(*zitadel.DiscoveryConfiguration); ok {
		d.ResponseTypesSupported = []string{string(zitadel.ResponseTypeCode)}
		d.ResponseModesSupported = []string{string(zitadel.ResponseModeQuery)}
		d.GrantTypesSupported = []zitadel.GrantType{zitadel.GrantTypeCode, zitadel.GrantTypeRefreshToken, zitadel.GrantTypeClientCredentials}
		d.TokenEndpointAuthMethodsSupported = []zitadel.AuthMethod{zitadel.AuthMethodBasic, zitadel.AuthMethodPrivateKeyJWT}
		d.IntrospectionEndpointAuthMethodsSupported, d.IntrospectionEndpointAuthSigningAlgValuesSupported = nil, nil
		d.RevocationEndpointAuthMethodsSupported, d.RevocationEndpointAuthSigningAlgValuesSupported = nil, nil
	}
	return answer, nil
}

// VerifyAuthRequest refuses what the library would let pass: no proof key or a plain one, no nonce, no state, another
// response mode.
func (s *server) VerifyAuthRequest(
	ctx context.Context, r *op.Request[zitadel.AuthRequest],
) (*op.ClientRequest[zitadel.AuthRequest], error) {
	verified, err := s.LegacyServer.VerifyAuthRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	const (
		digest     = 43 // characters of a SHA-256 in base64
		mostText   = 512
		mostScopes = 16
	)
	q := r.Data
	switch {
	case q.CodeChallengeMethod != zitadel.CodeChallengeMethodS256 || len(q.CodeChallenge) != digest:
		return nil, zitadel.ErrInvalidRequest().WithDescription("PKCE with S256 is required")
	case q.Nonce == "" || q.State == "" || len(q.Nonce) > mostText || len(q.State) > mostText || len(q.Scopes) > mostScopes:
		return nil, zitadel.ErrInvalidRequest().WithDescription("state and nonce are required, and limited")
	case q.ResponseMode != "" && q.ResponseMode != zitadel.ResponseModeQuery:
		return nil, zitadel.ErrInvalidRequest().WithDescription("only the response mode query is supported")
	case !slices.Contains(q.Scopes, zitadel.ScopeOpenID):
		return nil, zitadel.ErrInvalidScope().WithDescription("the scope openid is required")
	}
	return verified, nil
}

// CodeExchange gives tokens to nobody but the client that asked for the code, and only with its proof key. (The
// library's new server does not compare the clients, and asks for the proof key only if it is sent.)
func (s *server) CodeExchange(ctx context.Context, r *op.ClientRequest[zitadel.AccessTokenRequest]) (*op.Response, error) {
	if r.Data.CodeVerifier == "" {
		return nil, zitadel.ErrInvalidRequest().WithDescription("code_verifier required")
	}
	request, err := s.provider.Storage().AuthRequestByCode(ctx, r.Data.Code)
	if err != nil {
		return nil, zitadel.ErrInvalidGrant().WithDescription("invalid code").WithParent(err)
	}
	switch {
	case request.GetClientID() != r.Client.GetID() || request.GetRedirectURI() != r.Data.RedirectURI:
		return nil, zitadel.ErrInvalidGrant().WithDescription("the code is somebody else's")
	case !zitadel.VerifyCodeChallenge(request.GetCodeChallenge(), r.Data.CodeVerifier):
		return nil, zitadel.ErrInvalidGrant().WithDescription("invalid code_verifier")
	}
	answer, err := op.CreateTokenResponse(ctx, request, r.Client, s.provider, true, r.Data.Code, "")
	if err != nil {
		return nil, err
	}
	return op.NewResponse(answer), nil
}

// JWTProfile is a grant that nobody here needs, and that the library has no switch for.
func (s *server) JWTProfile(context.Context, *op.Request[zitadel.JWTProfileGrantRequest]) (*op.Response, error) {
	return nil, zitadel.ErrUnsupportedGrantType()
}

// claimNames lists what tokens may say.
func claimNames(o Options) []string {
	names := []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash"}
	add := func(claims map[string]any) {
		for name := range claims {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, u := range o.Users {
		add(u.Claims)
	}
	for _, c := range o.Clients {
		add(c.Claims)
	}
	slices.Sort(names)
	return names
}
