// Package seal keeps what sign-in stores or sends away out of others' hands: one key file, a derived key for each use.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	keyBytes = 32
	tokens   = 32 // random bytes of a token
	keyMode  = 0o600
	notOurs  = 0o077
)

// CreateKey writes a new key to a file that only the owner can read. It does not replace one: what was sealed with the
// old key, the authenticators of everybody, could not be opened any more.
func CreateKey(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, keyMode)
	if err != nil {
		return fmt.Errorf("create key for sessions: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(Random(keyBytes)) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write key for sessions: %w", err)
	}
	return nil
}

// ReadKey reads what [CreateKey] wrote.
func ReadKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at key for sessions: %w", err)
	}
	if info.Mode().Perm()&notOurs != 0 {
		return nil, fmt.Errorf("key file %s is open to others (mode %#o): chmod 600 it", path, info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key for sessions: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(key) != keyBytes {
		return nil, fmt.Errorf("%s does not hold a key of %d bytes in hexadecimal", path, keyBytes)
	}
	return key, nil
}

// Secrets are the keys for what is sealed or signed, one for each use.
type Secrets struct {
	sealing       cipher.AEAD
	csrf, recover []byte
}

// New derives the keys of a key file.
func New(key []byte) (Secrets, error) {
	if len(key) != keyBytes {
		return Secrets{}, fmt.Errorf("the key has not %d bytes", keyBytes)
	}
	derived := map[string][]byte{}
	for _, use := range []string{"seal", "csrf", "recovery"} {
		part, err := hkdf.Key(sha256.New, key, nil, "songan signin "+use, keyBytes)
		if err != nil {
			return Secrets{}, fmt.Errorf("derive keys: %w", err)
		}
		derived[use] = part
	}
	block, err := aes.NewCipher(derived["seal"])
	if err != nil {
		return Secrets{}, fmt.Errorf("make cipher: %w", err)
	}
	sealing, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return Secrets{}, fmt.Errorf("make cipher: %w", err)
	}
	return Secrets{sealing: sealing, csrf: derived["csrf"], recover: derived["recovery"]}, nil
}

// Seal encrypts for a use; what was sealed for another use, or another person, does not open.
func (s Secrets) Seal(use string, plain []byte) []byte {
	return s.sealing.Seal(nil, nil, plain, []byte(use))
}

var errSealed = errors.New("this was not sealed here, or for another use")

// Open decrypts what was sealed for this use.
func (s Secrets) Open(use string, sealed []byte) ([]byte, error) {
	plain, err := s.sealing.Open(nil, nil, sealed, []byte(use))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// CSRF is the CSRF token of a session: who has the cookie's token alone cannot make it.
func (s Secrets) CSRF(token string) string { return Encode(mac(s.csrf, token)) }

// Recovery digests a recovery code, so that the stored one opens nothing.
func (s Secrets) Recovery(text string) []byte { return mac(s.recover, text) }

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// Digest is how a token is stored.
func Digest(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// Random returns so many random bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// Encode writes bytes for cookies and addresses.
func Encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// NewToken returns 256 random bits as text.
func NewToken() string { return Encode(Random(tokens)) }

// Same compares two secrets, none of them empty, in constant time.
func Same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
