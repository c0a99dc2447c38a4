package party

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// keySet is the provider's published keys. It is safe for concurrent use.
type keySet struct {
	address string
	client  *http.Client
	now     func() time.Time

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time // when keys are from

	asking  sync.Mutex // held by who asks
	asked   time.Time  // when keys were last asked for, whatever came of it
	failure error      // of that question
}

// algorithms are those with a key pair. HMAC is none of them: with it, a public key would be a secret.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
}

var errSignature = errors.New("no key of the provider fits the signature")

// keysAway says that keys could not be fetched, which is no reason to call a token wrong.
type keysAway struct{ cause error }

// Error names the cause, for the log.
func (e keysAway) Error() string { return "fetch the provider's keys: " + e.cause.Error() }

// Unwrap is the cause.
func (e keysAway) Unwrap() error { return e.cause }

// VerifySignature returns what a token says, if a key of the provider signed it.
func (s *keySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	signed, err := jose.ParseSigned(raw, algorithms())
	if err != nil || len(signed.Signatures) != 1 {
		return nil, errSignature
	}
	keys, err := s.present(ctx, keysFresh)
	if err != nil {
		return nil, err
	}
	if payload, ok := verify(signed, keys); ok {
		return payload, nil
	}
	if known(signed, keys) {
		return nil, errSignature // by a key that we know, and it does not fit: there is nothing to look for
	}
	if keys, err = s.present(ctx, lookAgain); err != nil {
		return nil, err
	}
	payload, ok := verify(signed, keys)
	if !ok {
		return nil, errSignature
	}
	return payload, nil
}

// verify tries the keys that a token may be signed with.
func verify(signed *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, bool) {
	header := signed.Signatures[0].Header
	for i := range keys {
		k := &keys[i]
		fits := (header.KeyID == "" || k.KeyID == header.KeyID) && (k.Algorithm == "" || k.Algorithm == header.Algorithm) &&
			(k.Use == "" || k.Use == "sig") && k.IsPublic()
		if !fits {
			continue
		}
		if payload, err := signed.Verify(k); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// known tells whether a token names a key that is there.
func known(signed *jose.JSONWebSignature, keys []jose.JSONWebKey) bool {
	for i := range keys {
		if keys[i].KeyID != "" && keys[i].KeyID == signed.Signatures[0].Header.KeyID {
			return true
		}
	}
	return false
}

// present returns keys that are younger than an age, or asks for them. When that fails, or somebody asks already, those that
// are there do for a while.
func (s *keySet) present(ctx context.Context, age time.Duration) ([]jose.JSONWebKey, error) {
	keys, young, old := s.kept(age)
	if young {
		return keys, nil
	}
	if old && !s.asking.TryLock() {
		return keys, nil
	}
	if !old {
		s.asking.Lock()
	}
	defer s.asking.Unlock()
	if keys, young, _ = s.kept(age); young { // somebody asked while we waited
		return keys, nil
	}
	failure := s.ask(ctx)
	if keys, _, old = s.kept(age); old {
		return keys, nil
	}
	return nil, keysAway{failure}
}

// kept returns the keys that are there, and whether they are younger than an age, or at least not stale.
func (s *keySet) kept(age time.Duration) (keys []jose.JSONWebKey, young, old bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	since := s.now().Sub(s.fetched)
	return s.keys, len(s.keys) > 0 && since < age, len(s.keys) > 0 && since < keysStale
}

// ask fetches keys, unless that failed a moment ago.
func (s *keySet) ask(ctx context.Context) error {
	now := s.now()
	if !s.asked.IsZero() && now.Sub(s.asked) < askAgain && s.failure != nil {
		return s.failure
	}
	keys, err := s.fetch(ctx)
	s.asked, s.failure = now, err
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.fetched = keys, now
	return nil
}

// fetch asks the provider. Its time is not the caller's: who gives up must not make everybody wait again.
func (s *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address, nil)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	const most = 1 << 20
	data, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	var set jose.JSONWebKeySet
	if answer.StatusCode != http.StatusOK || json.Unmarshal(data, &set) != nil || len(set.Keys) == 0 {
		return nil, fmt.Errorf("the answer, status %d, holds no keys", answer.StatusCode)
	}
	return set.Keys, nil
}
