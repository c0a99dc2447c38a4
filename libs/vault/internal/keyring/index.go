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
	// letters spell names; setting them up costs as much as a hash.
	letters *base32.Encoding
}

func newIndex(key []byte) (*Index, error) {
	k := &Index{letters: base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)}
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

// hashing is one use of a keyed hash, with the memory for what is hashed.
type hashing struct {
	mac    hash.Hash
	buffer []byte
}

// mostKept is the largest memory that is kept for the next use.
const mostKept = 64 << 10

func newKeyedHash(key []byte) *keyedHash {
	return &keyedHash{pool: sync.Pool{New: func() any { return &hashing{mac: hmac.New(sha256.New, key)} }}}
}

// sum returns the first 16 bytes of the HMAC of the parts. Each part is preceded by its length, so that ("ab", "c")
// and ("a", "bc") differ.
func (k *keyedHash) sum(parts ...string) []byte {
	h, _ := k.pool.Get().(*hashing)
	defer k.giveBack(h)
	for _, part := range parts {
		h.buffer = binary.AppendUvarint(h.buffer, uint64(len(part)))
		h.buffer = append(h.buffer, part...)
	}
	return h.sum()
}

// sumBytes is sum of one part.
func (k *keyedHash) sumBytes(part []byte) []byte {
	h, _ := k.pool.Get().(*hashing)
	defer k.giveBack(h)
	h.buffer = binary.AppendUvarint(h.buffer, uint64(len(part)))
	h.buffer = append(h.buffer, part...)
	return h.sum()
}

func (h *hashing) sum() []byte {
	h.mac.Reset()
	h.mac.Write(h.buffer) // a hash never errs
	return h.mac.Sum(make([]byte, 0, sha256.Size))[:indexSize:indexSize]
}

// giveBack forgets what was hashed: it may be a person's number.
func (k *keyedHash) giveBack(h *hashing) {
	clear(h.buffer)
	if h.buffer = h.buffer[:0]; cap(h.buffer) <= mostKept {
		k.pool.Put(h)
	}
}

// Derive returns the name that parts have: 26 lower-case letters and digits.
func (k *Index) Derive(parts ...string) string { return k.spell(k.names.sum(parts...)) }

// Fingerprint returns a keyed digest of a body, spelled like a name.
func (k *Index) Fingerprint(body []byte) string { return k.spell(k.fingerprint.sumBytes(body)) }

func (k *Index) spell(sum []byte) string { return k.letters.EncodeToString(sum) }

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
