// Package oidc is an OpenID provider in the process: zitadel/oidc with its users and clients given as values. It
// serves the one machine and the tests. An installation that has a provider of its own names that one's issuer, and
// nothing else changes, because nobody speaks with this one but over HTTP.
//
//  1. Only the authorization code flow with PKCE (S256), state and nonce for people, with refresh tokens for who asks
//     (offline_access), and client_credentials for machines, by a secret or by a key of their own (private_key_jwt). No
//     implicit, no hybrid, no device, no token exchange, no dynamic registration, no CORS.
//  2. There is no session at the provider: every sign-in asks for the password, and for the code of the
//     authenticator where the user has one. The ID token says which it was: amr pwd, or pwd, otp and mfa.
//  3. The code goes to the browser that sent the password, in the answer to it. A link to somebody else's login page
//     gains nobody anything.
//  4. Passwords are argon2id. At most two are computed at a time, a few more wait, the others are told to come again.
//  5. Who guesses waits: per account and address, per address, and per account over all addresses but those from
//     which it was signed in to before. So nobody is locked out by what others do.
//  6. Signing keys live in a folder (0600), one file each, and are replaced at a start after 90 days; the old one is
//     published for as long as its tokens live. The last step of every authenticator is kept there too, so that a
//     code does not work twice, whatever happens in between.
//  7. Login pages under way, codes and limits live in memory. A restart loses them: whoever was signing in starts
//     again, and whoever was made to wait no longer has to. Tokens that were given out stay valid.
package oidc

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/factor"
	"github.com/songan-vn/songan/libs/embedded/oidc/internal/guard"
	"github.com/songan-vn/songan/libs/embedded/oidc/internal/signing"
)

// Options says who may sign in, and where.
type Options struct {
	// Issuer is the provider's address as browsers and services reach it: "http://127.0.0.1:8080/idp". [Provider]
	// is mounted at its path.
	Issuer string
	// Dir keeps keys and the last steps of authenticators. It is made, for the owner alone, when it is not there.
	Dir string
	// Audience is whom the machines' access tokens are for.
	Audience string
	// Scope is what has to be asked for to get the users' and clients' Claims; "songan" when it is empty.
	Scope   string
	Users   []User
	Clients []Client
	// Address tells from where a request comes; its connection's when it is nil.
	Address func(*http.Request) string
	// Noted is told how every attempt to sign in ended, without the name that was typed. Nil is fine.
	Noted func(Attempt)
	// Now is the clock of limits, codes and authenticators. (Tokens have the system's.)
	Now func() time.Time
}

// User is somebody who may sign in.
type User struct {
	// Subject is the user's name in tokens. It never changes, and is no personal datum.
	Subject string
	// Name is what the user types.
	Name string
	// Password is what [HashPassword] returned.
	Password string
	// TOTP is the authenticator's secret in base32; empty for a user without one.
	TOTP string
	// Claims are told about the user: their role, unit, bank.
	Claims map[string]any
}

// Client is a program that asks for tokens: one that signs people in has Redirects, a machine has none.
type Client struct {
	ID string
	// Secret is what [HashSecret] returned.
	Secret []byte
	// Key is the public key that a machine signs its assertions for, in the place of a secret (private_key_jwt).
	Key crypto.PublicKey
	// Redirects and AfterLogout are the only addresses that browsers are sent to, compared as texts.
	Redirects, AfterLogout []string
	// Claims stand in the access tokens of a machine.
	Claims map[string]any
}

func (c Client) machine() bool { return len(c.Redirects) == 0 }

// Attempt is how a sign-in ended.
type Attempt struct {
	// Outcome is "signed_in", "wrong_password", "wrong_code", "has_to_wait" or "too_busy".
	Outcome string
	// Subject is empty when nobody has the name that was typed.
	Subject string
}

// HashSecret digests a client's secret. Secrets are random ([NewSecret]), so they need no slow hash.
func HashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// HashPassword returns a password's argon2id hash in the usual notation, $argon2id$v=19$m=...
func HashPassword(password string) string { return factor.HashPassword(password) }

// NewTOTP returns a new authenticator's secret.
func NewTOTP() string { return factor.NewTOTP() }

// TOTPCode is what the authenticator with this secret shows at a moment (RFC 6238).
func TOTPCode(secret string, at time.Time) (string, error) { return factor.TOTPCode(secret, at) }

// NewSecret returns a secret that nobody guesses: at least 128 random bits.
func NewSecret() string { return rand.Text() }

// Provider serves everything below the path of its issuer.
type Provider struct {
	options Options
	path    string // of the issuer
	store   *store
	server  *server
	guard   *guard.Guard
	hasher  *factor.Hasher
	steps   *factor.Steps
	page    *template.Template
	handler http.Handler
}

const maxBody = 32 << 10

// New returns a provider. Nothing runs in the background.
func New(o Options) (*Provider, error) {
	issuer, err := checked(&o)
	if err != nil {
		return nil, fmt.Errorf("embedded OpenID provider: %w", err)
	}
	p := &Provider{options: o, path: strings.TrimSuffix(issuer.Path, "/"), guard: guard.New(o.Now), hasher: factor.NewHasher()}
	if err := p.open(); err != nil {
		return nil, fmt.Errorf("embedded OpenID provider: %w", err)
	}
	return p, nil
}

func (p *Provider) open() error {
	keys, err := signing.Open(p.options.Dir, p.options.Now())
	if err != nil {
		return err
	}
	if p.steps, err = factor.OpenSteps(p.options.Dir); err != nil {
		return err
	}
	if p.page, err = parsePage(); err != nil {
		return err
	}
	refreshing, err := openRefresher(p.options.Dir, p.options.Now)
	if err != nil {
		return err
	}
	p.store = newStore(p.options, keys, refreshing)
	config := &op.Config{
		CodeMethodS256: true, DefaultLogoutRedirectURI: p.options.Issuer + signedOutPath,
		GrantTypeRefreshToken: true,
		SupportedScopes:       []string{"openid", "offline_access", p.options.Scope}, SupportedClaims: claimNames(p.options),
	}
	rand.Read(config.CryptoKey[:]) // never fails; codes do not outlive the process
	provider, err := op.NewProvider(config, p.store, op.StaticIssuer(p.options.Issuer), op.WithAllowInsecure(),
		op.WithLogger(slog.New(slog.DiscardHandler)), op.WithCORSOptions(nil))
	if err != nil {
		return fmt.Errorf("make provider: %w", err)
	}
	p.server = newServer(provider, p.store)
	p.handler = p.routes()
	return nil
}

// ServeHTTP serves the provider.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	p.handler.ServeHTTP(w, r)
}

// routes lets through what the provider does, by the methods by which it does it.
func (p *Provider) routes() http.Handler {
	inner := http.NewServeMux()
	library := p.server.handler()
	for _, pattern := range []string{
		"GET /.well-known/openid-configuration", "GET " + keysPath, "GET " + userinfoPath, "POST " + userinfoPath,
		"GET " + endSessionPath, "POST " + endSessionPath,
	} {
		inner.Handle(pattern, library)
	}
	inner.Handle("GET "+authorizePath, p.limited(library))
	inner.Handle("POST "+authorizePath, p.limited(library))
	inner.Handle("POST "+tokenPath, bodyOnly(library))
	inner.HandleFunc("GET "+loginPath, p.showLogin)
	inner.HandleFunc("POST "+loginPath, p.takeLogin)
	inner.HandleFunc("GET "+signedOutPath, p.showSignedOut)
	outer := http.NewServeMux()
	outer.Handle(p.path+"/", http.StripPrefix(p.path, inner))
	return outer
}

// limited makes those wait who ask for more login pages than a whole office needs.
func (p *Provider) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := p.guard.Begin(p.options.Address(r)); !ok {
			p.refuse(w, view{Kind: "gone"}, Attempt{Outcome: "has_to_wait"}, wait)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bodyOnly refuses credentials in the address, where logs would show them.
func bodyOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			http.Error(w, "parameters belong into the body", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checked fills in what may be left out, and refuses what cannot work.
func checked(o *Options) (*url.URL, error) {
	issuer, err := url.Parse(o.Issuer)
	if err != nil || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" || strings.HasSuffix(issuer.Path, "/") {
		return nil, errors.New("the issuer is not an address without a slash at its end, such as http://127.0.0.1:8080/idp")
	}
	if o.Audience == "" || o.Now == nil || o.Dir == "" {
		return nil, errors.New("audience, folder and clock are needed")
	}
	if o.Scope == "" {
		o.Scope = "songan"
	}
	if o.Address == nil {
		o.Address = connectionAddress
	}
	if o.Noted == nil {
		o.Noted = func(Attempt) {}
	}
	return issuer, errors.Join(checkUsers(o.Users), checkClients(o.Clients, o.Audience))
}

func checkUsers(users []User) error {
	names, subjects := map[string]bool{}, map[string]bool{}
	for i, u := range users {
		switch {
		case u.Subject == "" || u.Name == "" || subjects[u.Subject] || names[u.Name]:
			return fmt.Errorf("user %d: subject and name are needed, and nobody else's", i)
		case !factor.IsHash(u.Password):
			return fmt.Errorf("user %d: the password is not a hash made by HashPassword", i)
		}
		if err := factor.CheckSecret(u.TOTP); err != nil {
			return fmt.Errorf("user %d: %w", i, err)
		}
		subjects[u.Subject], names[u.Name] = true, true
	}
	return nil
}

func checkClients(clients []Client, audience string) error {
	ids := map[string]bool{}
	for i, c := range clients {
		secret, key := len(c.Secret) == sha256.Size, c.Key != nil && c.machine()
		if c.ID == "" || c.ID == audience || ids[c.ID] || secret == key {
			return fmt.Errorf("client %d: an id that is nobody else's is needed, and a secret's hash or a machine's key", i)
		}
		ids[c.ID] = true
	}
	return nil
}

// connectionAddress is the address of the other end.
func connectionAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
