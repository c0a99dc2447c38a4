// Package kms wraps secrets with a key that is kept apart from them: in a key management service, which never gives it away, or in
// a file on another disk. One address says which:
//
//		file:///run/secrets/songan.key                  a key of this machine, 0600
//		transit+https://host:port/<mount>/<key>         the protocol of a Vault's transit engine
//
//	 1. A file is the step before a service: it protects backups and disks of the key files, and nothing against whoever has both.
//	 2. Every call to a service goes through a breaker, has a time limit, and goes to that address alone: redirects are not
//	    followed. An answer that is not the protocol's is an error of the service's, never a secret.
//	 3. What is said about an error names no secret, no token and no answer's body.
package kms

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Options says which key is meant, and who asks.
type Options struct {
	// URI names the key.
	URI string
	// Token is what a service knows us by. A file needs none.
	Token string
	// Client makes the calls; nil is one with a time limit.
	Client     *http.Client
	Registerer prometheus.Registerer
}

// Key wraps secrets.
type Key struct {
	wrap, unwrap func(secret, associated []byte) ([]byte, error)
}

// Wrap encrypts a secret; associated has to be said again to open it.
func (k *Key) Wrap(secret, associated []byte) ([]byte, error) { return k.wrap(secret, associated) }

// Unwrap opens what Wrap made.
func (k *Key) Unwrap(wrapped, associated []byte) ([]byte, error) {
	return k.unwrap(wrapped, associated)
}

var errURI = errors.New("the address of a key is file:///<path> or transit+https://host:port/<mount>/<key>")

// Open returns a key. A file is read; a service is not asked yet.
func Open(o Options) (*Key, error) {
	if path, is := FileOf(o.URI); is {
		return openFile(path)
	}
	return openTransit(o)
}

// FileOf returns the path of a key in a file.
func FileOf(uri string) (path string, is bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Host != "" || u.RawQuery != "" || u.Fragment != "" || !strings.HasPrefix(u.Path, "/") {
		return "", false
	}
	return u.Path, true
}
