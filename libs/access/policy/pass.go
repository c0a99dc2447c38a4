package policy

import (
	"slices"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/territory"
	"github.com/songan-vn/songan/libs/vn/units"
)

// Thing is what an action is about: where it belongs.
type Thing struct {
	// Unit is where it happened; the zero key for what belongs to no unit.
	Unit units.Key
	// Facility and Bank are whose it is, "" for nobody's.
	Facility, Bank string
	// Purpose and Case are what people are read for, where that is asked.
	Purpose, Case string
}

// Pass is a caller who was admitted to an action. Its zero value may do nothing.
type Pass struct {
	action *Action
	who    access.Principal
}

// Pass is what a caller may do under the action. It is for who was admitted; to others every thing is refused.
func (a *Action) Pass(who access.Principal) Pass { return Pass{a, who} }

// Who is the caller.
func (p Pass) Who() access.Principal { return p.who }

// Also is the same caller under another action, for what an operation does beside its own. An action that is not in the
// schema allows nothing.
func (p Pass) Also(action string) Pass {
	if p.action == nil {
		return Pass{}
	}
	other := p.action.policy.actions[action]
	return Pass{other, p.who}
}

// May tells whether the caller may do it to this thing.
func (p Pass) May(t Thing) bool {
	if p.action == nil {
		return false
	}
	k := p.action.policy.kindOf(p.who)
	k.traits |= inFacility.when(p.who.Facility != "" && p.who.Facility == t.Facility) |
		inBank.when(p.who.Bank != "" && p.who.Bank == t.Bank)
	if p.who.Unit != "" && t.Unit.Code != "" {
		k.traits |= inUnit.when(slices.Contains(p.action.policy.land.Over(t.Unit), p.who.Unit))
	}
	if t.Purpose == "" && t.Case == "" {
		return p.action.allows(k)
	}
	q := k.question(p.action.policy.now().Truncate(time.Minute)) // a policy may compare what was named, so it is asked
	q.purpose, q.file = t.Purpose, t.Case
	return p.action.ask(q)
}

// For refuses a purpose, or a case, for which the caller may do it to nothing, not even to what is theirs: people are looked for
// before it is known where they are.
func (p Pass) For(purpose, file string) error {
	refused := problem.New(problem.Forbidden, "purpose_not_allowed",
		"nobody may read people for this purpose in your role", "vai trò của bạn không được đọc dữ liệu cá nhân cho mục đích này")
	if p.action == nil {
		return refused
	}
	q := p.action.policy.kindOf(p.who).mine().question(p.action.policy.now().Truncate(time.Minute))
	q.purpose, q.file = purpose, file
	if !p.action.ask(q) {
		return refused
	}
	return nil
}

// Reach is all that a caller may do an action to, as the filter of a list: every one of the three has to fit.
type Reach struct {
	// Facility and Bank are "" where they do not narrow.
	Facility, Bank string
	Units          territory.Area
}

// Reach says what May would say yes to.
func (p Pass) Reach() Reach {
	if p.action == nil {
		return Reach{}
	}
	ways := bounds(p.action.policy.kindOf(p.who), p.action.allows)
	if len(ways) != 1 {
		return Reach{}
	}
	switch ways[0] {
	case inFacility:
		return Reach{Facility: p.who.Facility, Units: territory.Everywhere()}
	case inBank:
		return Reach{Bank: p.who.Bank, Units: territory.Everywhere()}
	case inUnit:
		return Reach{Units: p.action.policy.land.Area(p.who.Unit)}
	default:
		return Reach{Units: territory.Everywhere()}
	}
}

// In narrows the reach to a unit that somebody asked for, and what lies in it; "" does not narrow.
func (p Pass) In(unit string) Reach {
	reach := p.Reach()
	if unit != "" && p.action != nil {
		reach.Units = reach.Units.And(p.action.policy.land.Area(unit))
	}
	return reach
}

// LiesIn tells whether the caller's own unit lies in another one: an officer of a commune has part in the list of a
// province. Two communes that share out what was one before do not lie in each other.
func (p Pass) LiesIn(unit units.Key) bool {
	if p.action == nil || p.Reach().Units.Empty() {
		return false
	}
	own, found := p.action.policy.land.Find(p.who.Unit)
	return found && p.action.policy.land.Area(unit.Code).Has(own.Key)
}
