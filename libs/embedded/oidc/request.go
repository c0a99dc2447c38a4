package oidc

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
)

const (
	requestLife = 10 * time.Minute // to type a password
	codeLife    = time.Minute      // to fetch tokens
	mostPending = 20_000
)

// request is a sign-in under way. Its methods are what the library asks of one.
type request struct {
	id      string
	asked   zitadel.AuthRequest
	expires time.Time

	// halfway is whose password was right, and step what the page that asks for the code has to say to go on: only
	// the browser that sent the password has it.
	halfway, step string
	subject       string
	factors       []string
	at            time.Time
}

// GetID names the request.
func (r *request) GetID() string { return r.id }

// GetACR says how sure it is who signed in.
func (r *request) GetACR() string {
	if len(r.factors) > 1 {
		return "2"
	}
	return "1"
}

// GetAMR lists how (RFC 8176).
func (r *request) GetAMR() []string { return r.factors }

// GetAudience is whom the ID token is for.
func (r *request) GetAudience() []string { return []string{r.asked.ClientID} }

// GetAuthTime is when the password was typed.
func (r *request) GetAuthTime() time.Time { return r.at }

// GetClientID is who asks.
func (r *request) GetClientID() string { return r.asked.ClientID }

// GetCodeChallenge is what the proof key is compared with.
func (r *request) GetCodeChallenge() *zitadel.CodeChallenge {
	return &zitadel.CodeChallenge{Challenge: r.asked.CodeChallenge, Method: zitadel.CodeChallengeMethodS256}
}

// GetNonce ties the ID token to the request.
func (r *request) GetNonce() string { return r.asked.Nonce }

// GetRedirectURI is where the browser goes next.
func (r *request) GetRedirectURI() string { return r.asked.RedirectURI }

// GetResponseType is code.
func (r *request) GetResponseType() zitadel.ResponseType { return r.asked.ResponseType }

// GetResponseMode is the query.
func (r *request) GetResponseMode() zitadel.ResponseMode { return r.asked.ResponseMode }

// GetScopes is what the client wants to know.
func (r *request) GetScopes() []string { return r.asked.Scopes }

// GetState ties the answer to the browser.
func (r *request) GetState() string { return r.asked.State }

// GetSubject is who signed in.
func (r *request) GetSubject() string { return r.subject }

// Done tells whether somebody did.
func (r *request) Done() bool { return r.subject != "" }

// pending holds the requests under way and the codes that were given out.
type pending struct {
	mu       sync.Mutex
	now      func() time.Time
	requests map[string]*request
	codes    map[[sha256.Size]byte]string // to the request's id
}

func newPending(now func() time.Time) *pending {
	return &pending{now: now, requests: map[string]*request{}, codes: map[[sha256.Size]byte]string{}}
}

var (
	errNoRequest = errors.New("this sign-in is not under way any more")
	errFull      = errors.New("too many sign-ins are under way")
)

func (p *pending) add(asked zitadel.AuthRequest) (*request, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) >= mostPending {
		p.sweep()
	}
	if len(p.requests) >= mostPending {
		return nil, errFull
	}
	r := &request{id: rand.Text(), asked: asked, expires: p.now().Add(requestLife)}
	p.requests[r.id] = r
	return r, nil
}

// sweep forgets what has expired.
func (p *pending) sweep() {
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

// byID returns a copy, so that nobody reads what another changes.
func (p *pending) byID(id string) (request, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.requests[id]
	if !ok || p.now().After(r.expires) {
		return request{}, errNoRequest
	}
	return *r, nil
}

// change does something to a request that is still waiting for its user.
func (p *pending) change(id string, do func(*request)) (request, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.requests[id]
	if !ok || p.now().After(r.expires) || r.Done() {
		return request{}, errNoRequest
	}
	do(r)
	return *r, nil
}

// saveCode gives out a request's only code.
func (p *pending) saveCode(id, code string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.requests[id]
	if !ok || !r.Done() {
		return errNoRequest
	}
	r.expires = p.now().Add(codeLife)
	p.codes[sha256.Sum256([]byte(code))] = id
	return nil
}

// takeCode returns the request of a code, once: whatever comes of it, code and request are gone.
func (p *pending) takeCode(code string) (*request, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := sha256.Sum256([]byte(code))
	id, ok := p.codes[sum]
	delete(p.codes, sum)
	r := p.requests[id]
	delete(p.requests, id)
	if !ok || r == nil || p.now().After(r.expires) {
		return nil, errNoRequest
	}
	return r, nil
}
