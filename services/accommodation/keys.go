package accommodation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/services/accommodation/internal/facility"
)

// KeyBody says how long a key is good for.
type KeyBody struct {
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"a year from now when left out, two at most"`
}

// IssuedKey is a key with its token. Only a hash of the token's secret is kept.
type IssuedKey struct {
	Key       string    `json:"key"`
	Facility  string    `json:"facility"`
	Token     string    `json:"token" doc:"cannot be read again: only a hash is kept"`
	ExpiresAt time.Time `json:"expires_at"`
}

// keyLife is how long a key is good for when nobody says otherwise.
const keyLife = 365 * 24 * time.Hour

func (a *app) issueKey(ctx context.Context, c httpapi.Call[KeyBody]) (httpapi.Done[IssuedKey], error) {
	f, err := a.facilityOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[IssuedKey]{}, err
	}
	token, cmd := derivedKey(a, c, f.Facility)
	cmd.ExpiresAt = orIn(c.In.ExpiresAt, c.Meta.At, keyLife)
	out, err := eventstore.Execute(ctx, a.log, facility.Stream(f.Facility), cmd, c.Meta, eventstore.OncePerKey())
	if err != nil {
		return httpapi.Done[IssuedKey]{}, err
	}
	answer := IssuedKey{Key: cmd.Key, Facility: f.Facility, Token: token, ExpiresAt: out.State.Keys[cmd.Key].ExpiresAt}
	return httpapi.Done[IssuedKey]{Answer: answer, Position: out.Position, Replayed: out.Replayed}, nil
}

func (a *app) checkIssueKey(ctx context.Context, c httpapi.Call[KeyBody]) error {
	f, err := a.facilityOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return err
	}
	_, err = facility.IssueKey{ExpiresAt: orIn(c.In.ExpiresAt, c.Meta.At, keyLife)}.Decide(f, c.Meta)
	return err
}

// orIn is a time that somebody named, or another one from now.
func orIn(named, now time.Time, otherwise time.Duration) time.Time {
	if named.IsZero() {
		return now.Add(otherwise)
	}
	return named
}

// derivedKey makes a key of request and facility, so that a repeat answers with the same token, and one of another facility never
// does.
func derivedKey[B any](a *app, c httpapi.Call[B], owner string) (token string, cmd facility.IssueKey) {
	derive := func(kind string) string { return a.vault.Name(kind, owner, c.Who.Scope(), c.Key) }
	id := owner + derive("key")[:facility.KeySuffix]
	secret := derive("key-secret-1") + derive("key-secret-2")
	token, key := access.Token(id, []byte(secret), access.Principal{ID: id, Role: access.Facility, Facility: owner})
	return token, facility.IssueKey{Key: key.ID, Hash: key.Hash}
}

// ReplaceKeyBody says how long both keys are good.
type ReplaceKeyBody struct {
	OldUntil  time.Time `json:"old_until,omitzero" doc:"when the old key ends; in 7 days when left out, 90 at most"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"when the new key ends, two years from now at most; with the old one when left out"`
}

const keyOverlap = 7 * 24 * time.Hour

func (a *app) replaceKey(ctx context.Context, c httpapi.Call[ReplaceKeyBody]) (httpapi.Done[IssuedKey], error) {
	f, err := a.facilityOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[IssuedKey]{}, err
	}
	token, next := derivedKey(a, c, f.Facility)
	next.ExpiresAt = c.In.ExpiresAt
	cmd := facility.ReplaceKey{Key: c.Path("key"), Next: next, Until: orIn(c.In.OldUntil, c.Meta.At, keyOverlap)}
	out, err := eventstore.Execute(ctx, a.log, facility.Stream(f.Facility), cmd, c.Meta, eventstore.OncePerKey())
	if err != nil {
		return httpapi.Done[IssuedKey]{}, err
	}
	a.keys.Forget(cmd.Key)
	answer := IssuedKey{Key: next.Key, Facility: f.Facility, Token: token, ExpiresAt: out.State.Keys[next.Key].ExpiresAt}
	return httpapi.Done[IssuedKey]{Answer: answer, Position: out.Position, Replayed: out.Replayed}, nil
}

func (a *app) checkReplaceKey(ctx context.Context, c httpapi.Call[ReplaceKeyBody]) error {
	f, err := a.facilityOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return err
	}
	_, err = facility.ReplaceKey{
		Key: c.Path("key"), Next: facility.IssueKey{ExpiresAt: c.In.ExpiresAt}, Until: orIn(c.In.OldUntil, c.Meta.At, keyOverlap),
	}.Decide(f, c.Meta)
	return err
}

// FacilityKey is a key of a facility as officers see it.
type FacilityKey struct {
	Key       string    `json:"key"`
	ExpiresAt time.Time `json:"expires_at"`
	IssuedBy  string    `json:"issued_by" doc:"who was given the token"`
	IssuedAt  time.Time `json:"issued_at"`
	Successor string    `json:"successor,omitzero"`
	Revoked   bool      `json:"revoked"`
	LastUsed  time.Time `json:"last_used_at,omitzero" doc:"to the minute"`
}

func (a *app) listKeys(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Page[FacilityKey], error) {
	f, err := a.facilityOf(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Page[FacilityKey]{}, err
	}
	page := httpapi.Page[FacilityKey]{Items: make([]FacilityKey, 0, len(f.Keys))}
	for _, k := range f.Keys {
		used, err := a.uses.Last(ctx, k.Key)
		if err != nil {
			return httpapi.Page[FacilityKey]{}, fmt.Errorf("tell when key %s was used: %w", k.Key, err)
		}
		page.Items = append(page.Items, FacilityKey{k.Key, k.ExpiresAt, k.IssuedBy, k.IssuedAt, k.Successor, k.Revoked, used})
	}
	slices.SortFunc(page.Items, func(x, y FacilityKey) int {
		return cmp.Or(y.ExpiresAt.Compare(x.ExpiresAt), cmp.Compare(x.Key, y.Key))
	})
	return page, nil
}

func (a *app) revokeKey(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[Facility], error) {
	return changeFacility(ctx, a, c, facility.RevokeKey{Key: c.Path("key")})
}
