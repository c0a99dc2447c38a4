package facility_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/eventstest"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/services/accommodation/internal/facility"
)

type facts = []events.Event

func TestEveryFactHasACase(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[facility.Facility](t, append(accommodation.FacilityFacts(), facility.PrivateFacts()...))
}

func TestFacility(t *testing.T) {
	t.Parallel()
	registered := accommodation.FacilityRegistered{
		Facility: "F1", Kind: "tourist", Unit: accommodation.Unit{Code: "00004", ValidFrom: "2025-07-01"}, Profile: "V1",
	}
	suspended := accommodation.FacilitySuspended{Facility: "F1", Note: "V2"}
	tomorrow := decidertest.Noon().Add(24 * time.Hour)
	by := func(k facility.KeyIssued) facility.KeyIssued {
		k.Facility, k.IssuedBy, k.IssuedAt = "F1", "officer:lan", decidertest.Noon()
		return k
	}
	issued := by(facility.KeyIssued{Key: "K1", Hash: []byte{1}, ExpiresAt: tomorrow})
	full, expired := facts{registered}, facts{registered}
	for i := range facility.MaxKeys {
		k := facility.KeyIssued{Facility: "F1", Key: fmt.Sprint("K", i), ExpiresAt: tomorrow}
		full = append(full, k)
		k.ExpiresAt = decidertest.Noon()
		expired = append(expired, k)
	}
	issue := facility.IssueKey{Key: "K1", Hash: []byte{1}, ExpiresAt: tomorrow}

	soon := decidertest.Noon().Add(time.Hour)
	replace := facility.ReplaceKey{Key: "K1", Next: facility.IssueKey{Key: "K2", Hash: []byte{2}}, Until: soon}
	late := replace
	late.Until = tomorrow.Add(time.Hour)
	replaced := facility.KeyReplaced{Facility: "F1", Key: "K1", Successor: "K2", Until: soon}

	decidertest.Run(t, []decidertest.Case[facility.Facility]{
		{Name: "a facility is registered", When: facility.Register(registered), Then: facts{registered}},
		{Name: "a facility is registered once", Given: facts{registered}, When: facility.Register(registered), Problem: "facility_exists"},
		{Name: "a facility is suspended", Given: facts{registered}, When: facility.Suspend{Note: "V2"}, Then: facts{suspended}},
		{Name: "a suspended facility is not suspended again", Given: facts{registered, suspended}, When: facility.Suspend{}, Problem: "facility_suspended"},
		{
			Name: "a suspended facility is reinstated", Given: facts{registered, suspended}, When: facility.Reinstate{Note: "V3"},
			Then: facts{accommodation.FacilityReinstated{Facility: "F1", Note: "V3"}},
		},
		{Name: "a facility that works is not reinstated", Given: facts{registered}, When: facility.Reinstate{}, Problem: "facility_not_suspended"},
		{Name: "an unknown facility is not suspended", When: facility.Suspend{}, Problem: "facility_unknown"},
		{Name: "a key is issued", Given: facts{registered}, By: "officer:lan", When: issue, Then: facts{issued}},
		{Name: "no more keys than the limit are usable", Given: full, When: issue, Problem: "too_many_keys"},
		{Name: "expired keys do not count", Given: expired, By: "officer:lan", When: issue, Then: facts{issued}},
		{
			Name: "a key is not expired from the start", Given: facts{registered}, Problem: "invalid_body",
			When: facility.IssueKey{Key: "K1", ExpiresAt: decidertest.Noon()},
		},
		{
			Name: "a key may live for two years", Given: facts{registered}, By: "officer:lan",
			When: facility.IssueKey{Key: "K1", Hash: []byte{1}, ExpiresAt: decidertest.Noon().Add(facility.LongestLife)},
			Then: facts{by(facility.KeyIssued{Key: "K1", Hash: []byte{1}, ExpiresAt: decidertest.Noon().Add(facility.LongestLife)})},
		},
		{
			Name: "a key lives no longer", Given: facts{registered}, Problem: "invalid_body",
			When: facility.IssueKey{Key: "K1", ExpiresAt: decidertest.Noon().Add(facility.LongestLife + 1)},
		},
		{
			Name: "a successor lives no longer", Given: facts{registered, issued}, Problem: "invalid_body",
			When: facility.ReplaceKey{Key: "K1", Next: facility.IssueKey{Key: "K2", ExpiresAt: decidertest.Noon().Add(facility.LongestLife + 1)}, Until: soon},
		},
		{
			Name: "a key is replaced, and both are good for a while", Given: facts{registered, issued}, By: "officer:lan", When: replace,
			Then: facts{by(facility.KeyIssued{Key: "K2", Hash: []byte{2}, ExpiresAt: tomorrow}), replaced},
		},
		{
			Name: "an old key does not live longer for being replaced", Given: facts{registered, issued}, By: "officer:lan", When: late,
			Then: facts{
				by(facility.KeyIssued{Key: "K2", Hash: []byte{2}, ExpiresAt: tomorrow}),
				facility.KeyReplaced{Facility: "F1", Key: "K1", Successor: "K2", Until: tomorrow},
			},
		},
		{Name: "a key is replaced once", Given: facts{registered, issued, replaced}, When: replace, Problem: "key_not_rotated"},
		{
			Name: "a revoked key is not replaced", Given: facts{registered, issued, facility.KeyRevoked{Facility: "F1", Key: "K1"}},
			When: replace, Problem: "key_unknown",
		},
		{
			Name: "an overlap has an end", Given: facts{registered, issued}, Problem: "invalid_body",
			When: facility.ReplaceKey{Key: "K1", Until: decidertest.Noon().Add(facility.MostOverlap + 1)},
		},
		{
			Name: "an overlap and a successor's end are looked at together", Given: facts{registered, issued}, Problem: "invalid_body",
			When: facility.ReplaceKey{Key: "K1", Next: facility.IssueKey{ExpiresAt: decidertest.Noon()}, Until: decidertest.Noon().Add(-1)},
		},
		{
			Name: "a key is revoked", Given: facts{registered, issued}, When: facility.RevokeKey{Key: "K1"},
			Then: facts{facility.KeyRevoked{Facility: "F1", Key: "K1"}},
		},
		{
			Name: "a key is revoked once", Given: facts{registered, issued, facility.KeyRevoked{Facility: "F1", Key: "K1"}},
			When: facility.RevokeKey{Key: "K1"}, Problem: "key_unknown",
		},
	})
}

func TestPrivateFactsStayReadable(t *testing.T) {
	t.Parallel()
	eventstest.Goldens(t, "testdata", facility.PrivateFacts())
}
