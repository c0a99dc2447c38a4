package songan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/testkit"
)

// rule is a line of testdata/authorisation.txt, where it is explained.
type rule struct {
	route string // "GET /accounts/v1/accounts"
	// bounded roles act within their facility, unit or bank; how says what becomes of the rest. free ones act everywhere.
	// provincial ones act where they have no unit, or a province.
	bounded, free, provincial []access.Role
	how                       string
	// public routes find out themselves who calls.
	public bool
}

func (r rule) method() string { method, _, _ := strings.Cut(r.route, " "); return method }
func (r rule) path() string   { _, path, _ := strings.Cut(r.route, " "); return path }
func (r rule) may() []access.Role {
	may := slices.Clone(r.bounded)
	for _, role := range r.free {
		if !slices.Contains(may, role) {
			may = append(may, role)
		}
	}
	return may
}

const (
	rulesFile    = "testdata/authorisation.txt"
	rulesPage    = "../../docs/authorisation.md"
	everybody    = "everybody"
	nobodyNeeded = "nobody-needed"
	pageUpdate   = "SONGAN_TEST_UPDATE_DOCUMENT"
)

// ways are how things are kept from those whose they are not.
func ways() []string { return []string{"own", "hidden", "filtered", "body", "lines", "-"} }

func readRules(t *testing.T) (all []rule) {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		column := strings.Split(line, "|")
		const columns = 4
		if len(column) == columns {
			column = append(column, "")
		}
		if len(column) != columns+1 {
			t.Fatalf("%s: %q has %d columns", rulesFile, line, len(column))
		}
		r := rule{route: strings.TrimSpace(column[0]), how: strings.TrimSpace(column[2]), bounded: rolesIn(t, column[1]), provincial: rolesIn(t, column[4])}
		switch free := strings.TrimSpace(column[3]); free {
		case everybody:
			r.free = access.Roles()
		case nobodyNeeded:
			r.public = true
		default:
			r.free = rolesIn(t, free)
		}
		if !slices.Contains(ways(), r.how) || (r.how == "-") != (len(r.bounded) == 0) || !r.public && len(r.may()) == 0 {
			t.Fatalf("%s: %q says nothing that can be tested", rulesFile, line)
		}
		all = append(all, r)
	}
	return all
}

func rolesIn(t *testing.T, text string) (roles []access.Role) {
	t.Helper()
	for name := range strings.FieldsSeq(text) {
		role := access.Role(name)
		if !role.Known() || slices.Contains(roles, role) {
			t.Fatalf("%s: %q is no role, or stands there twice", rulesFile, name)
		}
		roles = append(roles, role)
	}
	return roles
}

// served are the routes that the running system documents itself.
func (m *machine) served(t *testing.T) (routes []string) {
	t.Helper()
	var state struct{ Services map[string]string }
	testkit.Eventually(t, func() error {
		status, body, err := m.call(t.Context(), http.MethodGet, "/readyz", "", "", nil)
		if err != nil || status != http.StatusOK || json.Unmarshal(body, &state) != nil {
			return fmt.Errorf("readyz: %d %s (%w)", status, body, err)
		}
		return nil
	})
	for _, service := range slices.Sorted(maps.Keys(state.Services)) {
		status, body, err := m.call(t.Context(), http.MethodGet, "/"+service+"/openapi.json", "", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if status != http.StatusOK {
			if !slices.Contains([]string{"idp", "simulators", "songan"}, service) { // which have no API of ours
				t.Errorf("%s has no openapi.json: %d", service, status)
			}
			continue
		}
		var document struct {
			Paths map[string]map[string]json.RawMessage `json:"paths"`
		}
		if err := json.Unmarshal(body, &document); err != nil {
			t.Fatal(err)
		}
		for path, methods := range document.Paths {
			for method := range methods {
				routes = append(routes, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(routes)
	return routes
}

// everyRouteHasARule compares the table with what is served: a new route without a line is a failure, an old line too.
func everyRouteHasARule(t *testing.T, served []string, rules []rule) {
	t.Helper()
	var ruled []string
	for _, r := range rules {
		ruled = append(ruled, r.route)
	}
	slices.Sort(ruled)
	if diff := cmp.Diff(served, ruled); diff != "" {
		t.Errorf("routes (-served +in %s):\n%s", rulesFile, diff)
	}
}

// The page in docs is made of the table.
func TestThePageAboutAuthorisationIsUpToDate(t *testing.T) {
	t.Parallel()
	want := pageOf(readRules(t)) + policiesPage(t)
	if os.Getenv(pageUpdate) != "" {
		const mode = 0o644
		if err := os.WriteFile(rulesPage, []byte(want), mode); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), want); diff != "" {
		t.Errorf("docs/authorisation.md is not what %s says; %s=1 writes it (-have +want):\n%s", rulesFile, pageUpdate, diff)
	}
}

const pageHead = `# Who may do what

<!-- Made from services/songan/testdata/authorisation.txt by TestThePageAboutAuthorisationIsUpToDate. Do not edit:
     change the table, and run the test with SONGAN_TEST_UPDATE_DOCUMENT=1. -->

Nothing is allowed unless a policy permits it. The policies are the files under libs/access/policy/policies and stand with
their reasons at the end of this page; the tables before them say what follows. They are the expectation of a test that asks the running system:
` + "`TestEveryRouteIsForTheRolesInTheTable`" + ` sends every request of the table as every role, within its bounds and from
outside them, without a token, with a wrong one, with one that has expired and with one that was revoked. A route that is
served and has no line here fails the test.

- ● may, within its facility, unit or bank. A province covers its communes.
- ○ may, everywhere.
- ◐ may: within its unit if it has one, everywhere if it has none.
- ◇ may, as an office of the province: one with a commune is refused.
- An empty cell is 403 ` + "`role_not_allowed`" + `.
- No token, a wrong, an expired or a revoked one is 401, for every route and role.

What lies outside the bounds of a ●:

| | |
|---|---|
| own | the route works on what is the caller's own; nothing else can be named |
| hidden | 404, as if it did not exist |
| filtered | it is left out of the answer, also when a filter asks for it |
| body | 422: the unit, or the person, that the body names is not the caller's |
| lines | the batch is taken, and the line is refused |

What signs people in, under ` + "`/auth/v1`" + `, is public: it finds out who calls. So are ` + "`/healthz`, `/readyz`, `/<service>/docs`" + ` and
` + "`/<service>/openapi.json`" + `, which speak of nobody. ` + "`/metrics`" + ` is for administrators, or has an address of its own (SONGAN_METRICS).
Sessions of approvers and treasurers get 403 ` + "`second_factor_required`" + ` everywhere until the second factor was shown.
`

// pageOf writes the table as a page, one section per service and one column per role.
func pageOf(rules []rule) string {
	var page strings.Builder
	page.WriteString(pageHead)
	short := map[access.Role]string{
		access.Facility: "facility", access.FacilityManager: "manager", access.CommunePolice: "police", access.LISAOfficer: "lisa",
		access.Accountant: "accountant", access.Approver: "approver", access.Treasurer: "treasurer", access.Bank: "bank",
		access.Steering: "steering", access.Auditor: "auditor", access.Admin: "admin", access.Service: "service",
	}
	section := ""
	for _, r := range rules {
		service, rest, _ := strings.Cut(strings.TrimPrefix(r.path(), "/"), "/v1")
		if r.public {
			continue
		}
		if service != section {
			section = service
			fmt.Fprintf(&page, "\n## %s\n\n| route | outside the bounds |", service)
			for _, role := range access.Roles() {
				page.WriteString(" " + short[role] + " |")
			}
			page.WriteString("\n|---|---|" + strings.Repeat(":-:|", len(access.Roles())) + "\n")
		}
		fmt.Fprintf(&page, "| `%s %s` | %s |", r.method(), rest, strings.TrimPrefix(r.how, "-"))
		for _, role := range access.Roles() {
			mark := ""
			switch {
			case slices.Contains(r.bounded, role) && slices.Contains(r.free, role):
				mark = "◐"
			case slices.Contains(r.bounded, role):
				mark = "●"
			case slices.Contains(r.provincial, role):
				mark = "◇"
			case slices.Contains(r.free, role):
				mark = "○"
			}
			page.WriteString(" " + mark + " |")
		}
		page.WriteString("\n")
	}
	return page.String()
}
