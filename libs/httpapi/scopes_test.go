package httpapi_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
)

// What a route changes is said by its action: a key for reading does not become one for writing because a route needs no
// Idempotency-Key.
func TestAKeyThatOnlyReadsChangesNothingByAnyKindOfRoute(t *testing.T) {
	t.Parallel()
	const writing, reading, service = "operations.answer_request", "operations.list_requests", "accommodation"
	for scopes, want := range map[access.Scopes][2]int{
		service + ":read": {http.StatusForbidden, http.StatusOK}, "*:read": {http.StatusForbidden, http.StatusOK},
		service: {http.StatusOK, http.StatusOK}, "": {http.StatusOK, http.StatusOK}, "accounts": {http.StatusForbidden, http.StatusForbidden},
	} {
		var token string
		s := newSetup(t, func(o *httpapi.Options) {
			var k access.Key
			token, k = access.Generate(access.Principal{Role: access.Admin, Scopes: scopes})
			o.Auth = access.New(access.Options{Now: o.Now}, access.Static(k))
		})
		s.token = token
		done := 0
		do := func(context.Context, httpapi.Call[struct{}]) (struct{}, error) { done++; return struct{}{}, nil }
		httpapi.Ask(s.api, httpapi.Route{Pattern: "POST /change", Action: writing}, do)
		httpapi.Ask(s.api, httpapi.Route{Pattern: "POST /question", Action: reading}, do)
		changed, read := s.do(t, http.MethodPost, "/accommodation/v1/change", "{}"), s.do(t, http.MethodPost, "/accommodation/v1/question", "{}")
		if got := [2]int{changed.Code, read.Code}; got != want {
			t.Errorf("scopes %q: %v, want %v", scopes, got, want)
		}
		if good := map[int]int{http.StatusOK: 1}; done != good[changed.Code]+good[read.Code] {
			t.Errorf("scopes %q: %d were done", scopes, done)
		}
		if changed.Code == http.StatusForbidden {
			if r := refused(t, changed); r.Code != "scope_not_allowed" {
				t.Errorf("scopes %q: %s", scopes, r.Code)
			}
		}
	}
}
