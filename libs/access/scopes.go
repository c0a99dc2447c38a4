package access

import (
	"errors"
	"strings"
)

// Scopes are what a key or token may be used for among what its role may call: names of services, divided by spaces, each
// with ":read" behind it if nothing may be changed there. "*" is every service. None means all that the role may.
type Scopes string

// Doing is what a call does to a service.
type Doing bool

// The ways to call.
const (
	Reading  Doing = false
	Changing Doing = true
)

const (
	everywhere = "*"
	onlyRead   = ":read"
	mostScopes = 500 // characters
)

// Allow tells whether a service may be called so.
func (s Scopes) Allow(service string, doing Doing) bool {
	if s == "" {
		return true
	}
	for scope := range strings.FieldsSeq(string(s)) {
		name, reads := strings.CutSuffix(scope, onlyRead)
		if (name == service || name == everywhere) && (doing == Reading || !reads) {
			return true
		}
	}
	return false
}

// Cover tells whether everything that other scopes allow is allowed by these.
func (s Scopes) Cover(other Scopes) bool {
	if other == "" {
		other = everywhere
	}
	for scope := range strings.FieldsSeq(string(other)) {
		name, reads := strings.CutSuffix(scope, onlyRead)
		if !s.Allow(name, Doing(!reads)) {
			return false
		}
	}
	return true
}

var errScopes = errors.New(`scopes are names of services, divided by spaces, with ":read" behind those that must not be changed`)

// Check refuses what is not spelled as scopes are.
func (s Scopes) Check() error {
	if len(s) > mostScopes || s != "" && strings.TrimSpace(string(s)) == "" {
		return errScopes
	}
	for scope := range strings.FieldsSeq(string(s)) {
		if name := strings.TrimSuffix(scope, onlyRead); name != everywhere && !isPlain(name, maxID) {
			return errScopes
		}
	}
	return nil
}
