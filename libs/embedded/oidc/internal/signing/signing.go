// Package signing keeps the keys that tokens are signed with in a folder, one file each, replaces them in time, and
// publishes the old ones for as long as their tokens live.
package signing

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/private"
)

const (
	keyBits   = 2048
	keyLife   = 90 * 24 * time.Hour
	keyLinger = 24 * time.Hour // that an old key is still published; no token lives longer
	ownFolder = 0o700
)

// key is a signing key, and its public half for the JWKS. Its file is called <unix time of its making>-<random>.pem.
type key struct {
	id   string
	made time.Time
	rsa  *rsa.PrivateKey
}

// SignatureAlgorithm is RS256, which every OpenID provider has to have.
func (k key) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }

// Key is the private key, in the library's words.
func (k key) Key() any { return k.rsa }

// ID is the kid.
func (k key) ID() string { return k.id }

// public is what everybody may know of a key.
type public struct{ key }

// Algorithm is the key's.
func (p public) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }

// Use is signing.
func (p public) Use() string { return "sig" }

// Key is the public half.
func (p public) Key() any { return p.rsa.Public() }

// Keys are all that are published, the newest first.
type Keys []key

// Published are their public halves.
func (s Keys) Published() []op.Key {
	all := make([]op.Key, len(s))
	for i, k := range s {
		all[i] = public{k}
	}
	return all
}

// Newest is what is signed with.
func (s Keys) Newest() op.SigningKey { return s[0] }

// Open reads the keys of a folder, makes a new one when the newest is too old, and drops those that no living
// token was signed with.
func Open(dir string, now time.Time) (Keys, error) {
	if err := os.MkdirAll(dir, ownFolder); err != nil {
		return nil, fmt.Errorf("make the folder of keys: %w", err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*-*.pem"))
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	var keys Keys
	for _, path := range paths {
		k, err := readKey(path)
		if err != nil {
			return nil, fmt.Errorf("read signing key: %w", err)
		}
		if now.Sub(k.made) > keyLife+keyLinger {
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("drop an old signing key: %w", err)
			}
			continue
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(b.made.Compare(a.made), cmp.Compare(a.id, b.id)) })
	if len(keys) > 0 && now.Sub(keys[0].made) < keyLife {
		return keys, nil
	}
	fresh, err := makeKey(dir, now)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	return append(Keys{fresh}, keys...), nil
}

func readKey(path string) (key, error) {
	data, err := private.Read(path)
	if err != nil {
		return key{}, err
	}
	id := strings.TrimSuffix(filepath.Base(path), ".pem")
	stamp, _, _ := strings.Cut(id, "-")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	block, _ := pem.Decode(data)
	if err != nil || block == nil {
		return key{}, fmt.Errorf("%s is not one of ours", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return key{}, fmt.Errorf("parse %s: %w", path, err)
	}
	k, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return key{}, fmt.Errorf("%s is not an RSA key", path)
	}
	return key{id: id, made: time.Unix(seconds, 0), rsa: k}, nil
}

func makeKey(dir string, now time.Time) (key, error) {
	made, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return key{}, fmt.Errorf("generate: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		return key{}, fmt.Errorf("encode: %w", err)
	}
	const tag = 8
	id := fmt.Sprintf("%d-%s", now.Unix(), strings.ToLower(rand.Text()[:tag]))
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := private.Write(filepath.Join(dir, id+".pem"), block); err != nil {
		return key{}, err
	}
	return key{id: id, made: time.Unix(now.Unix(), 0), rsa: made}, nil
}
