package check_test

import (
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/services/identity/internal/check"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[check.Check](t, identity.Catalog())

	who := identity.Subject{Person: "P1", Service: "accommodation", Stream: "notice-N1"}
	matched := identity.Matched{Subject: who}
	decidertest.Run(t, []decidertest.Case[check.Check]{
		{Name: "a match is recorded", When: check.Record{Subject: who, Outcome: check.Matched}, Then: []events.Event{matched}},
		{
			Name: "a mismatch is recorded with what differs",
			When: check.Record{Subject: who, Outcome: check.Mismatched, Fields: []string{"sex"}},
			Then: []events.Event{identity.Mismatched{Subject: who, Fields: []string{"sex"}}},
		},
		{
			Name: "a number that the register does not know is recorded",
			When: check.Record{Subject: who, Outcome: check.NotFound},
			Then: []events.Event{identity.NotFound{Subject: who}},
		},
		{
			Name: "a person who cannot be checked is recorded with the reason",
			When: check.Record{Subject: who, Outcome: check.Unavailable, Reason: "person_erased"},
			Then: []events.Event{identity.Unavailable{Subject: who, Reason: "person_erased"}},
		},
		{
			Name:  "the first answer stays",
			Given: []events.Event{matched}, When: check.Record{Subject: who, Outcome: check.NotFound},
		},
	})
}
