package clients_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/peer"
	"github.com/songan-vn/songan/services/bankgateway/internal/clients"
)

// question is what the accounts service is asked.
type question struct {
	Refs          []string `json:"refs"`
	Purpose, Case string
	NamesOnly     bool `json:"names_only"`
}

// accounts knows everybody but "R0", and counts the questions.
func accounts(t *testing.T) (people *clients.People, asked func() []question) {
	t.Helper()
	var mu sync.Mutex
	var all []question
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q question
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.URL.Path != "/accounts/v1/persons" {
			t.Errorf("asked at %s: %v", r.URL.Path, err)
		}
		mu.Lock()
		all = append(all, q)
		mu.Unlock()
		items := make([]map[string]any, 0, len(q.Refs))
		for _, ref := range q.Refs {
			item := map[string]any{"ref": ref}
			switch name := "name of " + ref; {
			case ref == "R0":
			case q.NamesOnly:
				item["full_name"] = name
			default:
				item["person"] = clients.Person{FullName: name}
			}
			items = append(items, item)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items})
	}))
	t.Cleanup(server.Close)
	b, err := breaker.New(t.Name(), breaker.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return clients.NewPeople(peer.Options{URL: server.URL, Breaker: b, Now: time.Now, Patience: time.Minute}), func() []question {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func TestManyPeopleAreAskedForInFewCalls(t *testing.T) {
	t.Parallel()
	people, asked := accounts(t)
	var refs []string
	for n := range 1_100 {
		refs = append(refs, fmt.Sprint("R", n), fmt.Sprint("R", n))
	}
	found, err := people.All(t.Context(), clients.Reading{Purpose: "bank_instruction", Case: "instruction-e"}, refs)
	if err != nil || len(found) != 1_100 || found["R0"].Person != nil || found["R7"].Person.FullName != "name of R7" {
		t.Fatalf("%d found: %v", len(found), err)
	}
	var sizes []int
	for _, q := range asked() {
		sizes = append(sizes, len(q.Refs))
		if q.Purpose != "bank_instruction" || q.Case != "instruction-e" || q.NamesOnly {
			t.Errorf("asked for %s in %s", q.Purpose, q.Case)
		}
	}
	if diff := cmp.Diff([]int{500, 500, 100}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestOnePersonIsAskedForWithAPurpose(t *testing.T) {
	t.Parallel()
	people, asked := accounts(t)
	found, err := people.One(t.Context(), "R1")
	want := clients.Found{Ref: "R1", Person: &clients.Person{FullName: "name of R1"}}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if q := asked(); len(q) != 1 || q[0].Purpose != "holder_check" || q[0].Case != "holders-R1" || !q[0].NamesOnly {
		t.Errorf("asked %+v", q)
	}
}
