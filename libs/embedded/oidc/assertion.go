package oidc

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	assertionLife  = 5 * time.Minute // that a machine may give its assertion
	mostAssertions = 50_000          // that are remembered, so that none works twice
)

// assertions remembers those that were used.
type assertions struct {
	mu   sync.Mutex
	used map[[sha256.Size]byte]time.Time
}

// spend uses an assertion up; it tells whether it was good still.
func (a *assertions) spend(client, id string, until, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.used) >= mostAssertions {
		for sum, end := range a.used {
			if now.After(end) {
				delete(a.used, sum)
			}
		}
	}
	sum := sha256.Sum256([]byte(client + "\x00" + id))
	if _, spent := a.used[sum]; spent || len(a.used) >= mostAssertions {
		return false
	}
	a.used[sum] = until
	return true
}

// VerifyClient also takes machines that sign with a key of their own (private_key_jwt, RFC 7523), which the library does not
// for this grant. A machine that has a key has no secret, and the other way round.
func (s *server) VerifyClient(ctx context.Context, r *op.Request[op.ClientCredentials]) (op.Client, error) {
	if r.Data.ClientAssertion == "" && r.Data.ClientAssertionType == "" {
		return s.LegacyServer.VerifyClient(ctx, r)
	}
	grant := zitadel.GrantType(r.Form.Get("grant_type"))
	if r.Data.ClientAssertionType != zitadel.ClientAssertionTypeJWTAssertion || grant != zitadel.GrantTypeClientCredentials ||
		r.Data.ClientSecret != "" {
		return nil, zitadel.ErrInvalidClient()
	}
	client, ok := s.asserted(r.Data.ClientAssertion)
	if !ok || r.Data.ClientID != "" && r.Data.ClientID != client.ID {
		return nil, zitadel.ErrInvalidClient()
	}
	return program{client, s.store.scope, s.store.issuer}, nil
}

// asserted returns the machine that signed an assertion: for us, in its time, once.
func (s *server) asserted(raw string) (Client, bool) {
	signed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
	if err != nil {
		return Client{}, false
	}
	var said jwt.Claims
	if err := signed.UnsafeClaimsWithoutVerification(&said); err != nil { // to know whose key to look for
		return Client{}, false
	}
	client, known := s.store.clients[said.Subject]
	if !known || !client.machine() || client.Key == nil || signed.Claims(client.Key, &said) != nil {
		return Client{}, false
	}
	now := s.store.now()
	expected := jwt.Expected{Issuer: client.ID, Subject: client.ID, Time: now}
	forUs := said.Audience.Contains(s.store.issuer) || said.Audience.Contains(s.store.issuer+tokenPath)
	if said.ValidateWithLeeway(expected, 0) != nil || !forUs || said.ID == "" || said.Expiry == nil ||
		said.Expiry.Time().After(now.Add(assertionLife)) {
		return Client{}, false
	}
	return client, s.assertions.spend(client.ID, said.ID, said.Expiry.Time(), now)
}
