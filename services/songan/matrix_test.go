package songan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
)

// tokens are those of every role: within the bounds of what the matrix is about, outside of them, expired, revoked, and for
// reading alone.
type tokens struct{ own, other, province, expired, revoked, reading map[access.Role]string }

// hireAll writes an operator's file with keys for every role. Facilities get theirs from the police.
func hireAll(t *testing.T, file string) tokens {
	t.Helper()
	all := tokens{
		map[access.Role]string{},
		map[access.Role]string{},
		map[access.Role]string{},
		map[access.Role]string{},
		map[access.Role]string{},
		map[access.Role]string{},
	}
	var keys []access.Key
	hire := func(role access.Role, unit, bank string) (string, *access.Key) {
		p := access.Principal{Role: role, Unit: unit, Bank: bank, SecondFactor: role == access.Approver || role == access.Treasurer}
		switch role {
		case access.Facility, access.FacilityManager:
			p.Unit, p.Bank, p.Facility = "", "", "nowhere"
		case access.Bank:
			p.Unit = ""
		case access.Service, access.Admin:
			p.Unit, p.Bank = "", ""
		default:
			p.Bank = ""
		}
		token, key := access.Generate(p)
		keys = append(keys, key)
		return token, &keys[len(keys)-1]
	}
	for _, role := range access.Roles() {
		all.own[role], _ = hire(role, ourUnit, "ICBVVNVX")
		all.other[role], _ = hire(role, otherUnit, "BFTVVNVX")
		token, key := hire(role, ourUnit, "ICBVVNVX")
		all.expired[role], key.ExpiresAt = token, time.Now().Add(-time.Minute)
		token, key = hire(role, ourUnit, "ICBVVNVX")
		all.revoked[role], key.Revoked = token, true
		all.province[role], _ = hire(role, map[access.Role]string{access.Treasurer: "01"}[role], "")
		token, key = hire(role, ourUnit, "ICBVVNVX")
		all.reading[role], key.Principal.Scopes = token, "*:read"
	}
	if err := access.WriteKeys(file, keys); err != nil {
		t.Fatal(err)
	}
	return all
}

// Every route is for the roles in the table and for nobody else, within their bounds, and only with a token that is
// good. The table is compared with what is served: no route can be forgotten.
func TestEveryRouteIsForTheRolesInTheTable(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	m := newMachine(t)
	file := filepath.Join(t.TempDir(), "keys.json")
	all := hireAll(t, file)
	m.env = append(m.env, "SONGAN_ACCESS_KEYS="+file, "SONGAN_TRUSTED_PROXIES=127.0.0.0/8")
	m.start(t)
	rules := readRules(t)
	everyRouteHasARule(t, m.served(t), rules)
	everyRouteHasAnAction(t, m.actions(t), rules)
	const people = 30
	o := m.payday(t, "matrix", people)
	o.Out = &bytes.Buffer{}
	if err := payday.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	x := &matrix{machine: m, tokens: all, target: m.targets(t), client: newVisitor(t, m).client}
	for _, r := range rules {
		if r.public {
			x.isPublic(t, r)
			continue
		}
		x.needsAGoodToken(t, r)
		x.isForNobodyElse(t, r)
		x.isBounded(t, r)
		x.isForItsRoles(t, r)
		x.isForOfficesOfTheProvince(t, r)
		x.changesNothingForReaders(t, r)
	}
	t.Logf("%d requests to %d routes", x.sent.Load(), len(rules))
	m.audit(t)
	m.stop(t)
}

// matrix asks a running system.
type matrix struct {
	*machine
	tokens tokens
	target target
	client *http.Client
	sent   atomic.Int64
}

// own is a token of the role within the bounds, other one from elsewhere. The keys that facilities are given are known to
// the service that gives them, and to no other: there, one from the operator's file knocks.
func (x *matrix) own(r rule, role access.Role) string {
	if token := x.target.own(r, role); token != "" {
		return token
	}
	if role == access.Facility && strings.Contains(r.route, "/accommodation/") {
		return x.demo.Actors["hotel"].Token
	}
	return x.tokens.own[role]
}

func (x *matrix) other(r rule, role access.Role) string {
	if token := x.target.others[role]; token != "" {
		return token
	}
	if role == access.Facility && strings.Contains(r.route, "/accommodation/") {
		return x.demo.Actors["hospital"].Token
	}
	return x.tokens.other[role]
}

// ask sends the request of a route with a token, from an address of its own: who fails often has to wait.
func (x *matrix) ask(t *testing.T, r rule, token string) page {
	t.Helper()
	body, known := x.target.bodies[r.route]
	if !known {
		body = struct{}{}
	}
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	n := x.sent.Add(1)
	header := map[string]string{
		"X-Forwarded-For": fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255), "Idempotency-Key": fmt.Sprint("matrix-", n),
	}
	if token != "" {
		header["Authorization"] = "Bearer " + token
	}
	v := &visitor{machine: x.machine, t: t, client: x.client}
	if r.method() == http.MethodGet {
		content = nil
	}
	return v.do(r.method(), x.target.at(t, r), "application/json", string(content), header)
}

// needsAGoodToken shows a route nothing, a guess, and keys that were good once, of every role.
func (x *matrix) needsAGoodToken(t *testing.T, r rule) {
	t.Helper()
	wrong, _ := access.Generate(access.Principal{Role: access.Admin})
	x.refused(t, r, "without a token", x.ask(t, r, ""), http.StatusUnauthorized, "no_credentials")
	x.refused(t, r, "with a wrong token", x.ask(t, r, wrong), http.StatusUnauthorized, "invalid_key")
	id, _, _ := access.Parse(x.tokens.own[r.may()[0]])
	_, secret, _ := access.Parse(wrong)
	x.refused(t, r, "with another's secret", x.ask(t, r, "sa_"+id+"_"+secret), http.StatusUnauthorized, "invalid_key")
	for _, role := range access.Roles() {
		x.refused(t, r, string(role)+" whose key has expired", x.ask(t, r, x.tokens.expired[role]), http.StatusUnauthorized, "key_expired")
		x.refused(t, r, string(role)+" whose key was revoked", x.ask(t, r, x.tokens.revoked[role]), http.StatusUnauthorized, "key_revoked")
	}
}

func (x *matrix) refused(t *testing.T, r rule, who string, got page, status int, code string) {
	t.Helper()
	if got.status != status || got.code() != code {
		t.Errorf("%s, %s: answered %d %s, want %d %s", r.route, who, got.status, got.code(), status, code)
	}
}

// isForNobodyElse asks as every role that the table does not name: nothing is allowed by default.
func (x *matrix) isForNobodyElse(t *testing.T, r rule) {
	t.Helper()
	for _, role := range access.Roles() {
		if slices.Contains(r.may(), role) {
			continue
		}
		x.refused(t, r, string(role), x.ask(t, r, x.own(r, role)), http.StatusForbidden, "role_not_allowed")
		x.refused(t, r, string(role)+" from elsewhere", x.ask(t, r, x.other(r, role)), http.StatusForbidden, "role_not_allowed")
	}
}

// isBounded asks as the right role from another facility or unit.
func (x *matrix) isBounded(t *testing.T, r rule) {
	t.Helper()
	for _, role := range r.bounded {
		got := x.ask(t, r, x.other(r, role))
		who := string(role) + " from elsewhere"
		switch r.how {
		case "own":
			x.through(t, r, who, got)
		case "hidden":
			if got.status != http.StatusNotFound || got.code() == "key_unknown" {
				t.Errorf("%s, %s: answered %d %s, want 404", r.route, who, got.status, got.code())
			}
		case "body":
			if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "unit_not_yours") && !strings.Contains(got.body, "beneficiary_unknown") {
				t.Errorf("%s, %s: answered %d %.200s, want 422 because of the unit", r.route, who, got.status, got.body)
			}
		case "lines":
			if got.status != http.StatusOK || !strings.Contains(got.body, `"accepted":0`) {
				t.Errorf("%s, %s: answered %d %.200s, want a line that is refused", r.route, who, got.status, got.body)
			}
		case "filtered":
			if got.status != http.StatusOK || strings.Contains(got.body, x.target.shows[r.route]) {
				t.Errorf("%s, %s: answered %d %.200s, which is not theirs", r.route, who, got.status, got.body)
			}
		}
	}
}

// isForItsRoles asks as the roles that may: within their bounds, and those without bounds from anywhere.
func (x *matrix) isForItsRoles(t *testing.T, r rule) {
	t.Helper()
	shows := x.target.shows[r.route]
	if (shows == "") == (r.how == "filtered") {
		t.Errorf("%s: the test does not know what the answer shows", r.route)
	}
	for _, role := range r.may() {
		asked := map[string]string{string(role): x.own(r, role)}
		switch free := slices.Contains(r.free, role); {
		case free && slices.Contains(r.bounded, role):
			asked[string(role)+" without a unit"] = x.tokens.province[role]
		case free:
			asked[string(role)+" from elsewhere"] = x.other(r, role)
		}
		for who, token := range asked {
			got := x.ask(t, r, token)
			x.through(t, r, who, got)
			if !strings.Contains(got.body, shows) {
				t.Errorf("%s, %s: %.200s does not show what it has to", r.route, who, got.body)
			}
		}
	}
}

// isForOfficesOfTheProvince asks as those; that the same roles are refused with a commune is asked in isForNobodyElse.
func (x *matrix) isForOfficesOfTheProvince(t *testing.T, r rule) {
	t.Helper()
	for _, role := range r.provincial {
		got := x.ask(t, r, x.tokens.province[role])
		x.through(t, r, string(role)+" of the province", got)
		if !strings.Contains(got.body, x.target.shows[r.route]) {
			t.Errorf("%s, %s of the province: %.200s does not show what it has to", r.route, role, got.body)
		}
	}
}

// changesNothingForReaders asks as the roles that may, with keys that are for reading alone.
func (x *matrix) changesNothingForReaders(t *testing.T, r rule) {
	t.Helper()
	if r.method() == http.MethodGet || slices.Contains(questions(), r.route) {
		return
	}
	for _, role := range r.may() {
		x.refused(t, r, string(role)+" who may only read", x.ask(t, r, x.tokens.reading[role]), http.StatusForbidden, "scope_not_allowed")
	}
}

// questions are the routes that change nothing and are no GET, because what is asked must not stand in a URL.
func questions() []string {
	return []string{
		"POST /accommodation/v1/lookups", "POST /accommodation/v1/scan", "POST /accommodation/v1/persons",
		"POST /accounts/v1/persons", "POST /accounts/v1/profiles", "POST /disbursement/v1/needs",
		"POST /disbursement/v1/subject-reports", "POST /bankgateway/v1/subject-reports",
	}
}

// through tells whether a request came as far as what it is about.
func (x *matrix) through(t *testing.T, r rule, who string, got page) {
	t.Helper()
	// There is nothing in quarantine, who comes second finds the key revoked, and a checkpoint takes a moment: that it is
	// looked for is enough.
	if slices.Contains([]string{"quarantine_item_unknown", "projection_unknown", "key_unknown", "request_unknown", "proof_pending", "session_unknown"}, got.code()) {
		return
	}
	if got.status >= http.StatusInternalServerError || slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, got.status) {
		t.Errorf("%s, %s: answered %d %s, want to be let through", r.route, who, got.status, got.code())
	}
}

// isPublic asks without a token: the route answers for itself, and a token that is wrong changes nothing.
func (x *matrix) isPublic(t *testing.T, r rule) {
	t.Helper()
	for _, token := range []string{"", x.tokens.revoked[access.Admin]} {
		got := x.ask(t, r, token)
		signedIn := slices.Contains([]string{"not_signed_in", "sign_in_not_begun"}, got.code())
		if got.status != http.StatusFound && (got.status != http.StatusUnauthorized || !signedIn) {
			t.Errorf("%s: answered %d %s", r.route, got.status, got.code())
		}
	}
}
