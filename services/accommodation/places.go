package accommodation

import (
	"context"
	"sync"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/services/accommodation/internal/facility"
)

// places answers from the log which facility a caller is. What a notice needs of a facility (kind, unit,
// remoteness) never changes after registration, so it is kept in memory without an end; suspension does
// change and is looked up with the key.
type places struct {
	log *eventstore.Store

	mu    sync.RWMutex
	known map[string]facility.Facility
}

// knownPlaces bounds the memory; a province has fewer facilities than that.
const knownPlaces = 50_000

func newPlaces(log *eventstore.Store) *places {
	return &places{log: log, known: map[string]facility.Facility{}}
}

// of returns a facility as it was registered.
func (p *places) of(ctx context.Context, id string) (facility.Facility, error) {
	p.mu.RLock()
	f, found := p.known[id]
	p.mu.RUnlock()
	if found {
		return f, nil
	}
	f, err := p.load(ctx, id)
	if err != nil {
		return facility.Facility{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= knownPlaces {
		clear(p.known)
	}
	p.known[id] = f
	return f, nil
}

// load folds the facility's present state.
func (p *places) load(ctx context.Context, id string) (facility.Facility, error) {
	f, err := eventstore.State[facility.Facility](ctx, p.log, facilityStream(id))
	if err != nil {
		return facility.Facility{}, err
	}
	if !f.Exists() {
		return facility.Facility{}, facility.ErrUnknown()
	}
	return f, nil
}

// Lookup finds a facility's key for access: the id of a key begins with the id of its facility.
func (p *places) Lookup(ctx context.Context, id string) (access.Key, error) {
	owner, ok := facilityOfKey(id)
	if !ok {
		return access.Key{}, access.ErrUnknownKey
	}
	f, err := eventstore.State[facility.Facility](ctx, p.log, facilityStream(owner))
	if err != nil {
		return access.Key{}, err
	}
	key, known := f.Keys[id]
	if !known {
		return access.Key{}, access.ErrUnknownKey
	}
	return access.Key{
		ID: key.Key, Hash: key.Hash, ExpiresAt: key.ExpiresAt, Suspended: f.Suspended, Revoked: key.Revoked, Replaced: key.Successor != "",
		Principal: access.Principal{ID: key.Key, Role: access.Facility, Facility: owner, Unit: f.Unit.Code},
	}, nil
}

func facilityStream(id string) string { return "facility-" + id }

// keySuffix is the length of what makes a key's id its own.
const keySuffix = 8

func facilityOfKey(key string) (string, bool) {
	if len(key) <= keySuffix {
		return "", false
	}
	return key[:len(key)-keySuffix], true
}
