// Package policy decides who may do what. The rules are the Cedar files under policies/, which need no programmer to be
// read; this package asks them, and nothing else decides.
//
//  1. Nothing is allowed unless a policy permits it, and a forbid wins over every permit. A policy that cannot be
//     evaluated is a refusal, whatever the others say.
//  2. Every operation has an [Action]. It is asked twice: before anything is read, whether the caller may do such a thing
//     at all ([Action.Admit]); and with what it is about, as soon as that is known ([Pass.May]).
//  3. "At all" means: with a thing of their own. So both questions are put to the same policies, and the first says no only
//     where the second could never say yes.
//  4. Lists are filtered in SQL by what the same policies say ([Pass.Reach]): they are asked about a thing that lies in
//     nothing, in the caller's unit, in their facility, in their bank. For that, policies speak of relations ("in
//     principal.unit") and never name a place, and nobody is bounded in two ways at once; [Read] refuses what is not so.
//  5. Because of 4 the answer to the first question depends on a caller's role and on which bounds they have, not on who
//     they are: it is remembered, to the minute, since a policy may speak of the time.
package policy

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cedar-policy/cedar-go"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/territory"
	"github.com/songan-vn/songan/libs/vn/units"
)

//go:embed policies/*.cedar policies/schema.cedarschema
var embedded embed.FS

// Files are the policies and their schema, as they come with the program.
func Files() fs.FS { return embedded }

// Options is what policies depend on besides their text.
type Options struct {
	Units *units.Directory
	Now   func() time.Time
}

// Policy is the one set of policies.
type Policy struct {
	now     func() time.Time
	land    *territory.Map
	actions map[string]*Action
	rules   []Rule
}

// Rule is a policy as a page shows it.
type Rule struct {
	ID, Why, File, Text string
	Forbids             bool
}

// Load reads the policies that come with the program.
func Load(o Options) (*Policy, error) {
	p, err := ours()
	if err != nil {
		return nil, err
	}
	return p.with(o), nil
}

// ours are checked once in a process, which takes some hundredths of a second; what depends on options is not in them.
var ours = sync.OnceValues(func() (*Policy, error) { return read(Files()) }) //nolint:gochecknoglobals // read once, never written

// Read reads the policies of a directory "policies" and refuses what is wrong with them: see rules 1 to 4.
func Read(files fs.FS, o Options) (*Policy, error) {
	p, err := read(files)
	if err != nil {
		return nil, err
	}
	return p.with(o), nil
}

// with is the same policies with answers of their own.
func (p *Policy) with(o Options) *Policy {
	next := &Policy{now: o.Now, land: territory.New(o.Units, o.Now), actions: make(map[string]*Action, len(p.actions)), rules: p.rules}
	for name, a := range p.actions {
		next.actions[name] = &Action{policy: next, name: name, uid: a.uid, groups: a.groups, rules: a.rules, roles: a.roles}
	}
	return next
}

func read(files fs.FS) (*Policy, error) {
	schema, err := readSchema(files)
	if err != nil {
		return nil, err
	}
	written, err := readPolicies(files, schema)
	if err != nil {
		return nil, err
	}
	p := &Policy{actions: map[string]*Action{}}
	for _, w := range written {
		p.rules = append(p.rules, w.rule)
	}
	for uid, declared := range schema.Actions {
		if declared.AppliesTo == nil {
			continue // a group
		}
		a := newAction(p, uid, schema)
		for _, w := range written {
			if w.speaksOf(uid, a.groups) {
				a.rules = append(a.rules, w.policy)
			}
		}
		p.actions[string(uid.ID)] = a
	}
	return p, p.check()
}

// check refuses policies by which somebody could do a thing, and no list could be filtered for them.
func (p *Policy) check() error {
	for _, name := range p.Actions() {
		a := p.actions[name]
		if err := a.check(); err != nil {
			return err
		}
		for k := range kinds() {
			if !a.ask(k.mine().question(time.Time{})) {
				continue
			}
			if ways := bounds(k, func(k kind) bool { return a.ask(k.question(time.Time{})) }); len(ways) != 1 {
				return fmt.Errorf("check policies: %s, for the role %s, is bounded in %d ways at once; no list can be filtered by that", name, k.role, len(ways))
			}
			if !slices.Contains(a.roles, k.role) {
				a.roles = append(a.roles, k.role)
			}
		}
	}
	return nil
}

func (a *Action) check() error {
	if len(a.rules) == 0 {
		return fmt.Errorf("check policies: nobody may ever do %s", a.name)
	}
	if a.in(groupRead) == a.in(groupWrite) {
		return fmt.Errorf("check policies: %s lies in none, or in several, of the groups of reading and writing", a.name)
	}
	return nil
}

// Actions lists the names of all actions.
func (p *Policy) Actions() []string { return slices.Sorted(maps.Keys(p.actions)) }

// Action returns what a name in the schema stands for.
func (p *Policy) Action(name string) (*Action, bool) {
	a, known := p.actions[name]
	return a, known
}

// Rules lists the policies in the order of their files.
func (p *Policy) Rules() []Rule { return slices.Clone(p.rules) }

// Action is one thing that may be done.
type Action struct {
	policy *Policy
	name   string
	uid    cedar.EntityUID
	groups []cedar.EntityUID
	// rules are the policies that speak of it. The others cannot say anything about it.
	rules rules
	// roles may do it at all.
	roles []access.Role

	// answers are those of this minute.
	answers remembered
}

// Name is the action's name in the schema.
func (a *Action) Name() string { return a.name }

// How the groups of actions end that only read, and that change something. Every action is in one of them.
const (
	groupRead  = ".read"
	groupWrite = ".write"
)

// Changes tells whether the action changes something: a key that is for reading alone does not do it, by whatever kind of
// request.
func (a *Action) Changes() bool { return a.in(groupWrite) }

func (a *Action) in(kind string) bool {
	return slices.ContainsFunc(a.groups, func(g cedar.EntityUID) bool { return strings.HasSuffix(string(g.ID), kind) })
}
