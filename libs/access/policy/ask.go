package policy

import (
	"iter"
	"time"

	"github.com/cedar-policy/cedar-go"

	"github.com/songan-vn/songan/libs/access"
)

// rules are policies in the order of their files.
type rules []*cedar.Policy

// All runs through them. The names matter to nobody: why something is refused is told to no caller.
func (r rules) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, p := range r {
			if !yield("", p) {
				return
			}
		}
	}
}

// question is everything that policies are told.
type question struct {
	role access.Role
	// The caller's bounds; "" for none.
	unit, facility, bank    string
	withoutUnit, provincial bool
	// What it is about lies in these.
	within cedar.EntityUIDSet
	// The circumstances.
	now           time.Time
	second        bool
	purpose, file string
}

// The one caller and the one thing that a question is about. Policies cannot name them.
func caller() cedar.EntityUID { return cedar.EntityUID{Type: typeCaller, ID: "who"} }
func thing() cedar.EntityUID  { return cedar.EntityUID{Type: typeThing, ID: "what"} }

// ask puts a question to the policies. One that fails makes the answer a no: it could have been a forbid.
func (a *Action) ask(q question) bool {
	s := scene{
		who: cedar.Entity{
			UID: caller(), Parents: cedar.NewEntityUIDSet(cedar.EntityUID{Type: typeRole, ID: cedar.String(q.role)}),
			Attributes: cedar.NewRecord(cedar.RecordMap{
				"unit":         cedar.EntityUID{Type: typeUnit, ID: cedar.String(q.unit)},
				"facility":     cedar.EntityUID{Type: typeFacility, ID: cedar.String(q.facility)},
				"bank":         cedar.EntityUID{Type: typeBank, ID: cedar.String(q.bank)},
				"without_unit": cedar.Boolean(q.withoutUnit),
				"provincial":   cedar.Boolean(q.provincial),
			}),
		},
		what: cedar.Entity{UID: thing(), Parents: q.within},
	}
	decision, found := cedar.Authorize(a.rules, &s, cedar.Request{
		Principal: caller(), Action: a.uid, Resource: thing(),
		Context: cedar.NewRecord(cedar.RecordMap{
			"now": cedar.NewDatetime(q.now), "second_factor": cedar.Boolean(q.second),
			"purpose": cedar.String(q.purpose), "case": cedar.String(q.file),
		}),
	})
	return decision == cedar.Allow && len(found.Errors) == 0
}

// scene has the two entities that are more than their names. Actions are chosen before (see [Action.rules]).
type scene struct{ who, what cedar.Entity }

// Get finds one of them.
func (s *scene) Get(uid cedar.EntityUID) (cedar.Entity, bool) {
	switch uid.Type {
	case typeCaller:
		return s.who, true
	case typeThing:
		return s.what, true
	}
	return cedar.Entity{}, false
}
