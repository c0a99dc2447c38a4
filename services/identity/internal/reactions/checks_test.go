package reactions_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/identity/internal/clients"
	"github.com/songan-vn/songan/services/identity/internal/reactions"
)

// world is what identity depends on: two services with people, and the population database.
type world struct {
	checks  reactions.Checks
	log     *eventstore.Store
	checked atomic.Int64
}

// answering serves one path and counts nothing.
func answering(t *testing.T, path string, answer func(question map[string]any) string) clients.Options {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question map[string]any
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil || r.URL.Path != path {
			t.Errorf("asked %s: %v", r.URL.Path, err)
		}
		_, _ = w.Write([]byte(answer(question)))
	}))
	t.Cleanup(server.Close)
	b, err := breaker.New(t.Name()+path, breaker.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return clients.Options{URL: server.URL, Token: "secret", Breaker: b, Now: time.Now}
}

func open(t *testing.T) *world {
	t.Helper()
	pool := testkit.Postgres(t)
	if err := vault.Migrate(t.Context(), pool); err != nil { // the log stores facts and vault rows together
		t.Fatal(err)
	}
	if err := eventstore.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	log, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: events.NewCatalog(identity.Catalog())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	w := &world{log: log}
	knows := func(member, name string) func(map[string]any) string {
		return func(question map[string]any) string {
			ref := question["refs"].([]any)[0]
			if ref == "erased" {
				return `{"items":[{"ref":"erased"}]}`
			}
			return fmt.Sprintf(`{"items":[{"ref":%q,%q:{"full_name":%q,"document":{"type":"citizen_id","number":"001050123456"}}}]}`, ref, member, name)
		}
	}
	w.checks = reactions.Checks{
		Log: log, Now: time.Now,
		People: map[string]*clients.People{
			"accommodation": clients.NewPeople("accommodation", answering(t, "/accommodation/v1/persons", knows("guest", "Guest"))),
			"accounts":      clients.NewPeople("accounts", answering(t, "/accounts/v1/persons", knows("person", "Beneficiary"))),
		},
		Population: clients.NewPopulation(answering(t, "/v1/checks", func(question map[string]any) string {
			w.checked.Add(1)
			if question["full_name"] == "Beneficiary" {
				return `{"result":"mismatched","differs":["birth_date"]}`
			}
			return `{"result":"matched"}`
		}), 100),
	}
	return w
}

// hear hands a fact to whichever handler is for it.
func (w *world) hear(t *testing.T, r events.Recorded) {
	t.Helper()
	for _, h := range w.checks.Handlers() {
		if err := reaction.Try(t.Context(), h, r); err == nil {
			return
		}
	}
	t.Errorf("nobody handles %s", r.Event.EventName())
}

func TestPeopleAreAskedForWhereTheyAreKnown(t *testing.T) {
	t.Parallel()
	w := open(t)
	registered := func(person, document string) events.Recorded {
		return events.Recorded{Stream: "beneficiary-B1", Version: 1, Event: accounts.BeneficiaryRegistered{Person: person, DocumentType: document}}
	}
	for range 2 { // a second delivery asks nobody again
		w.hear(t, events.Recorded{Stream: "notice-N1", Version: 1, Event: accommodation.StayNotified{Guest: "G1", DocumentType: "citizen_id"}})
		w.hear(t, registered("P1", "citizen_id"))
		w.hear(t, events.Recorded{Stream: "beneficiary-B1", Version: 2, Event: accounts.BeneficiaryCorrected{Person: "P2", DocumentType: "passport"}})
		w.hear(t, registered("erased", "birth_certificate"))
	}
	about := func(service, stream, person string) identity.Subject {
		return identity.Subject{Person: person, Service: service, Stream: stream}
	}
	for person, want := range map[string]events.Event{
		"G1":     identity.Matched{Subject: about("accommodation", "notice-N1", "G1")},
		"P1":     identity.Mismatched{Subject: about("accounts", "beneficiary-B1", "P1"), Fields: []string{"birth_date"}},
		"P2":     identity.Unavailable{Subject: about("accounts", "beneficiary-B1", "P2"), Reason: "document_not_in_register"},
		"erased": identity.Unavailable{Subject: about("accounts", "beneficiary-B1", "erased"), Reason: "person_erased"},
	} {
		history, err := w.log.Load(t.Context(), "check-"+person)
		if err != nil || len(history) != 1 {
			t.Fatalf("%s: %d facts, %v", person, len(history), err)
		}
		if diff := cmp.Diff(want, history[0].Event); diff != "" {
			t.Errorf("%s: %s", person, diff)
		}
	}
	if n := w.checked.Load(); n != 2 {
		t.Errorf("the population database was asked %d times", n)
	}
}

func TestWithoutAnAccountsServiceBeneficiariesPassBy(t *testing.T) {
	t.Parallel()
	w := open(t)
	delete(w.checks.People, "accounts")
	for _, h := range w.checks.Handlers() {
		if reaction.Try(t.Context(), h, events.Recorded{Event: accounts.BeneficiaryRegistered{}}) == nil {
			t.Error("somebody handles beneficiaries")
		}
	}
}
