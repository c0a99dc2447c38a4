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
//     It is no ID token, and no token that was made for the console; one that is bound to a client's certificate comes with
//     that certificate.
//  7. What the provider says about a person is asked again while their session is used: a role that was changed or taken
//     away there reaches the session within [Options.Recheck], or its grace when the provider is away. See package session.
//  8. Who is cut off by an administrator loses what keys they have as well; see [Options.AlsoRevoke].
//  9. Whether a code, a token or a session is wrong, old or somebody else's is told in codes; no value is repeated.
package signin

import (
	"context"
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
	"github.com/songan-vn/songan/libs/access/signin/internal/factor"
	"github.com/songan-vn/songan/libs/access/signin/internal/party"
	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/access/signin/internal/session"
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
	// Key seals what is stored or sent away: 32 bytes.
	Key []byte
	// Idle ends a session that nobody uses, 30 minutes when it is 0; Absolute ends every one, 10 hours when it is 0.
	Idle, Absolute time.Duration
	// Recheck is how often the provider is asked about somebody who is signed in, 5 minutes when it is 0; Grace how much
	// longer a session goes on while it does not answer, 15 minutes when it is 0.
	Recheck, Grace time.Duration
	// AlsoRevoke ends what else somebody has who is cut off by an administrator: keys. Nil is fine.
	AlsoRevoke func(ctx context.Context, person, by string) error
	// Client calls the provider. Nil is one with a time limit.
	Client *http.Client
	// API is complete but for what only this package knows; see service.Deps.
	API httpapi.Options
}

// Signin signs people in and knows their sessions.
type Signin struct {
	options  Options
	pool     *pgxpool.Pool
	provider *party.Party
	secrets  seal.Secrets
	sessions *session.Store
	factors  *factor.Book
	log      *zap.Logger
	now      func() time.Time
	secure   bool
	origin   *http.CrossOriginProtection
}

// Session is one browser in which somebody is signed in.
type Session = session.Session

const (
	defaultIdle     = 30 * time.Minute
	defaultAbsolute = 10 * time.Hour
	defaultRecheck  = 5 * time.Minute
	defaultGrace    = 15 * time.Minute
	providerTimeout = 10 * time.Second
)

// New returns a relying party; [Migrate] was called before. Nothing is asked of the provider yet.
func New(pool *pgxpool.Pool, o Options) (*Signin, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("signin: %w", err)
	}
	secrets, err := seal.New(o.Key)
	if err != nil {
		return nil, fmt.Errorf("signin: %w", err)
	}
	ours := http.NewCrossOriginProtection()
	if err := ours.AddTrustedOrigin(o.BaseURL); err != nil { // a proxy may have changed the request's host
		return nil, fmt.Errorf("signin: base URL: %w", err)
	}
	provider, err := party.New(party.Options{
		Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Redirect: o.BaseURL + callbackPath, Home: o.BaseURL + "/",
		Scopes: o.Scopes, Client: o.Client, Now: o.API.Now, Metrics: o.API.Metrics,
	})
	if err != nil {
		return nil, fmt.Errorf("signin: %w", err)
	}
	s := &Signin{
		options: o, pool: pool, provider: provider, secrets: secrets, factors: factor.New(pool, secrets, o.API.Now),
		log: o.API.Log, now: o.API.Now, secure: strings.HasPrefix(o.BaseURL, "https:"), origin: ours,
	}
	s.sessions = session.New(pool, session.Options{
		Idle: o.Idle, Recheck: o.Recheck, Grace: o.Grace, Secrets: secrets, Now: o.API.Now, Log: o.API.Log, Ask: s.ask,
	})
	return s, nil
}

// ask returns what the provider says about a session's person now.
func (s *Signin) ask(ctx context.Context, n Session) (access.Principal, string, error) {
	said, err := s.provider.Refresh(ctx, n.Refresh, n.Subject)
	if err != nil {
		return access.Principal{}, "", fmt.Errorf("ask the provider about a session: %w", err)
	}
	who, err := s.signedIn(said)
	return who, said.Refresh, err
}

// Sessions lists the living sessions of a person, the latest first.
func (s *Signin) Sessions(ctx context.Context, person string) ([]Session, error) {
	return s.sessions.Of(ctx, person)
}

// Revoke ends one session by its id. It tells whether there was one.
func (s *Signin) Revoke(ctx context.Context, id string) (bool, error) {
	return s.sessions.Revoke(ctx, id)
}

// RevokePerson ends all sessions of a person or machine, and refuses the tokens that were given to them until now.
// Whether they get new ones is the provider's to decide.
func (s *Signin) RevokePerson(ctx context.Context, person string) error {
	return s.sessions.RevokePerson(ctx, person)
}

// ResetFactor takes a person's authenticator and recovery codes away, for somebody who lost both, and ends their
// sessions. Whoever does it has made sure by other means who asks.
func (s *Signin) ResetFactor(ctx context.Context, person string) error {
	if err := s.factors.Reset(ctx, person); err != nil {
		return fmt.Errorf("reset the second factor: %w", err)
	}
	return s.RevokePerson(ctx, person)
}

// Sweep forgets what is long over, until ctx ends. It is a service.Runner's.
func (s *Signin) Sweep(ctx context.Context) error { return s.sessions.Sweep(ctx) }

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
	if o.Recheck <= 0 {
		o.Recheck = defaultRecheck
	}
	if o.Grace <= 0 {
		o.Grace = defaultGrace
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: providerTimeout}
	}
	if o.AlsoRevoke == nil {
		o.AlsoRevoke = func(context.Context, string, string) error { return nil }
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
