package songan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vn"
)

// target is what the matrix's requests are about: everything of the hotel, or of its commune.
type target struct {
	// ids are by the part of the path before them; those of one service begin with its name.
	ids    map[string]string
	bodies map[string]any
	// query is what lists are asked for by, as an attacker would, and shows what an answer has that may show it.
	query, shows map[string]string
	// managers and banks are tokens of who is bounded by what was made here: by the part of the path that it is about. Those
	// of others are by role.
	managers map[string]string
	bank     string
	others   map[access.Role]string
}

// own is the token of somebody whose the target is, of those that can only be made once it exists.
func (g target) own(r rule, role access.Role) string {
	switch {
	case role == access.FacilityManager && strings.Contains(r.route, "/keys"):
		return g.managers["keys"]
	case role == access.FacilityManager:
		return g.managers["notices"]
	case role == access.Bank:
		return g.bank
	}
	return ""
}

// give has the admin give a key to a program.
func (m *machine) give(t *testing.T, holder string, key map[string]any) string {
	t.Helper()
	key["holder"] = holder
	return m.make(t, "admin", "/access/v1/keys", key)["token"]
}

// hire adds a key to the operators' file, for a role whose keys no administrator gives out.
func (m *machine) hire(t *testing.T, p access.Principal) string {
	t.Helper()
	var file string
	for _, variable := range m.env {
		if name, value, _ := strings.Cut(variable, "="); name == "SONGAN_ACCESS_KEYS" {
			file = value
		}
	}
	ring, err := access.ReadKeys(file)
	if err != nil {
		t.Fatal(err)
	}
	token, key := access.Generate(p)
	ring[key.ID] = key
	if err := access.WriteKeys(file, slices.Collect(maps.Values(ring))); err != nil {
		t.Fatal(err)
	}
	written := time.Now()
	testkit.Eventually(t, func() error { // asking with it too early would be a guess, and counted
		if time.Since(written) < 2*time.Second {
			return errors.New("the file is looked at once a second")
		}
		return nil
	})
	return token
}

const (
	ourUnit   = "00004"
	otherUnit = "00008"
)

// targets finds, or makes, something of every kind in the demo's first commune, after a payday.
func (m *machine) targets(t *testing.T) target {
	t.Helper()
	police := func(path string, body any) map[string]string {
		return m.make(t, "police", "/accommodation/v1"+path, body)
	}
	place := police("/facilities", map[string]any{"name": "Nhà nghỉ", "kind": "tourist", "unit": ourUnit, "address": "1 phố Trấn Vũ"})
	key := police("/facilities/"+place["id"]+"/keys", struct{}{})
	notice := m.make(t, "hotel", "/accommodation/v1/notices", stay(1, time.Now()))
	first := func(path string) map[string]any { return m.first(t, path, "lisa") }
	beneficiary := first("/accounts/v1/beneficiaries?unit=" + ourUnit)["id"].(string)
	account := first("/accounts/v1/accounts?status=active&unit=" + ourUnit)
	payroll := first("/disbursement/v1/payrolls")["id"].(string)
	enrolment := first("/disbursement/v1/enrolments")
	payment := first("/disbursement/v1/payments?status=credited")
	ids := map[string]string{
		"facilities": place["id"], "keys": key["key"], "notices": notice["id"], "beneficiaries": beneficiary,
		"issuances": first("/accounts/v1/issuances?unit=" + ourUnit)["id"].(string), "accounts": account["id"].(string),
		"banks": "BIDVVNVX", "enrolments": enrolment["id"].(string), "enrolled": enrolment["beneficiary"].(string),
		"entitlements": beneficiary, "payrolls": payroll, "reconciliations": payroll, "payments": payment["id"].(string),
		"instructions": payment["end_to_end_id"].(string), "lines": first("/disbursement/v1/payrolls/" + payroll + "/lines")["id"].(string),
		"quarantine": nothing, "projections": nothing, "subject-requests": nothing,
		"people": nothing, "sessions": "01936d4e-0000-7000-8000-000000000000",
	}
	g := target{ids: ids, bodies: bodies(ids), query: queries(ids), shows: shown(ids, m.demo.Actors["hotel"].Facility)}
	bank := payment["bank"].(string)
	elsewhere := map[string]string{"ICBVVNVX": "BFTVVNVX"}[bank]
	if elsewhere == "" {
		elsewhere = "ICBVVNVX"
	}
	hospital := m.demo.Actors["hospital"].Facility
	g.managers = map[string]string{
		"keys":    m.hire(t, access.Principal{Role: access.FacilityManager, Facility: place["id"]}),
		"notices": m.hire(t, access.Principal{Role: access.FacilityManager, Facility: m.demo.Actors["hotel"].Facility}),
	}
	g.bank = m.give(t, "bank-of-payment", map[string]any{"role": "bank", "bank": bank})
	g.others = map[access.Role]string{
		access.FacilityManager: m.hire(t, access.Principal{Role: access.FacilityManager, Facility: hospital}),
		access.Bank:            m.give(t, "another-bank", map[string]any{"role": "bank", "bank": elsewhere}),
	}
	g.shows["GET /bankgateway/v1/banks"] = `"bank":"` + bank + `"`
	_, cashless, _ := m.call(t.Context(), http.MethodGet, "/disbursement/v1/cashless?unit="+ourUnit, "lisa", "", nil)
	g.shows["GET /disbursement/v1/cashless"], _, _ = strings.Cut(string(cashless), `,"share"`)
	return g
}

// nothing is an id of nothing: that it is looked for shows that the caller may.
const nothing = "999999"

// make has an actor create something, and returns what is said of it in words.
func (m *machine) make(t *testing.T, actor, path string, body any) map[string]string {
	t.Helper()
	status, answer, err := m.call(t.Context(), http.MethodPost, path, actor, fmt.Sprint("make-", time.Now().UnixNano()), body)
	var made map[string]any
	if err != nil || status != http.StatusCreated || json.Unmarshal(answer, &made) != nil {
		t.Fatalf("%s: %d %s %v", path, status, answer, err)
	}
	words := map[string]string{}
	for name, value := range made {
		if word, ok := value.(string); ok {
			words[name] = word
		}
	}
	return words
}

// first is the first thing in a list.
func (m *machine) first(t *testing.T, path, actor string) map[string]any {
	t.Helper()
	status, answer, err := m.call(t.Context(), http.MethodGet, path, actor, "", nil)
	var list struct{ Items []map[string]any }
	if err != nil || status != http.StatusOK || json.Unmarshal(answer, &list) != nil || len(list.Items) == 0 {
		t.Fatalf("%s: %d %.300s %v", path, status, answer, err)
	}
	return list.Items[0]
}

// bodies are what is sent, by route. A route that is not here sends {}.
func bodies(ids map[string]string) map[string]any {
	person := func(n int) map[string]any {
		return map[string]any{
			"full_name": "Nguyễn Văn An", "birth_date": "1950-01-15", "sex": "male",
			"document":  map[string]any{"type": "citizen_id", "number": fmt.Sprintf("001050%06d", n)},
			"residence": map[string]any{"text": "Ba Đình", "unit": ourUnit},
		}
	}
	reason := map[string]any{"reason": "kiểm tra"}
	month := vn.DateOf(time.Now()).String()[:len("2026-11")]
	beneficiary := map[string]any{"person": person(1), "file_number": "MT-1", "unit": ourUnit}
	enrolment := map[string]any{
		"beneficiary": ids["beneficiaries"], "programme": "social_pension", "category": "age_75",
		"decision": map[string]any{"number": "1/QĐ", "signed_on": month + "-01"},
	}
	persons := map[string]any{"refs": []string{"01936d4e-0000-7000-8000-000000000000"}, "purpose": "test", "case": "matrix"}
	guest := stay(2, time.Now())["guest"]
	aboutMe := map[string]any{"kind": "access", "case": "matrix-1", "document": "001090000002"}
	keys := map[string]any{"kind": "access", "case": "matrix-1", "own": []string{ids["beneficiaries"]}, "mentions": []string{}, "refs": []string{}}
	return map[string]any{
		"POST /accommodation/v1/notices":                        stay(3, time.Now()),
		"POST /accommodation/v1/notices/batch":                  []any{stay(4, time.Now())},
		"POST /accommodation/v1/notices/{id}/departure":         map[string]any{"departed_at": time.Now().Format(time.RFC3339)},
		"POST /accommodation/v1/notices/{id}/extension":         map[string]any{"expected_departure": vn.DateOf(time.Now()).AddDays(2).String()},
		"POST /accommodation/v1/notices/{id}/room":              map[string]any{"room": "202"},
		"POST /accommodation/v1/notices/{id}/correction":        map[string]any{"guest": guest, "reason": "nhầm"},
		"POST /accommodation/v1/notices/{id}/cancellation":      reason,
		"POST /accommodation/v1/lookups":                        map[string]any{"document": map[string]any{"type": "citizen_id", "number": "001090000002"}, "purpose": "test", "case": "matrix"},
		"POST /accommodation/v1/scan":                           map[string]any{"text": "001090000001"},
		"POST /accommodation/v1/persons":                        persons,
		"POST /accommodation/v1/facilities":                     map[string]any{"name": "Nhà trọ", "kind": "tourist", "unit": ourUnit, "address": "2 phố Trấn Vũ"},
		"POST /accommodation/v1/facilities/{id}/suspension":     reason,
		"POST /accommodation/v1/facilities/{id}/reinstatement":  reason,
		"POST /accommodation/v1/subject-requests":               aboutMe,
		"POST /accounts/v1/subject-requests":                    aboutMe,
		"POST /disbursement/v1/subject-reports":                 keys,
		"POST /bankgateway/v1/subject-reports":                  keys,
		"POST /accounts/v1/beneficiaries":                       beneficiary,
		"POST /accounts/v1/beneficiaries/batch":                 []any{beneficiary},
		"POST /accounts/v1/beneficiaries/{id}/correction":       map[string]any{"person": person(2), "reason": "nhầm"},
		"POST /accounts/v1/beneficiaries/{id}/death":            map[string]any{"date": month + "-01", "source": "family"},
		"POST /accounts/v1/beneficiaries/{id}/death/dismissal":  reason,
		"POST /accounts/v1/beneficiaries/{id}/death/revocation": map[string]any{"document": "118/TP-HT", "reason": "kiểm tra"},
		"POST /accounts/v1/persons":                             persons,
		"POST /disbursement/v1/needs":                           map[string]any{"beneficiaries": []string{ids["beneficiaries"]}},
		"POST /accounts/v1/profiles":                            map[string]any{"beneficiaries": []string{ids["beneficiaries"]}, "purpose": "test", "case": "matrix"},
		"POST /accounts/v1/issuances":                           map[string]any{"unit": ourUnit, "bank": "ICBVVNVX", "beneficiaries": []string{ids["beneficiaries"]}},
		"POST /accounts/v1/issuances/{id}/rejection":            reason,
		"POST /accounts/v1/accounts/{id}/suspension":            reason,
		"POST /accounts/v1/accounts/{id}/confirmation":          reason,
		"POST /accounts/v1/accounts/{id}/block":                 reason,
		"POST /accounts/v1/accounts/{id}/reinstatement":         reason,
		"POST /accounts/v1/accounts/{id}/closure":               reason,
		"POST /accounts/v1/accounts/{id}/replacement":           map[string]any{"bank": "BFTVVNVX", "reason": "kiểm tra"},
		"POST /bankgateway/v1/banks/{bic}/pause":                reason,
		"POST /disbursement/v1/enrolments":                      enrolment,
		"POST /disbursement/v1/enrolments/batch":                []any{enrolment},
		"POST /disbursement/v1/enrolments/{id}/suspension":      map[string]any{"from_month": month, "reason": "kiểm tra"},
		"POST /disbursement/v1/enrolments/{id}/resumption":      map[string]any{"from_month": month},
		"POST /disbursement/v1/enrolments/{id}/stop":            map[string]any{"from_month": month, "reason": "kiểm tra"},
		"POST /disbursement/v1/payrolls":                        map[string]any{"unit": ourUnit, "programme": "social_pension", "month": month},
		"POST /disbursement/v1/payrolls/{id}/rejection":         reason,
		"POST /disbursement/v1/payrolls/{id}/funding":           map[string]any{"amount": 1, "reference": "KB-1"},
		"POST /disbursement/v1/payments/{id}/cash":              map[string]any{"collected_on": month + "-01", "receipt": "PC-1"},
		"POST /access/v1/keys":                                  map[string]any{"holder": "robot", "role": "auditor", "scopes": "accounts:read"},
		"POST /disbursement/v1/payments/{id}/recall":            map[string]any{"reason": "DUPL"},
	}
}

// queries are what routes are asked with. Lists are asked for exactly what others must not see.
func queries(ids map[string]string) map[string]string {
	month := vn.DateOf(time.Now()).String()[:len("2026-11")]
	return map[string]string{
		"GET /accommodation/v1/notices":                   "?limit=200&unit=" + ourUnit,
		"GET /accommodation/v1/statistics":                "?by=facility&unit=" + ourUnit,
		"GET /accommodation/v1/facilities":                "?limit=200",
		"GET /accounts/v1/beneficiaries":                  "?limit=200&unit=" + ourUnit,
		"GET /accounts/v1/issuances":                      "?limit=200&unit=" + ourUnit,
		"GET /accounts/v1/accounts":                       "?limit=200&beneficiary=&unit=" + ourUnit,
		"GET /disbursement/v1/entitlements/{beneficiary}": "?month=" + month,
		"GET /disbursement/v1/enrolments":                 "?limit=200&beneficiary=" + ids["enrolled"],
		"GET /disbursement/v1/payrolls":                   "?limit=200&unit=" + ourUnit,
		"GET /disbursement/v1/payments":                   "?limit=200&payroll=" + ids["payrolls"],
		"GET /disbursement/v1/cashless":                   "?unit=" + ourUnit,
		"GET /disbursement/v1/ledger/accounts":            "?payroll=" + ids["payrolls"],
		"GET /disbursement/v1/ledger/entries":             "?payroll=" + ids["payrolls"],
	}
}

// shown is what stands in an answer to who may see it.
func shown(ids map[string]string, hotel string) map[string]string {
	return map[string]string{
		"GET /accommodation/v1/notices":        ids["notices"],
		"GET /accommodation/v1/statistics":     hotel,
		"POST /accommodation/v1/lookups":       ids["notices"],
		"GET /accommodation/v1/facilities":     hotel,
		"GET /accounts/v1/beneficiaries":       ids["beneficiaries"],
		"GET /accounts/v1/issuances":           ids["issuances"],
		"GET /accounts/v1/accounts":            ids["accounts"],
		"GET /disbursement/v1/enrolments":      ids["enrolments"],
		"GET /disbursement/v1/payrolls":        ids["payrolls"],
		"GET /disbursement/v1/payments":        ids["payments"],
		"GET /disbursement/v1/ledger/accounts": ids["payrolls"],
		"GET /disbursement/v1/ledger/entries":  ids["payrolls"],
	}
}

// at fills in the path of a route.
func (g target) at(t *testing.T, r rule) string {
	t.Helper()
	parts := strings.Split(r.path(), "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			id := g.ids[parts[i-1]]
			if id == "" {
				t.Fatalf("%s: the test does not know what to put for %s", r.route, part)
			}
			parts[i] = id
		}
	}
	return strings.Join(parts, "/") + g.query[r.route]
}
