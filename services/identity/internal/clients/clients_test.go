package clients_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
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

// register answers for references and counts the calls.
func register(t *testing.T) (people *clients.People, calls func() [][]string) {
	t.Helper()
	var mu sync.Mutex
	var asked [][]string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question struct {
			Refs          []string
			Purpose, Case string
		}
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			t.Error(err)
		}
		if question.Purpose != "identity_check" || question.Case != "check-"+question.Refs[0] {
			t.Errorf("asked with %+v", question)
		}
		mu.Lock()
		asked = append(asked, question.Refs)
		mu.Unlock()
		var items []string
		for _, ref := range question.Refs {
			items = append(items, fmt.Sprintf(`{"ref":%q,"guest":{"full_name":"name of %s"}}`, ref, ref))
		}
		_, _ = fmt.Fprintf(w, `{"items":[%s]}`, strings.Join(items, ","))
	}))
	t.Cleanup(server.Close)
	b, err := breaker.New(t.Name(), breaker.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	people = clients.NewPeople("accommodation", clients.Options{URL: server.URL + "/", Breaker: b, Now: time.Now})
	return people, func() [][]string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(asked)
	}
}

func TestPeopleAskedForAtTheSameTimeGoInOneCall(t *testing.T) {
	t.Parallel()
	people, calls := register(t)
	const everybody = 500
	var asking sync.WaitGroup
	for n := range everybody {
		asking.Go(func() {
			ref := fmt.Sprint("R", n)
			person, found, err := people.Person(t.Context(), ref)
			if err != nil || !found || person.FullName != "name of "+ref {
				t.Errorf("%s: %+v %t %v", ref, person, found, err)
			}
		})
	}
	asking.Wait()
	seen := map[string]int{}
	for _, refs := range calls() {
		for _, ref := range refs {
			seen[ref]++
		}
	}
	if len(seen) != everybody || len(calls()) >= everybody {
		t.Fatalf("%d people in %d calls", len(seen), len(calls()))
	}
}

func TestWhoeverGivesUpDoesNotSpoilTheCallOfOthers(t *testing.T) {
	t.Parallel()
	people, _ := register(t)
	impatient, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	asking.Go(func() { _, _, _ = people.Person(impatient, "R1") })
	asking.Go(func() {
		if _, found, err := people.Person(t.Context(), "R2"); !found || err != nil {
			t.Error(found, err)
		}
	})
	cancel()
	asking.Wait()
}

func TestADamagedPersonIsNoReasonToWait(t *testing.T) {
	t.Parallel()
	people := clients.NewPeople("accommodation", answering(t, http.StatusOK, `{"items":[{"ref":"R1","unreadable":true}]}`))
	if _, _, err := people.Person(t.Context(), "R1"); !errors.Is(err, clients.ErrUnreadablePerson) || breaker.IsDown(err) {
		t.Fatal(err)
	}
}

func TestEachServiceHasItsOwnWordForAPerson(t *testing.T) {
	t.Parallel()
	for service, member := range map[string]string{"accommodation": "guest", "accounts": "person"} {
		o := answering(t, http.StatusOK, `{"items":[{"ref":"R1","`+member+`":{"full_name":"A","document":{"number":"1"}}}]}`)
		person, found, err := clients.NewPeople(service, o).Person(t.Context(), "R1")
		if err != nil || !found || person.FullName != "A" || person.Document.Number != "1" {
			t.Errorf("%s: %+v %t %v", service, person, found, err)
		}
	}
}

func TestAnErasedPersonIsNotFound(t *testing.T) {
	t.Parallel()
	people := clients.NewPeople("accommodation", answering(t, http.StatusOK, `{"items":[{"ref":"R1"}]}`))
	if _, found, err := people.Person(t.Context(), "R1"); found || err != nil {
		t.Fatal(found, err)
	}
}
