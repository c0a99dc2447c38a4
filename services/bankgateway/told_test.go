package bankgateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/service/servicetest"
)

// A person is told the number of the account that is in their name, by the account that accounts knows to be theirs.
func TestAPersonIsToldTheirAccountNumber(t *testing.T) {
	t.Parallel()
	g := open(t)
	g.account(t)
	ask := object{"kind": "access", "case": "2026/1", "own": []string{id("mai") + "-1"}, "mentions": []string{}, "refs": []string{}}
	status, answer := g.call(t, http.MethodPost, "accounts", "/subject-reports", ask)
	if text := fmt.Sprint(answer); status != http.StatusOK || !strings.Contains(text, "number:103872200345") || !strings.Contains(text, "access_request") {
		t.Errorf("%d %s", status, text)
	}
	ask["own"] = []string{id("mai") + "-2"}
	if status, answer = g.call(t, http.MethodPost, "accounts", "/subject-reports", ask); status != http.StatusOK || len(answer["holdings"].([]any)) != 0 {
		t.Errorf("of another account: %d %v", status, answer)
	}
	if status, _ = g.call(t, http.MethodPost, "admin", "/subject-reports", ask); status != http.StatusForbidden {
		t.Errorf("an admin is answered %d", status)
	}
}

// Nobody reads an account number from this service: no route answers with one, to nobody, but the report for the person.
func TestNoRouteAnswersWithAnAccountNumber(t *testing.T) {
	t.Parallel()
	const number = "103872200345"
	g := open(t)
	e2e := id("first")
	servicetest.Say(t, g.disbursement, "payment-p1", released(e2e, icb, g.account(t)))
	g.banks[icb].waitFor(t, instructed, e2e, 1)
	_, document := g.call(t, http.MethodGet, "admin", "/../openapi.json", nil)
	paths, _ := document["paths"].(map[string]any)
	asked := 0
	for path, methods := range paths {
		if _, reads := methods.(map[string]any)["get"]; !reads {
			continue
		}
		path = strings.TrimPrefix(strings.NewReplacer("{id}", e2e, "{bic}", icb).Replace(path), "/bankgateway/v1")
		for actor := range staff() {
			asked++
			if status, answer := g.call(t, http.MethodGet, actor, path, nil); strings.Contains(fmt.Sprint(answer), number) {
				t.Errorf("%s reads the number at %s: %d", actor, path, status)
			}
		}
	}
	if asked < 3*len(staff()) {
		t.Errorf("only %d questions were asked", asked)
	}
}
