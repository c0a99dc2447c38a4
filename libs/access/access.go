// Package access knows who is calling and what they are.
//
//  1. A machine shows an API key, "sa_<id>_<secret>". The id is public: it stands in logs and lists. The secret
//     has 256 random bits and is shown once; only its SHA-256 is stored. (A slow hash protects passwords that
//     can be guessed. These cannot.)
//  2. Keys come from keyrings: a file of the operator's, a read model of a service. A keyring that cannot be
//     asked is an error, never an answer.
//  3. Whether a key is suspended, expired, replaced or revoked is told only to who has its secret, in a code of its own:
//     they were given the key, so they learn nothing about anybody else, and the technician of a hospital knows at once
//     what to do. Everybody else, with an id that exists or not, hears the same "invalid_key", after the same work.
//  4. Who fails too often from one address has to wait. Keys that have just worked do not: one broken
//     program must not lock a whole hospital out.
//  5. Other ways to show who one is are a [Proof]: a person's session, a token of an identity provider. What comes
//     of them is the same [Principal].
//  6. A key may be for less than its role: its [Scopes] name the services, and whether they may only be read.
//  7. A bank's or a facility's client certificate is no key. Who shows one has to be whom it names, and roles that were
//     said to need one get nowhere without: a key that was stolen is of no use on another machine.
//  8. Nothing is allowed unless a route names the role. A role says what one may call; which facility, unit or
//     bank one may see stands in the [Principal] and is checked by the service.
package access

import (
	"cmp"
	"context"
	"slices"
)

// Role is what somebody may call.
type Role string

// The roles. Their texts are part of the API.
const (
	Facility        Role = "facility"         // a facility's system: notifies stays
	FacilityManager Role = "facility_manager" // a person who manages a facility's keys
	CommunePolice   Role = "commune_police"   // sees and registers what lies in a commune
	LISAOfficer     Role = "lisa_officer"     // issues social-security accounts, drafts lists
	Accountant      Role = "accountant"       // checks lists
	Approver        Role = "approver"         // approves lists
	Treasurer       Role = "treasurer"        // funds and releases
	Bank            Role = "bank"             // one bank's system
	Steering        Role = "steering"         // sees the figures of the province
	Auditor         Role = "auditor"          // reads everything, changes nothing
	Admin           Role = "admin"            // operates the system
	Service         Role = "service"          // another service of ours
)

// Roles lists every role.
func Roles() []Role {
	return []Role{
		Facility, FacilityManager, CommunePolice, LISAOfficer, Accountant, Approver, Treasurer, Bank, Steering,
		Auditor, Admin, Service,
	}
}

// Known tells whether r is one of [Roles].
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// Principal is who calls: a machine by its key, later a person by their account. It holds no personal data.
type Principal struct {
	// ID is the key's public id, or a person's subject.
	ID   string `json:"id"`
	Role Role   `json:"role"`
	// Facility, Unit and Bank bound what the principal sees; which of them is set depends on the role.
	Facility string `json:"facility,omitempty"`
	Unit     string `json:"unit,omitempty"`
	Bank     string `json:"bank,omitempty"`
	// SecondFactor says that the caller showed one. Of a key it is the operator's word; see policy.
	SecondFactor bool `json:"second_factor,omitempty"`
	// Scopes narrow what the role may call; empty does not.
	Scopes Scopes `json:"scopes,omitempty"`
}

// KeyHolder is what the id of a principal begins with whose key was given out over HTTP. No person's id does: nobody can be
// given a key that acts in another one's name.
const KeyHolder = "key-"

// Actor names the principal in facts and logs: "facility:<id>", "officer:<id>", "bank:<id>", "service:<id>".
func (p Principal) Actor() string {
	switch p.Role {
	case Facility, FacilityManager:
		return "facility:" + p.ID
	case Bank:
		return "bank:" + p.ID
	case Service:
		return "service:" + p.ID
	}
	return "officer:" + p.ID
}

// Scope names within what the principal's idempotency keys are unique: its facility, so that a retry by
// another of the facility's machines is still a retry, or else the principal itself.
func (p Principal) Scope() string {
	if p.Facility != "" {
		return p.Facility
	}
	return p.ID
}

// ActsFor names on whose behalf the principal calls: a facility or a bank, which may have many keys, or itself. A facility's manager
// is a person of their own: a front desk that takes every place would keep them from cutting off its keys.
func (p Principal) ActsFor() string {
	if p.Role == FacilityManager {
		return p.ID
	}
	return cmp.Or(p.Facility, p.Bank, p.ID)
}

// Is tells whether the principal has one of the roles.
func (p Principal) Is(roles ...Role) bool { return slices.Contains(roles, p.Role) }

// Unbounded tells whether a role lacks what bounds it. Without a unit some roles would see everything.
func (p Principal) Unbounded() bool {
	switch p.Role {
	case Facility, FacilityManager:
		return p.Facility == ""
	case Bank:
		return p.Bank == ""
	case CommunePolice, LISAOfficer, Accountant, Approver, Treasurer:
		return p.Unit == ""
	}
	return false
}

type contextKey struct{}

// With returns a context in which p calls.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns who calls.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	return p, ok
}
