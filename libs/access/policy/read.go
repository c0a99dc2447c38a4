package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/songan-vn/songan/libs/access"
)

// The types of the schema.
const (
	typeAction   = "Action"
	typeRole     = "Role"
	typeUnit     = "Unit"
	typeFacility = "Facility"
	typeBank     = "Bank"
	typeCaller   = "Caller"
	typeThing    = "Thing"
)

func readSchema(files fs.FS) (*resolved.Schema, error) {
	const name = "policies/schema.cedarschema"
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read schema of policies: %w", err)
	}
	var s schema.Schema
	s.SetFilename(name)
	if err := s.UnmarshalCedar(text); err != nil {
		return nil, fmt.Errorf("read schema of policies: %w", err)
	}
	found, err := s.Resolve()
	if err != nil {
		return nil, fmt.Errorf("read schema of policies: %w", err)
	}
	return found, nil
}

// written is a policy as it stands in a file.
type written struct {
	rule   Rule
	policy *cedar.Policy
	ast    *ast.Policy
}

// readPolicies reads all files and says everything that is wrong with them.
func readPolicies(files fs.FS, s *resolved.Schema) (all []written, err error) {
	names, err := fs.Glob(files, "policies/*.cedar")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("read policies: none found: %w", err)
	}
	valid := validate.New(s, validate.WithStrict())
	var faults []error
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read policies: %w", err)
		}
		list, err := cedar.NewPolicyListFromBytes(name, text)
		if err != nil {
			return nil, fmt.Errorf("read policies: %s: %w", name, err)
		}
		for _, p := range list {
			w := newWritten(name, string(text), p)
			if err := errors.Join(w.alone(all), w.check(), valid.Policy(w.rule.ID, w.ast)); err != nil {
				faults = append(faults, fmt.Errorf("%s line %d: policy %q: %w", name, p.Position().Line, w.rule.ID, err))
			}
			all = append(all, w)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("check policies: %w", err)
	}
	return all, nil
}

// alone refuses a name that another policy has.
func (w written) alone(others []written) error {
	if slices.ContainsFunc(others, func(other written) bool { return other.rule.ID == w.rule.ID }) {
		return fmt.Errorf("two policies are called %q", w.rule.ID)
	}
	return nil
}

func newWritten(file, text string, p *cedar.Policy) written {
	note := p.Annotations()
	w := written{policy: p, ast: (*ast.Policy)(p.AST()), rule: Rule{
		ID: string(note["id"]), Why: string(note["why"]), File: strings.TrimPrefix(file, "policies/"), Forbids: p.Effect() == cedar.Forbid,
	}}
	w.rule.Text = statement(text[p.Position().Offset:])
	return w
}

// statement is the text up to the semicolon that ends it: one that stands in no string.
func statement(text string) string {
	quoted := false
	for i, c := range text {
		switch {
		case c == '"' && (i == 0 || text[i-1] != '\\'):
			quoted = !quoted
		case c == ';' && !quoted:
			return text[:i+1]
		}
	}
	return text
}

// check says what the schema cannot: every policy has a name and a reason, and none names a place or a role that is none.
func (w written) check() error {
	if w.rule.ID == "" || w.rule.Why == "" {
		return errors.New("has no @id or no @why")
	}
	var faults []error
	see := func(uid cedar.EntityUID) {
		switch {
		case uid.Type == typeRole && !access.Role(uid.ID).Known():
			faults = append(faults, fmt.Errorf("there is no role %q", uid.ID))
		case uid.Type != typeRole && uid.Type != typeAction:
			faults = append(faults, fmt.Errorf("names %s: a policy speaks of relations, such as principal.unit", uid))
		}
	}
	eachEntity(w.ast, see)
	return errors.Join(faults...)
}

// eachEntity runs through what a policy names.
func eachEntity(p *ast.Policy, see func(cedar.EntityUID)) {
	for _, scope := range []ast.IsScopeNode{p.Principal, p.Action, p.Resource} {
		for _, uid := range named(scope) {
			see(uid)
		}
	}
	for _, condition := range p.Conditions {
		ast.Inspect(ast.NewNode(condition.Body), func(n ast.IsNode) bool {
			if value, ok := n.(ast.NodeValue); ok {
				if uid, ok := value.Value.(cedar.EntityUID); ok {
					see(uid)
				}
			}
			return true
		})
	}
}

func named(scope ast.IsScopeNode) []cedar.EntityUID {
	switch s := scope.(type) {
	case ast.ScopeTypeEq:
		return []cedar.EntityUID{s.Entity}
	case ast.ScopeTypeIn:
		return []cedar.EntityUID{s.Entity}
	case ast.ScopeTypeInSet:
		return s.Entities
	case ast.ScopeTypeIsIn:
		return []cedar.EntityUID{s.Entity}
	}
	return nil
}

// speaksOf tells whether a policy can say anything about an action. Leaving out the others is all that makes asking cheap.
func (w written) speaksOf(action cedar.EntityUID, groups []cedar.EntityUID) bool {
	if _, all := w.ast.Action.(ast.ScopeTypeAll); all {
		return true
	}
	_, exactly := w.ast.Action.(ast.ScopeTypeEq)
	for _, uid := range named(w.ast.Action) {
		if uid == action || !exactly && slices.Contains(groups, uid) {
			return true
		}
	}
	return false
}
