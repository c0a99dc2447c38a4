package policy

import (
	"iter"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn/units"
)

func newAction(p *Policy, uid cedar.EntityUID, s *resolved.Schema) *Action {
	a := &Action{policy: p, name: string(uid.ID), uid: uid}
	for group := range s.Actions[uid].Entity.Parents.All() {
		a.groups = append(a.groups, group)
	}
	return a
}

// trait is one thing about a caller, or between them and what they ask about, that policies can tell.
type trait uint16

const (
	hasUnit trait = 1 << iota // the caller is bounded by a unit, ...
	hasProvince
	hasFacility
	hasBank
	hasFactor // ... and showed a second factor
	inUnit    // the thing lies in the caller's unit, facility, bank
	inFacility
	inBank
	withPurpose // people are read for a purpose that is named
)

// kind is all that policies know of a question, because they name no place: see rules 4 and 5.
type kind struct {
	role   access.Role
	traits trait
}

func (k kind) is(t trait) bool { return k.traits&t != 0 }

// kindOf is the kind that a caller is today: of a province that was merged away, nothing is left.
func (p *Policy) kindOf(who access.Principal) kind {
	return kind{role: who.Role, traits: hasUnit.when(who.Unit != "") | hasProvince.when(p.isProvince(who.Unit)) |
		hasFacility.when(who.Facility != "") | hasBank.when(who.Bank != "") | hasFactor.when(who.SecondFactor)}
}

// isProvince tells whether a code is that of a province today.
func (p *Policy) isProvince(code string) bool {
	const provinceCode = 2
	if len(code) != provinceCode {
		return false
	}
	unit, found := p.land.Find(code)
	return found && unit.Level == units.Province
}

// when is the trait, or none.
func (t trait) when(is bool) trait {
	if is {
		return t
	}
	return 0
}

// kinds runs through all callers that may be. Those without a second factor are left out: they may do less.
func kinds() iter.Seq[kind] {
	return func(yield func(kind) bool) {
		for _, role := range access.Roles() {
			for bounds := range hasBank << 1 {
				k := kind{role: role, traits: bounds | hasFactor}
				if k.is(hasProvince) && !k.is(hasUnit) {
					continue
				}
				if !yield(k) {
					return
				}
			}
		}
	}
}

// own is the name of every place of the caller whom a kind stands for, and of the purpose that they name.
const own = "own"

// question spells a kind out.
func (k kind) question(now time.Time) question {
	name := func(t trait) string {
		if k.is(t) {
			return own
		}
		return ""
	}
	var within []cedar.EntityUID
	for _, place := range []struct {
		in   trait
		kind cedar.EntityType
	}{{inUnit, typeUnit}, {inFacility, typeFacility}, {inBank, typeBank}} {
		if k.is(place.in) {
			within = append(within, cedar.EntityUID{Type: place.kind, ID: own})
		}
	}
	return question{
		role: k.role, unit: name(hasUnit), facility: name(hasFacility), bank: name(hasBank),
		withoutUnit: !k.is(hasUnit), provincial: !k.is(hasUnit) || k.is(hasProvince),
		within: cedar.NewEntityUIDSet(within...),
		now:    now, second: k.is(hasFactor), purpose: name(withPurpose), file: name(withPurpose),
	}
}

// allows asks the policies, once in a minute for each kind of question.
func (a *Action) allows(k kind) bool {
	now := a.policy.now().Unix() / secondsPerMinute
	before := a.answers.Load()
	current := before != nil && before.minute == now
	if current {
		if yes, known := before.of[k]; known {
			return yes
		}
	}
	yes := a.ask(k.question(time.Unix(now*secondsPerMinute, 0)))
	after := &answers{minute: now, of: map[kind]bool{k: yes}}
	if current {
		maps.Copy(after.of, before.of)
	}
	a.answers.CompareAndSwap(before, after) // who comes second asks again
	return yes
}

const secondsPerMinute = 60

// answers are read far more often than written, so they are copied to be written.
type answers struct {
	minute int64
	of     map[kind]bool
}

type remembered = atomic.Pointer[answers]

// mine is a kind that asks about a thing of its own, for a purpose.
func (k kind) mine() kind {
	k.traits |= withPurpose | inUnit.when(k.is(hasUnit)) | inFacility.when(k.is(hasFacility)) | inBank.when(k.is(hasBank))
	return k
}

// Admit refuses a caller who may do this to nothing, not even to what is theirs.
func (a *Action) Admit(who access.Principal) error {
	k := a.policy.kindOf(who).mine()
	if a.allows(k) {
		return nil
	}
	k.traits |= hasFactor
	if a.allows(k) {
		return problem.New(problem.Forbidden, "second_factor_required",
			"this needs a second factor; confirm this session with the code of your authenticator",
			"thao tác này cần xác thực hai bước; xin xác nhận phiên bằng mã của ứng dụng xác thực")
	}
	return problem.New(problem.Forbidden, "role_not_allowed",
		"your role may not do this", "vai trò của bạn không được phép thực hiện việc này")
}

// bounds are the ways in which a caller's things are told from others': the only thing that a thing has to lie in.
func bounds(k kind, allows func(kind) bool) (ways []trait) {
	k.traits |= withPurpose
	if allows(k) {
		return []trait{0}
	}
	for _, way := range []struct{ has, in trait }{{hasUnit, inUnit}, {hasFacility, inFacility}, {hasBank, inBank}} {
		if k.is(way.has) && allows(kind{k.role, k.traits | way.in}) {
			ways = append(ways, way.in)
		}
	}
	return ways
}

// Roles lists who may do it at all.
func (a *Action) Roles() []access.Role { return slices.Clone(a.roles) }
