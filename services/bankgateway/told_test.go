package bankgateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
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
