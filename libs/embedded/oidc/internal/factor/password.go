// Package factor is what people prove with who they are: a password, kept as an argon2id hash, and the code that an
// authenticator shows, which works once.
package factor

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// The cost of a password: 64 MiB, three passes, one lane (RFC 9106, second recommendation, with fewer lanes).
const (
	memoryKiB = 64 << 10
	passes    = 3
	lanes     = 1
	saltBytes = 16
	sumBytes  = 32
	// What a hash may ask for, so that a wrong line in a file cannot eat the machine.
	maxMemoryKiB = 256 << 10
	maxPasses    = 10
)

const (
	hashing     = 2 // at a time: 128 MiB
	waiting     = 16
	hashingWait = 5 * time.Second
	// maxPassword is far above what anybody types, and keeps long ones from being work.
	maxPassword = 256
)

// Decoy is compared with when nobody has the name and there is nobody at all.
const Decoy = "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// HashPassword returns a password's argon2id hash in the usual notation, $argon2id$v=19$m=...
func HashPassword(password string) string {
	return HashWith(password, memoryKiB, passes)
}

// HashWith is [HashPassword] at another cost, which stands in the hash.
func HashWith(password string, memory, times uint32) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails: crypto/rand ends the process instead
	sum := argon2.IDKey([]byte(password), salt, times, memory, lanes, sumBytes)
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, times, lanes, text(salt), text(sum))
}

// hashed is a password's hash, taken apart.
type hashed struct {
	memory, times uint32
	lanes         uint8
	salt, sum     []byte
}

var errNotAHash = errors.New("this is not an argon2id hash")

func parseHash(text string) (hashed, error) {
	const fields = 6
	parts := strings.Split(text, "$")
	if len(parts) != fields || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return hashed{}, errNotAHash
	}
	var h hashed
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.times, &h.lanes); err != nil {
		return hashed{}, errNotAHash
	}
	var errSalt, errSum error
	h.salt, errSalt = base64.RawStdEncoding.DecodeString(parts[4])
	h.sum, errSum = base64.RawStdEncoding.DecodeString(parts[5])
	switch {
	case errSalt != nil || errSum != nil || len(h.salt) < saltBytes/2 || len(h.sum) < saltBytes:
		return hashed{}, errNotAHash
	case h.memory == 0 || h.memory > maxMemoryKiB || h.times == 0 || h.times > maxPasses || h.lanes == 0:
		return hashed{}, errNotAHash
	}
	return h, nil
}

// IsHash tells whether a text is a hash that Matches would compare with.
func IsHash(text string) bool {
	_, err := parseHash(text)
	return err == nil
}

func (h hashed) matches(password string) bool {
	sum := argon2.IDKey([]byte(password), h.salt, h.times, h.memory, h.lanes, uint32(len(h.sum))) //nolint:gosec // a few bytes
	return subtle.ConstantTimeCompare(sum, h.sum) == 1
}

// Hasher computes few hashes at a time: each takes memory that the rest of the machine needs as well.
type Hasher struct {
	places chan struct{}
	queue  chan struct{}
}

// NewHasher has all its places free.
func NewHasher() *Hasher {
	return &Hasher{places: make(chan struct{}, hashing), queue: make(chan struct{}, hashing+waiting)}
}

// ErrBusy says that too many sign in at the same time.
var ErrBusy = errors.New("too many passwords are being checked")

// Matches compares a password with a hash when there is room for it.
func (h *Hasher) Matches(ctx context.Context, hash, password string) (bool, error) {
	parsed, err := parseHash(hash)
	if err != nil || len(password) > maxPassword {
		return false, err
	}
	select {
	case h.queue <- struct{}{}:
	default:
		return false, ErrBusy
	}
	defer func() { <-h.queue }()
	patience := time.NewTimer(hashingWait)
	defer patience.Stop()
	select {
	case h.places <- struct{}{}:
	case <-patience.C:
		return false, ErrBusy
	case <-ctx.Done():
		return false, fmt.Errorf("wait to check a password: %w", context.Cause(ctx))
	}
	defer func() { <-h.places }()
	return parsed.matches(password), nil
}
