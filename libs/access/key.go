package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"strings"
	"time"
)

const (
	prefix      = "sa_"
	idBytes     = 10 // 16 characters
	secretBytes = 32 // 52 characters
	maxID       = 64
)

// ErrUnknownKey is a keyring's answer about an id that it does not have.
var ErrUnknownKey = errors.New("no such key")

// Key is what is stored about an API key. It is of no use to a thief.
type Key struct {
	ID string `json:"id"`
	// Hash is the SHA-256 of the secret.
	Hash      []byte    `json:"hash"`
	Principal Principal `json:"principal"`
	// ExpiresAt ends the key; the zero time never does.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Suspended keys are refused until whoever they belong to is reinstated.
	Suspended bool `json:"suspended,omitempty"`
	// Revoked keys are refused for ever.
	Revoked bool `json:"revoked,omitempty"`
	// Replaced keys have a successor and are good until ExpiresAt, so that both work for a while.
	Replaced bool `json:"replaced,omitempty"`
}

// MostOverlap is how long a key may go on beside its successor.
const MostOverlap = 90 * 24 * time.Hour

// MayOverlap tells whether a key that has a successor from now on may go on until a time.
func MayOverlap(now, until time.Time) bool {
	return !until.Before(now) && !until.After(now.Add(MostOverlap))
}

// Rotate returns the successor of a key, with the same principal, and the key as it is from then on: good until a time, at
// the latest until it would have ended anyway. The successor's life is counted from now; 0 gives it the end of the old one.
func (k Key) Rotate(now, until time.Time, life time.Duration) (token string, next, old Key, err error) {
	switch {
	case k.Revoked || k.Replaced || !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return "", Key{}, Key{}, ErrNotRotated
	case !MayOverlap(now, until):
		return "", Key{}, Key{}, ErrOverlap
	}
	token, next = Generate(k.Principal)
	next.ExpiresAt = k.ExpiresAt
	if life > 0 {
		next.ExpiresAt = now.Add(life)
	}
	old = k
	old.Replaced = true
	if old.ExpiresAt.IsZero() || until.Before(old.ExpiresAt) {
		old.ExpiresAt = until
	}
	return token, next, old, nil
}

var (
	// ErrNotRotated says that a key which is not good any more, or has a successor, gets none.
	ErrNotRotated = errors.New("only a key that is good and has no successor is rotated")
	// ErrOverlap says that the old key's end is in the past, or too far away.
	ErrOverlap = errors.New("the old key ends between now and 90 days from now")
)

// Keyring finds keys. It is a true boundary: a file, a read model, another service's answer.
type Keyring interface {
	// Lookup returns the key with this id, or an error that wraps [ErrUnknownKey].
	Lookup(ctx context.Context, id string) (Key, error)
}

// Generate makes a new key for p, whose ID becomes the key's unless it has one. The token is shown to its
// owner once and cannot be had again.
func Generate(p Principal) (token string, key Key) {
	id := encode(random(idBytes))
	if p.ID == "" {
		p.ID = id
	}
	return Token(id, random(secretBytes), p)
}

// Token makes the key that has this id and secret. It is for [Generate], and for a service that derives a
// key's id and secret from the request which asked for it, so that a repeated request answers with the same token.
func Token(id string, secret []byte, p Principal) (token string, key Key) {
	text := encode(secret)
	return prefix + id + "_" + text, Key{ID: id, Hash: hash(text), Principal: p}
}

// Parse takes a token apart. It does not tell whether the key exists.
func Parse(token string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(token, prefix)
	if !ok {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	if !ok || !isPlain(id, maxID) || !isPlain(secret, 2*maxID) {
		return "", "", false
	}
	return id, secret, true
}

// Matches compares a secret in constant time.
func (k Key) Matches(secret string) bool {
	return subtle.ConstantTimeCompare(hash(secret), k.Hash) == 1
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// encode writes bytes with letters and digits only, so that a double click selects a whole token.
func encode(b []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// isPlain tells whether s has 1 to most lower-case letters, digits and hyphens.
func isPlain(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// KeyOf returns what is stored about a token that exists already, such as one that an operator hands in.
func KeyOf(token string, p Principal) (Key, error) {
	id, secret, ok := Parse(token)
	if !ok {
		return Key{}, errors.New("this is not a token")
	}
	return Key{ID: id, Hash: hash(secret), Principal: p}, nil
}
