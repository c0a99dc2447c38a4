package accommodation

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/accommodation/internal/facility"
)

// places answers from the log which facility a caller is. What a notice needs of a facility (kind, unit,
// remoteness) never changes after registration, so it is kept in memory without an end; suspension does
// change and is looked up for every request, see [app.refuseSuspended].
type places struct {
	log *eventstore.Store
	// cutOff is service.Deps'.
	cutOff service.CutOff

	mu    sync.RWMutex
	known map[string]facility.Facility
}

// knownPlaces bounds the memory; a province has fewer facilities than that.
const knownPlaces = 50_000

func newPlaces(log *eventstore.Store, cutOff service.CutOff) *places {
	return &places{log: log, cutOff: cutOff, known: map[string]facility.Facility{}}
}

// in tells whether a facility is in memory, so that [places.of] does not wait.
func (p *places) in(id string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, found := p.known[id]
	return found
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
	f, err := eventstore.State[facility.Facility](ctx, p.log, facility.Stream(id))
	if err != nil {
		return facility.Facility{}, err
	}
	if !f.Exists() {
		return facility.Facility{}, facility.ErrUnknown()
	}
	return f, nil
}

// Lookup finds a facility's key for access: the id of a key begins with the id of its facility. Who was cut off since they gave
// it out has taken it with them.
func (p *places) Lookup(ctx context.Context, id string) (access.Key, error) {
	owner, ok := facility.OfKey(id)
	if !ok {
		return access.Key{}, access.ErrUnknownKey
	}
	f, err := eventstore.State[facility.Facility](ctx, p.log, facility.Stream(owner))
	if err != nil {
		return access.Key{}, err
	}
	key, known := f.Keys[id]
	if !known {
		return access.Key{}, access.ErrUnknownKey
	}
	_, issuer, _ := strings.Cut(key.IssuedBy, ":")
	gone, err := p.cutOff.Since(ctx, key.IssuedAt, key.Key, issuer)
	if err != nil {
		return access.Key{}, err
	}
	return access.Key{
		ID: key.Key, Hash: key.Hash, ExpiresAt: key.ExpiresAt, Suspended: f.Suspended, Revoked: key.Revoked || gone, Replaced: key.Successor != "",
		Principal: access.Principal{ID: key.Key, Role: access.Facility, Facility: owner, Unit: f.Unit.Code},
	}, nil
}

// standing answers about facilities as a keyring does about keys, so that the same cache serves: whether one is suspended. One
// that nobody registered is not.
type standing struct{ log *eventstore.Store }

// Lookup tells how a facility stands.
func (s standing) Lookup(ctx context.Context, id string) (access.Key, error) {
	f, err := eventstore.State[facility.Facility](ctx, s.log, facility.Stream(id))
	return access.Key{ID: id, Suspended: f.Suspended}, err
}

// refuseSuspended lets nobody in who acts for a suspended facility, whether they show a key, a token or a session.
func (a *app) refuseSuspended(ctx context.Context, who access.Principal) error {
	if who.Facility == "" {
		return nil
	}
	stands, err := a.standing.Lookup(ctx, who.Facility)
	if err != nil {
		return fmt.Errorf("ask whether the caller's facility is suspended: %w", err)
	}
	if stands.Suspended {
		return problem.New(problem.Forbidden, "facility_suspended", "your facility is suspended", "cơ sở của bạn đang bị tạm ngừng")
	}
	return nil
}
