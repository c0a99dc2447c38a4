package factor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what RFC 6238 says and authenticators do; as a MAC it is sound
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/private"
)

const (
	stepSeconds = 30
	drift       = 1 // steps that a telephone's clock may be off
	digits      = 1_000_000
	secretBytes = 20
)

// NewTOTP returns a new authenticator's secret.
func NewTOTP() string {
	secret := make([]byte, secretBytes)
	rand.Read(secret) // never fails: crypto/rand ends the process instead
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// TOTPCode is what the authenticator with this secret shows at a moment (RFC 6238).
func TOTPCode(secret string, at time.Time) (string, error) {
	key, err := decodeSecret(secret)
	if err != nil {
		return "", err
	}
	return code(key, stepAt(at)), nil
}

// CheckSecret refuses what is no authenticator's secret. None at all is fine: not everybody has one.
func CheckSecret(secret string) error {
	_, err := decodeSecret(secret)
	return err
}

func decodeSecret(secret string) ([]byte, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(secret))
	if err != nil || len(key) > 0 && len(key) < secretBytes/2 {
		return nil, errors.New("the authenticator's secret is not base32 of ten bytes and more")
	}
	return key, nil
}

func stepAt(at time.Time) int64 { return at.Unix() / stepSeconds }

func code(key []byte, step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step)) //nolint:gosec // after 1970
	mac := hmac.New(sha1.New, key)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%digits)
}

// stepOf returns the step after last at which an authenticator shows given, as seen from now.
func stepOf(key []byte, given string, last int64, now time.Time) (int64, bool) {
	found := int64(0)
	for step := stepAt(now) - drift; step <= stepAt(now)+drift; step++ {
		same := subtle.ConstantTimeCompare([]byte(code(key, step)), []byte(given)) == 1
		if same && step > last && found == 0 {
			found = step
		}
	}
	return found, found != 0
}

// Steps remembers, over restarts, the last step of every authenticator whose code was taken.
type Steps struct {
	mu   sync.Mutex
	path string
	last map[string]int64
}

// OpenSteps reads what a folder remembers.
func OpenSteps(dir string) (*Steps, error) {
	s := &Steps{path: filepath.Join(dir, "steps.json"), last: map[string]int64{}}
	data, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the authenticators' steps: %w", err)
	}
	if err := json.Unmarshal(data, &s.last); err != nil {
		return nil, fmt.Errorf("read the authenticators' steps in %s: %w", s.path, err)
	}
	return s, nil
}

// Take uses up a code. It is false for a wrong one, and for one that was used.
func (s *Steps) Take(subject, secret, given string, now time.Time) (bool, error) {
	key, err := decodeSecret(secret)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	step, ok := stepOf(key, given, s.last[subject], now)
	if !ok {
		return false, nil
	}
	before := s.last[subject]
	s.last[subject] = step
	data, err := json.Marshal(s.last)
	if err == nil {
		err = private.Write(s.path, data)
	}
	if err != nil {
		s.last[subject] = before
		return false, fmt.Errorf("keep an authenticator's step: %w", err)
	}
	return true, nil
}
