// Package facility is the life of one place that lodges people, and of the keys its software posts with.
//
//  1. The commune police register a facility in their own commune.
//  2. A suspended facility keeps its history and its keys, but whoever acts for it is refused until it is reinstated.
//  3. A key is named by a public id; only the hash of its secret is recorded, in a fact that never leaves this service.
//  4. A key ends, two years after it was issued at the latest ([LongestLife]). It is replaced by a successor, and goes on
//     beside it until a time that was named, at most [MostOverlap].
//  5. It is known who gave a key out, and when: who is cut off takes it with them.
//  6. At most [MaxKeys] keys are usable at a time, so that old ones get revoked.
package facility

import (
	"maps"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// MaxKeys is how many usable keys a facility has at most: enough to rotate with overlap.
const MaxKeys = 10

// LongestLife is how long a key is good at most, as those that administrators give out: one that was forgotten somewhere ends.
const LongestLife = 2 * 365 * 24 * time.Hour

// MostOverlap is how long a key may go on beside its successor.
const MostOverlap = 90 * 24 * time.Hour

// Facility is the folded state. Its zero value is a facility nobody registered.
type Facility struct {
	accommodation.FacilityRegistered
	Suspended bool
	// Keys are all that were issued, by id.
	Keys map[string]Key
}

// Key is a key and what became of it.
type Key struct {
	KeyIssued

	// Successor is the key that replaces this one; both are good until ExpiresAt.
	Successor string
	Revoked   bool
}

// Usable tells whether a key is let in, as far as it alone decides.
func (k Key) Usable(at time.Time) bool { return !k.Revoked && k.ExpiresAt.After(at) }

// PrivateFacts lists the facts that never leave this service.
func PrivateFacts() []events.Event { return []events.Event{KeyIssued{}, KeyReplaced{}, KeyRevoked{}} }

// KeyIssued says that software may post for the facility with a key.
type KeyIssued struct {
	Facility string `json:"facility"`
	// Key is the public id.
	Key string `json:"key"`
	// Hash is the SHA-256 of the secret.
	Hash      []byte    `json:"hash"`
	ExpiresAt time.Time `json:"expires_at"`
	// IssuedBy is the actor who was given the token, and answers for it.
	IssuedBy string    `json:"issued_by"`
	IssuedAt time.Time `json:"issued_at"`
}

// EventName is the fact's name in the log.
func (KeyIssued) EventName() string { return "accommodation.key_issued.v1" }

// Private keeps the hash off the bus.
func (KeyIssued) Private() {}

// KeyReplaced says that a key has a successor, and until when both are good.
type KeyReplaced struct {
	Facility  string    `json:"facility"`
	Key       string    `json:"key"`
	Successor string    `json:"successor"`
	Until     time.Time `json:"until"`
}

// EventName is the fact's name in the log.
func (KeyReplaced) EventName() string { return "accommodation.key_replaced.v1" }

// Private keeps keys off the bus.
func (KeyReplaced) Private() {}

// KeyRevoked says that a key is refused from now on.
type KeyRevoked struct {
	Facility string `json:"facility"`
	Key      string `json:"key"`
}

// EventName is the fact's name in the log.
func (KeyRevoked) EventName() string { return "accommodation.key_revoked.v1" }

// Private keeps keys off the bus.
func (KeyRevoked) Private() {}

// Stream is the name of a facility's stream.
func Stream(id string) string { return "facility-" + id }

// KeySuffix is the length of what makes a key's id its own; before it stands the id of the facility.
const KeySuffix = 8

// OfKey is the facility whose a key is, by its id alone. It does not tell whether there is one.
func OfKey(key string) (id string, ok bool) {
	if len(key) <= KeySuffix {
		return "", false
	}
	return key[:len(key)-KeySuffix], true
}

// Exists tells whether the facility was registered.
func (f Facility) Exists() bool { return f.Facility != "" }

// Evolve is the whole state machine on one screen.
func (f Facility) Evolve(e events.Event) Facility {
	switch e := e.(type) {
	case accommodation.FacilityRegistered:
		f.FacilityRegistered = e
	case accommodation.FacilitySuspended:
		f.Suspended = true
	case accommodation.FacilityReinstated:
		f.Suspended = false
	case KeyIssued:
		f.Keys = withKey(f.Keys, Key{KeyIssued: e})
	case KeyReplaced:
		key := f.Keys[e.Key]
		key.Successor, key.ExpiresAt = e.Successor, e.Until
		f.Keys = withKey(f.Keys, key)
	case KeyRevoked:
		key := f.Keys[e.Key]
		key.Revoked = true
		f.Keys = withKey(f.Keys, key)
	default:
		panic(decider.Unknown(e))
	}
	return f
}

// withKey copies, because an older state may still be in use.
func withKey(keys map[string]Key, k Key) map[string]Key {
	next := maps.Clone(keys)
	if next == nil {
		next = map[string]Key{}
	}
	next[k.Key] = k
	return next
}

// ErrUnknown is the answer about a facility that does not exist, or that the caller may not know of.
func ErrUnknown() error {
	return problem.New(problem.NotFound, "facility_unknown", "there is no such facility", "không có cơ sở lưu trú này")
}
