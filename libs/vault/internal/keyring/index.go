package keyring

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// ErrNotNormalised says that an indexed or searched value is not in its one spelling, so that it would not be found.
var ErrNotNormalised = errors.New("the value is not normalised")

// indexSize is 128 bits: two people never share an index by chance.
const indexSize = 16

// Index holds the keyed hashes of one key file, a key of its own for each use, so that equal values of different
// kinds have nothing in common. It is safe for concurrent use.
type Index struct {
	document, name, names, fingerprint *keyedHash
}

func newIndex(key []byte) (*Index, error) {
	k := &Index{}
	for use, hash := range map[string]**keyedHash{
		"document": &k.document, "name": &k.name, "names": &k.names, "fingerprint": &k.fingerprint,
	} {
		subkey, err := hkdf.Expand(sha256.New, key, "songan vault index "+use, keySize)
		if err != nil {
			return nil, fmt.Errorf("derive the key of %s: %w", use, err)
		}
		*hash = newKeyedHash(subkey)
	}
	return k, nil
}

// keyedHash is HMAC-SHA-256 under a subkey. Setting up an HMAC costs more than using it, hence the pool.
type keyedHash struct{ pool sync.Pool }

func newKeyedHash(key []byte) *keyedHash {
	return &keyedHash{pool: sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// sum returns the first 16 bytes of the HMAC of the parts. Each part is preceded by its length, so that ("ab", "c")
// and ("a", "bc") differ.
func (k *keyedHash) sum(parts ...string) []byte {
	mac, _ := k.pool.Get().(hash.Hash)
	defer k.pool.Put(mac)
	mac.Reset()
	buffer := make([]byte, 0, 256)
	for _, part := range parts {
		buffer = binary.AppendUvarint(buffer, uint64(len(part)))
		buffer = append(buffer, part...)
	}
	mac.Write(buffer) // a hash never errs
	return mac.Sum(buffer[:0])[:indexSize:indexSize]
}

// Derive returns the name that parts have: 26 lower-case letters and digits.
func (k *Index) Derive(parts ...string) string { return spell(k.names.sum(parts...)) }

// Fingerprint returns a keyed digest of a body, spelled like a name.
func (k *Index) Fingerprint(body []byte) string { return spell(k.fingerprint.sum(string(body))) }

func spell(sum []byte) string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	return base32.NewEncoding(letters).WithPadding(base32.NoPadding).EncodeToString(sum)
}

// Document returns the blind index of a normalised document number, nil of an empty one.
func (k *Index) Document(number string) ([]byte, error) {
	if number == "" {
		return nil, nil
	}
	for i := range len(number) {
		if c := number[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return nil, ErrNotNormalised
		}
	}
	return k.document.sum(number), nil
}

// Name returns the blind index of a folded name, nil of an empty one.
func (k *Index) Name(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	if strings.HasPrefix(name, " ") || strings.HasSuffix(name, " ") || strings.Contains(name, "  ") ||
		!norm.NFD.IsNormalString(name) || strings.ContainsFunc(name, notFolded) {
		return nil, ErrNotNormalised
	}
	return k.name.sum(name), nil
}

// notFolded finds what folding would have changed in a decomposed name: lower case, marks, the letter Đ, other white
// space.
func notFolded(r rune) bool {
	if r >= 'A' && r <= 'Z' || r == ' ' {
		return false
	}
	return unicode.ToUpper(r) != r || unicode.Is(unicode.Mn, r) || r == 'Đ' || unicode.IsSpace(r) || r == unicode.ReplacementChar
}
