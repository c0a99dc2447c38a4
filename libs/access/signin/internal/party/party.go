// Package party is us at the OpenID provider, a relying party: where browsers are sent, what codes and refresh tokens are
// exchanged for, and what may be believed of a token.
//
//  1. The provider is asked who it is when it is first needed: it may start later than we do, in the same process even.
//  2. Every call goes through one breaker, to the addresses that the provider names: redirects are not followed. A provider that is away is told apart from a token that is wrong.
//  3. Keys are kept for [keysFresh] and then fetched again, so that one that the provider withdrew stops working; while it
//     does not answer they are believed for [keysStale]. A key id that nobody knows makes us look again, but not more often
//     than every [lookAgain]: who makes up ids does not make us flood the provider.
package party

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/oauth2"

	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/breaker"
)

const (
	// skew is how far the clocks of provider and service may be apart.
	skew = time.Minute

	askAgain  = 2 * time.Second
	patience  = 10 * time.Second
	keysFresh = 5 * time.Minute
	keysStale = time.Hour
	lookAgain = 15 * time.Second
)

// Options says who we are at which provider.
type Options struct {
	Issuer, ClientID, ClientSecret string
	// Redirect is where the provider sends browsers back to, Home where after a logout.
	Redirect, Home string
	Scopes         []string
	Client         *http.Client
	Now            func() time.Time
	Metrics        prometheus.Registerer
}

// Party is us at a provider.
type Party struct {
	options Options
	mu      sync.Mutex
	known   *described
	// failed is when the provider did not answer, so that not everybody waits for it in turn.
	failed time.Time
}

// described is what discovery found out.
type described struct {
	provider   *oidc.Provider
	oauth      oauth2.Config
	keys       *keySet
	endSession string
}

// New returns us at a provider. Nothing is asked of it yet.
func New(o Options) (*Party, error) {
	around, err := breaker.New("identity_provider", breaker.Settings{Registerer: o.Metrics})
	if err != nil {
		return nil, fmt.Errorf("breaker around the provider: %w", err)
	}
	client := *o.Client
	client.Transport = breaker.Transport{Breaker: around, Base: o.Client.Transport}
	// A redirect would take codes, refresh tokens and our secret to an address that the provider did not describe itself by.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.Client = &client
	return &Party{options: o}, nil
}

// describe asks the provider who it is, once it answers.
func (p *Party) describe(ctx context.Context) (*described, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	if p.options.Now().Sub(p.failed) < askAgain {
		return nil, away(errSilent)
	}
	found, err := p.discover(ctx)
	if err != nil {
		p.failed = p.options.Now()
		return nil, away(err)
	}
	p.known = found
	return found, nil
}

var errSilent = errors.New("the provider did not answer a moment ago")

func (p *Party) discover(ctx context.Context) (*described, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
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
	return &described{
		provider: found,
		oauth: oauth2.Config{
			ClientID: p.options.ClientID, ClientSecret: p.options.ClientSecret, Endpoint: endpoint,
			RedirectURL: p.options.Redirect, Scopes: append([]string{oidc.ScopeOpenID}, p.options.Scopes...),
		},
		keys:       &keySet{address: more.Keys, client: p.options.Client, now: p.options.Now},
		endSession: more.EndSession,
	}, nil
}

// Attempt is what ties an answer of the provider to the question.
type Attempt struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// NewAttempt returns one that nobody can guess.
func NewAttempt() Attempt {
	return Attempt{State: seal.NewToken(), Nonce: seal.NewToken(), Verifier: oauth2.GenerateVerifier()}
}

// Begin returns where the browser goes.
func (p *Party) Begin(ctx context.Context, a Attempt) (string, error) {
	found, err := p.describe(ctx)
	if err != nil {
		return "", err
	}
	return found.oauth.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), nil
}

// AfterLogout is where the browser may go to end what it has at the provider; home when that does not answer.
func (p *Party) AfterLogout(ctx context.Context) string {
	found, err := p.describe(ctx)
	if err != nil || found.endSession == "" {
		return "/"
	}
	q := url.Values{"client_id": {p.options.ClientID}, "post_logout_redirect_uri": {p.options.Home}}
	return found.endSession + "?" + q.Encode()
}
