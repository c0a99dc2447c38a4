// Package pending holds the sign-ins that are under way, and the codes that were given out for those that ended well.
// Everything is in memory, expires, and is bounded.
package pending

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
)

// How long a sign-in and its code are remembered.
const (
	RequestLife = 10 * time.Minute // to type a password
	CodeLife    = time.Minute      // to fetch tokens
	mostPending = 20_000
)

// Request is a sign-in under way. Its methods are what the library asks of one.
type Request struct {
	ID    string
	Asked zitadel.AuthRequest
	// Halfway is whose password was right, and Step what the page that asks for the code has to say to go on: only
	// the browser that sent the password has it.
	Halfway, Step string
	// Subject is who signed in, by which Factors, and At what time.
	Subject string
	Factors []string
	At      time.Time

	expires time.Time
}

// GetID names the request.
func (r *Request) GetID() string { return r.ID }

// GetACR says how sure it is who signed in.
func (r *Request) GetACR() string {
	if len(r.Factors) > 1 {
		return "2"
	}
	return "1"
}

// GetAMR lists how (RFC 8176).
func (r *Request) GetAMR() []string { return r.Factors }

// GetAudience is whom the ID token is for.
func (r *Request) GetAudience() []string { return []string{r.Asked.ClientID} }

// GetAuthTime is when the password was typed.
func (r *Request) GetAuthTime() time.Time { return r.At }

// GetClientID is who asks.
func (r *Request) GetClientID() string { return r.Asked.ClientID }

// GetCodeChallenge is what the proof key is compared with.
func (r *Request) GetCodeChallenge() *zitadel.CodeChallenge {
	return &zitadel.CodeChallenge{Challenge: r.Asked.CodeChallenge, Method: zitadel.CodeChallengeMethodS256}
}

// GetNonce ties the ID token to the request.
func (r *Request) GetNonce() string { return r.Asked.Nonce }

// GetRedirectURI is where the browser goes next.
func (r *Request) GetRedirectURI() string { return r.Asked.RedirectURI }

// GetResponseType is code.
func (r *Request) GetResponseType() zitadel.ResponseType { return r.Asked.ResponseType }

// GetResponseMode is the query.
func (r *Request) GetResponseMode() zitadel.ResponseMode { return r.Asked.ResponseMode }

// GetScopes is what the client wants to know.
func (r *Request) GetScopes() []string { return r.Asked.Scopes }

// GetState ties the answer to the browser.
func (r *Request) GetState() string { return r.Asked.State }

// GetSubject is who signed in.
func (r *Request) GetSubject() string { return r.Subject }

// Done tells whether somebody did.
func (r *Request) Done() bool { return r.Subject != "" }

// Pending holds the requests under way and the codes that were given out.
type Pending struct {
	mu       sync.Mutex
	now      func() time.Time
	requests map[string]*Request
	codes    map[[sha256.Size]byte]string // to the request's id
}

// New has none.
func New(now func() time.Time) *Pending {
	return &Pending{now: now, requests: map[string]*Request{}, codes: map[[sha256.Size]byte]string{}}
}

var (
	// ErrNone says that nobody has begun it, or too long ago, or that it is over.
	ErrNone = errors.New("this sign-in is not under way any more")
	// ErrFull says that nobody can begin for now.
	ErrFull = errors.New("too many sign-ins are under way")
)

// Add remembers what a client asks for.
func (p *Pending) Add(asked zitadel.AuthRequest) (*Request, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) >= mostPending {
		p.sweep()
	}
	if len(p.requests) >= mostPending {
		return nil, ErrFull
	}
	r := &Request{ID: rand.Text(), Asked: asked, expires: p.now().Add(RequestLife)}
	p.requests[r.ID] = r
	return r, nil
}

// sweep forgets what has expired.
func (p *Pending) sweep() {
	now := p.now()
	for id, r := range p.requests {
		if now.After(r.expires) {
			delete(p.requests, id)
		}
	}
	for code, id := range p.codes {
		if p.requests[id] == nil {
			delete(p.codes, code)
		}
	}
}

// ByID returns a copy, so that nobody reads what another changes.
func (p *Pending) ByID(id string) (Request, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.requests[id]
	if !ok || p.now().After(r.expires) {
		return Request{}, ErrNone
	}
	return *r, nil
}

// Change does something to a request that is still waiting for its user.
func (p *Pending) Change(id string, do func(*Request)) (Request, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.requests[id]
	if !ok || p.now().After(r.expires) || r.Done() {
		return Request{}, ErrNone
	}
	do(r)
	return *r, nil
}

// SaveCode gives out a request's only code.
func (p *Pending) SaveCode(id, code string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.requests[id]
	if !ok || !r.Done() {
		return ErrNone
	}
	r.expires = p.now().Add(CodeLife)
	p.codes[sha256.Sum256([]byte(code))] = id
	return nil
}

// TakeCode returns the request of a code, once: whatever comes of it, code and request are gone.
func (p *Pending) TakeCode(code string) (*Request, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := sha256.Sum256([]byte(code))
	id, ok := p.codes[sum]
	delete(p.codes, sum)
	r := p.requests[id]
	delete(p.requests, id)
	if !ok || r == nil || p.now().After(r.expires) {
		return nil, ErrNone
	}
	return r, nil
}
