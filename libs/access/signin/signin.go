// Package signin lets people in who an OpenID provider knows, and machines that it gave a token to. What comes of both
// is an [access.Principal], as of an API key.
//
//  1. People sign in by the authorization code flow with PKCE, state and nonce. What is remembered meanwhile is sealed
//     in a cookie: nothing is stored for somebody who is nobody yet, and an answer is taken from that browser only.
//  2. A session is a row, and its token 256 random bits in a cookie that scripts cannot read; the row has its SHA-256.
//     The token is a new one after every sign-in and every step up. A session ends when nobody uses it, at the latest
//     after some hours, at logout, and when somebody revokes it: from the next request on.
//  3. A request with a cookie that changes something shows the session's CSRF token in a header, and comes from our
//     own pages. A request with an Authorization header is never taken for one with a cookie.
//  4. Who approves or releases money has a second factor: the provider says so (amr, acr), or this package asks for the
//     code of an authenticator. Until then every route answers "second_factor_required".
//  5. A principal holds no personal data: its id is the provider's subject where that is known to be opaque, else a
//     digest of it. Role, unit, facility and bank come from claims; what a role needs and a claim does not say is
//     a refusal, never a wider view.
//  6. A bearer token is for us (audience), of our provider (issuer), signed with a key pair (never "none", never HMAC),
//     in its time, and not one of those that were revoked.
//  7. Whether a code, a token or a session is wrong, old or somebody else's is told in codes; no value is repeated.
package signin

import (
	"context"
	"crypto/cipher"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/pg"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate makes the tables. Several processes may do it at once.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return pg.Migrate(ctx, pool, "signin", files)
}

// Options says whom to believe, and about what.
type Options struct {
	// Issuer is the provider. It is asked for its addresses and keys when somebody first signs in, not before.
	Issuer string
	// ClientID and ClientSecret are ours at the provider.
	ClientID, ClientSecret string
	// Audience is whom bearer tokens have to be for; empty takes none. It is not ClientID: an ID token is no key.
	Audience string
	// BaseURL is where browsers reach us: "https://songan.vn". Cookies are Secure where it begins with https.
	BaseURL string
	// Scopes are asked for beside openid.
	Scopes []string
	// Claims says which claims mean what.
	Claims Claims
	// OpaqueSubjects says that the provider's subjects are no personal data (UUIDs, not addresses) and may stand in
	// facts and logs as they are.
	OpaqueSubjects bool
	// StrongACR are the acr values by which the provider asserts a second factor, beside amr mfa, otp and hwk.
	StrongACR []string
	// Key seals what is stored or sent away; see [ReadKey].
	Key []byte
	// Idle ends a session that nobody uses, 30 minutes when it is 0; Absolute ends every one, 10 hours when it is 0.
	Idle, Absolute time.Duration
	// Client calls the provider. Nil is one with a time limit.
	Client *http.Client
	// API is complete but for what only this package knows; see service.Deps.
	API httpapi.Options
}

// Signin signs people in and knows their sessions.
type Signin struct {
	options  Options
	pool     *pgxpool.Pool
	provider *provider
	secrets  secrets
	log      *zap.Logger
	now      func() time.Time
	secure   bool
	origin   *http.CrossOriginProtection
}

const (
	defaultIdle     = 30 * time.Minute
	defaultAbsolute = 10 * time.Hour
	providerTimeout = 10 * time.Second
)

// New returns a relying party; [Migrate] was called before. Nothing is asked of the provider yet.
func New(pool *pgxpool.Pool, o Options) (*Signin, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("signin: %w", err)
	}
	sealing, err := newSecrets(o.Key)
	if err != nil {
		return nil, fmt.Errorf("signin: %w", err)
	}
	ours := http.NewCrossOriginProtection()
	if err := ours.AddTrustedOrigin(o.BaseURL); err != nil { // a proxy may have changed the request's host
		return nil, fmt.Errorf("signin: base URL: %w", err)
	}
	return &Signin{
		options: o, pool: pool, provider: newProvider(o), secrets: sealing, log: o.API.Log, now: o.API.Now,
		secure: strings.HasPrefix(o.BaseURL, "https:"), origin: ours,
	}, nil
}

// complete refuses what cannot work, and fills in what may be left out.
func (o *Options) complete() error {
	base, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || strings.Trim(base.Path, "/") != "":
		return errors.New("the base URL is not an address such as https://songan.vn")
	case o.Issuer == "" || o.ClientID == "" || o.ClientSecret == "":
		return errors.New("issuer, client and secret are needed")
	case o.Audience == o.ClientID:
		return errors.New("the audience of tokens must not be the client, or ID tokens would open the API")
	}
	o.BaseURL = base.Scheme + "://" + base.Host
	if o.Idle <= 0 {
		o.Idle = defaultIdle
	}
	if o.Absolute <= 0 {
		o.Absolute = defaultAbsolute
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: providerTimeout}
	}
	return o.Claims.check()
}

// Proofs are how sessions and tokens get into access.Options. Tokens come first: see rule 3.
func (s *Signin) Proofs() []access.Proof {
	if s.options.Audience == "" {
		return []access.Proof{cookieProof{s}}
	}
	return []access.Proof{tokenProof{s}, cookieProof{s}}
}

// secrets are the keys for what is sealed or signed, one for each use.
type secrets struct {
	sealing       cipher.AEAD
	csrf, recover []byte
}
