// Package evening plans an evening of a province: which facilities there are, who checks in where and when, and what
// must come of every single check-in. It plays nothing and asks nobody.
//
//  1. An evening follows from its seed and its name. The same two give the same people at the same front desks, so a
//     difference can be played again; another name is an evening of other people in the same facilities.
//  2. Everybody's outcome is known beforehand: accepted or refused with which code, late or in time, and what the
//     population database will say.
//  3. Guests arrive as they do in reality: a quiet afternoon, a rise towards dinner, and a wave before 23:00, when
//     front desks enter what they put off.
//  4. What depends on another act (a child on its mother's notice, a repeat on the first attempt) names it, and never
//     stands before it in the list.
package evening

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/crowd"
)

// Options say which evening to plan.
type Options struct {
	// Seed chooses the facilities, Name the people who come this time. See [LongestName].
	Seed uint64
	Name string
	// Facilities and CheckIns are how many there are.
	Facilities, CheckIns int
	// Over is how long the evening takes.
	Over  time.Duration
	Today vn.Date
	// Register is where the guests live, Communes where the facilities stand.
	Register *people.Register
	Communes []units.Unit
}

// LongestName is how many characters the name of an evening may have: it is part of keys and marks, which have limits.
const LongestName = 24

// Evening is a plan.
type Evening struct {
	Facilities []people.Facility
	// Guests are all who check in, by their number.
	Guests []*Guest
	// Acts are what the front desks do, in the order of time.
	Acts []*Act
}

// Verb is what a front desk does.
type Verb string

// The verbs.
const (
	Notify     Verb = "notify"
	NotifyMany Verb = "notify many" // one request, a line per guest
	Repeat     Verb = "repeat"      // the same request again, with the same key
	Depart     Verb = "depart"
	Extend     Verb = "extend"
	Move       Verb = "move" // to another room
	Correct    Verb = "correct"
	Cancel     Verb = "cancel"
)

// Act is something that a front desk does.
type Act struct {
	// At is when, since the beginning of the evening.
	At   time.Duration
	Verb Verb
	// Facility is the number of the facility that does it.
	Facility int
	// Guests are those it concerns: many for NotifyMany, one for all other verbs.
	Guests []*Guest
	// Key is the idempotency key.
	Key string
	// After is the act that has to be answered first.
	After *Act
	// Code is why a change is refused; empty when it is not. For guests, see [Outcome].
	Code string
}

// Plan plans an evening.
func Plan(o Options) Evening {
	p := &planner{Options: o, dice: rand.New(rand.NewPCG(o.Seed, crowd.Hash(o.Name)))}
	p.facilities()
	p.crowd = crowd.New(crowd.Options{Seed: o.Seed, Name: o.Name, Register: o.Register, Today: o.Today}, p.dice)
	parties := p.parties()
	p.dice.Shuffle(len(parties), func(i, j int) { parties[i], parties[j] = parties[j], parties[i] })
	for i, party := range parties {
		p.schedule(party, rhythm(2*i+1, 2*len(parties), o.Over))
	}
	slices.SortStableFunc(p.evening.Acts, func(a, b *Act) int { return cmp.Compare(a.At, b.At) })
	return p.evening
}

// planner is a plan in the making.
type planner struct {
	Options

	dice    *rand.Rand
	crowd   *crowd.Crowd
	evening Evening
	byKind  map[people.Kind]*beds
	spoiled int // how many were entered wrongly so far
}

// schedule sets the times of a party's acts: who comes together stands at the desk together, changes come later.
func (p *planner) schedule(party []*Act, at time.Duration) {
	const nextAtDesk = 20 * time.Millisecond
	for _, act := range party {
		entered := act.Verb == Notify && act.Guests[0].Want.Code != reused
		switch {
		case act.After == nil:
			act.At = at
		case entered:
			act.At = act.After.At + nextAtDesk
		default: // after 10 to 70 minutes of an evening of nine hours
			act.At = act.After.At + p.Over/54 + time.Duration(p.dice.Int64N(int64(p.Over/9)+1))
		}
		p.evening.Acts = append(p.evening.Acts, act)
	}
}

// key names a request of this evening.
func (p *planner) key(format string, args ...any) string {
	return fmt.Sprintf("demo-%d-%s-", p.Seed, p.Name) + fmt.Sprintf(format, args...)
}

// oneIn is true once in n throws.
func (p *planner) oneIn(n int) bool { return p.dice.IntN(n) == 0 }

// between returns a number from least to most, both included.
func (p *planner) between(least, most int) int { return least + p.dice.IntN(most-least+1) }
