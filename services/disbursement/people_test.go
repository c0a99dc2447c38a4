package disbursement_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/service/servicetest"
)

// people is the accounts service: its log is real, its answers are made up.
type people struct {
	url  string
	base *foundation.Foundation

	mu       sync.Mutex
	profiles map[string]profile
	versions map[string]int
}

type profile struct {
	Beneficiary string      `json:"beneficiary"`
	Found       bool        `json:"found"`
	Unit        events.Unit `json:"unit"`
	Mark        string      `json:"mark"`
	BirthDate   string      `json:"birth_date"`
	DiedOn      string      `json:"died_on,omitempty"`
}

func newPeople(t testing.TB, s *servicetest.Service) *people {
	t.Helper()
	p := &people{profiles: map[string]profile{}, versions: map[string]int{}, base: s.Neighbour(t, "accounts", accounts.Catalog())}
	if err := kafkabus.EnsureTopic(t.Context(), p.base.Bus, s.Config.Topics+".bankgateway.v1", 6, -1); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *people) serve(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Beneficiaries []string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.URL.Path != "/accounts/v1/profiles" {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	var answer struct {
		Items []profile `json:"items"`
	}
	p.mu.Lock()
	for _, id := range asked.Beneficiaries {
		found := p.profiles[id]
		found.Beneficiary = id
		answer.Items = append(answer.Items, found)
	}
	p.mu.Unlock()
	_ = json.NewEncoder(w).Encode(answer)
}

// tell appends facts about a beneficiary to the log of accounts.
func (p *people) tell(t testing.TB, id string, facts ...events.Event) {
	t.Helper()
	p.tellAt(t, noon.Add(-30*24*time.Hour), id, facts...)
}

// tellAt appends facts that occurred at a time.
func (p *people) tellAt(t testing.TB, at time.Time, id string, facts ...events.Event) {
	t.Helper()
	p.mu.Lock()
	version := p.versions[id]
	p.versions[id] += len(facts)
	p.mu.Unlock()
	_, err := p.base.Log.Append(t.Context(), eventstore.Append{
		Stream: "beneficiary-" + id, Expected: version, Facts: facts, Meta: events.Meta{OccurredAt: at},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// know makes accounts answer about a person.
// count is how many beneficiaries there are facts of.
func (p *people) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.versions)
}

func (p *people) know(found profile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found.Found = true
	p.profiles[found.Beneficiary] = found
}
