package clients_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/services/identity/internal/check"
	"github.com/songan-vn/songan/services/identity/internal/clients"
)

// answering is a dependency that always says the same.
func answering(t *testing.T, status int, body string) clients.Options {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			t.Error("the key is missing")
		}
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	b, err := breaker.New(t.Name(), breaker.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return clients.Options{URL: server.URL, Token: "secret", Breaker: b, Now: time.Now}
}

func TestWhatThePopulationDatabaseSays(t *testing.T) {
	t.Parallel()
	type want struct {
		Outcome check.Outcome
		Fields  []string
	}
	for _, c := range []struct {
		name, body string
		want       want
	}{
		{"a match", `{"result":"matched","differs":[]}`, want{Outcome: check.Matched}},
		{"a match without accents", `{"result":"matched","differs":[],"notes":["accents"]}`, want{Outcome: check.Matched}},
		{"an unknown number", `{"result":"not_found"}`, want{Outcome: check.NotFound}},
		{"a mismatch", `{"result":"mismatched","differs":["sex","birth_date"]}`, want{check.Mismatched, []string{"sex", "birth_date"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := clients.NewPopulation(answering(t, http.StatusOK, c.body), 100)
			outcome, fields, err := p.Check(t.Context(), clients.Person{})
			if diff := cmp.Diff(c.want, want{outcome, fields}); diff != "" || err != nil {
				t.Fatal(err, diff)
			}
		})
	}
}

func TestADependencyThatMakesNoSenseIsAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		status     int
		away       bool
	}{
		{"a maintenance page", "<html>bảo trì</html>", http.StatusOK, true},
		{"an answer cut off", `{"result":"mat`, http.StatusOK, true},
		{"no answer", "", http.StatusOK, true},
		{"an unknown result", `{"result":"maybe"}`, http.StatusOK, true},
		{"a mismatch of nothing", `{"result":"mismatched","differs":[]}`, http.StatusOK, true},
		{"values where field names belong", `{"result":"mismatched","differs":["Nguyễn Văn An"]}`, http.StatusOK, true},
		{"overload", "", http.StatusServiceUnavailable, true},
		{"a fault of its own", "", http.StatusInternalServerError, true},
		{"too many", "", http.StatusTooManyRequests, true},
		{"a key that is refused", "", http.StatusUnauthorized, true},
		{"another address", "", http.StatusTemporaryRedirect, true},
		{"a question that makes no sense", `{"error":"number_malformed"}`, http.StatusUnprocessableEntity, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := clients.NewPopulation(answering(t, c.status, c.body), 100)
			_, _, err := p.Check(t.Context(), clients.Person{FullName: "Nguyễn Văn An"})
			if err == nil || breaker.IsDown(err) != c.away {
				t.Fatalf("away is %t: %v", breaker.IsDown(err), err)
			}
			if strings.Contains(err.Error(), "Nguyễn") {
				t.Fatalf("the error names a person: %v", err)
			}
		})
	}
}

func TestAPersonIsAskedForWithPurposeAndCase(t *testing.T) {
	t.Parallel()
	var asked map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		_, _ = w.Write([]byte(`{"items":[{"ref":"R1","guest":{"full_name":"Nguyễn Văn An","document":{"type":"citizen_id","number":"001090123456"}}}]}`))
	}))
	t.Cleanup(server.Close)
	b, err := breaker.New(t.Name(), breaker.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	people := clients.NewPeople(clients.Options{URL: server.URL + "/", Breaker: b, Now: time.Now})
	person, found, err := people.Person(context.Background(), "R1", "notice-1")
	if err != nil || !found || person.Document.Number != "001090123456" {
		t.Fatal(person, found, err)
	}
	want := map[string]any{"refs": []any{"R1"}, "purpose": "identity_check", "case": "notice-1"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Fatal(diff)
	}
}

func TestAnErasedPersonIsNotFound(t *testing.T) {
	t.Parallel()
	people := clients.NewPeople(answering(t, http.StatusOK, `{"items":[{"ref":"R1"}]}`))
	if _, found, err := people.Person(t.Context(), "R1", "notice-1"); found || err != nil {
		t.Fatal(found, err)
	}
}
