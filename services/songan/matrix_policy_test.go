package songan_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/vn/units"
)

// asked are actions that no operation has: programs ask them inside of one.
func asked() []string { return []string{"accounts.read_people"} }

func policies(t *testing.T) *policy.Policy {
	t.Helper()
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Load(policy.Options{Units: directory, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// actions are those that the running system documents itself, by route.
func (m *machine) actions(t *testing.T) map[string]string {
	t.Helper()
	found, seen := map[string]string{}, map[string]bool{}
	for _, route := range m.served(t) {
		method, path, _ := strings.Cut(route, " ")
		service, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if seen[service] {
			continue
		}
		seen[service] = true
		_, body, err := m.call(t.Context(), http.MethodGet, "/"+service+"/openapi.json", "", "", nil)
		var document struct {
			Paths map[string]map[string]struct {
				Action string `json:"x-songan-action"`
			} `json:"paths"`
		}
		if err != nil || json.Unmarshal(body, &document) != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		for path, methods := range document.Paths {
			for method, operation := range methods {
				found[strings.ToUpper(method)+" "+path] = operation.Action
			}
		}
	}
	return found
}

// everyRouteHasAnAction compares three things that were written apart: what is served, the policies, and the table.
func everyRouteHasAnAction(t *testing.T, actions map[string]string, rules []rule) {
	t.Helper()
	p := policies(t)
	used := asked()
	for _, r := range rules {
		action, known := p.Action(actions[r.route])
		if r.public != !known {
			t.Errorf("%s: public is %t, and its action is %q", r.route, r.public, actions[r.route])
		}
		if !known {
			continue
		}
		used = append(used, action.Name())
		for _, role := range access.Roles() {
			if want, got := r.bounds(role), boundsOf(action, role); want != got {
				t.Errorf("%s (%s), %s: the table says %q, the policies %q", r.route, action.Name(), role, want, got)
			}
		}
	}
	for _, name := range p.Actions() {
		if !slices.Contains(used, name) {
			t.Errorf("no operation does %s", name)
		}
	}
}

// bounds are what the table says of a role with everything that can bound it, and of the same as an office of the province.
func (r rule) bounds(role access.Role) string {
	bounded, free := slices.Contains(r.bounded, role), slices.Contains(r.free, role)
	switch {
	case slices.Contains(r.provincial, role):
		return "refused, everywhere"
	case bounded && free:
		return "bounded, everywhere"
	case bounded:
		return "bounded"
	case free:
		return "everywhere"
	}
	return "refused"
}

func boundsOf(a *policy.Action, role access.Role) string {
	own := access.Principal{Role: role, Unit: ourUnit, Facility: "F", Bank: "ICBVVNVX", SecondFactor: true}
	province := own
	province.Unit = map[access.Role]string{access.Treasurer: "01"}[role]
	at := func(p access.Principal) string {
		reach := a.Pass(p).Reach()
		units, _ := reach.Units.Columns()
		switch {
		case a.Admit(p) != nil:
			return "refused"
		case reach.Facility != "" || reach.Bank != "" || units != nil:
			return "bounded"
		}
		return "everywhere"
	}
	first := at(own)
	if second := at(province); second != first && second == "everywhere" {
		return first + ", " + second
	}
	return first
}

// policiesPage is the part of the page that shows the policies.
func policiesPage(t *testing.T) string {
	t.Helper()
	var page strings.Builder
	page.WriteString("\n# The policies\n\nA `forbid` wins over every `permit`. Their schema, with the meaning of every word, is " +
		"libs/access/policy/policies/schema.cedarschema.\n")
	rules := policies(t).Rules()
	slices.SortStableFunc(rules, func(a, b policy.Rule) int { return cmp.Compare(a.File, b.File) })
	file := ""
	for _, r := range rules {
		if r.File != file {
			file = r.File
			fmt.Fprintf(&page, "\n## %s\n", file)
		}
		_, body, _ := strings.Cut(r.Text, "@why(")
		_, body, _ = strings.Cut(body, "\n")
		fmt.Fprintf(&page, "\n**%s.** %s\n\n```cedar\n%s\n```\n", r.ID, r.Why, body)
	}
	return page.String()
}
