package identity_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/accounts"
	facts "github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/identity"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

const name = "Tạ Duy Đức"

// world answers as the population database and as the services that know people: everybody has the same name, and the
// register knows odd numbers alone.
func world(t *testing.T) string {
	t.Helper()
	people := func(member string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var asked struct{ Refs []string }
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("Authorization") != "Bearer secret" {
				t.Errorf("%s asked wrongly: %v", r.URL.Path, err)
			}
			items := []any{}
			for _, ref := range asked.Refs {
				items = append(items, map[string]any{"ref": ref, member: map[string]any{
					"full_name": name, "birth_date": "1979-11-10", "sex": "male",
					"document": map[string]any{"type": "citizen_id", "number": "00107971249" + ref[len(ref)-1:]},
				}})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"items": items})
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /accommodation/v1/persons", people("guest"))
	mux.HandleFunc("POST /accounts/v1/persons", people("person"))
	mux.HandleFunc("POST /v1/checks", func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Number string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("Authorization") != "Bearer register" {
			t.Errorf("the register is asked wrongly: %v", err)
		}
		result := "matched"
		if strings.HasSuffix(asked.Number, "2") {
			result = "not_found"
		}
		_, _ = fmt.Fprintf(w, `{"result":%q}`, result)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func config(url string) identity.Config {
	return identity.Config{
		PopulationURL: url, PopulationKey: "register", PopulationRate: 100, InFlight: 4,
		PeopleURL: url, PeopleToken: "secret", AccountsURL: url, AccountsToken: "secret",
	}
}

func TestGuestsAndBeneficiariesAreCheckedOnceAndTheAnswersNameNobody(t *testing.T) {
	t.Parallel()
	s := servicetest.Prepare(t, servicetest.Options{Name: identity.Name, At: time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)})
	hotels := s.Neighbour(t, "accommodation", accommodation.NoticeFacts())
	offices := s.Neighbour(t, "accounts", accounts.BeneficiaryFacts())
	servicetest.Say(t, hotels, "notice-a", accommodation.StayNotified{Notice: "a", Guest: "guest-1", DocumentType: "citizen_id"})
	servicetest.Say(t, hotels, "notice-b", accommodation.StayNotified{Notice: "b", Guest: "guest-2", DocumentType: "citizen_id"})
	servicetest.Say(t, hotels, "notice-c", accommodation.StayNotified{Notice: "c", Guest: "guest-3", DocumentType: "passport"})
	servicetest.Say(t, offices, "beneficiary-d", accounts.BeneficiaryRegistered{Beneficiary: "d", Person: "person-1", DocumentType: "citizen_id"})
	url := world(t)
	open := func(ctx context.Context, deps service.Deps) (service.Service, error) {
		return identity.NewWith(ctx, deps, config(url))
	}
	of := func(person, service, stream string) facts.Subject {
		return facts.Subject{Person: person, Service: service, Stream: stream}
	}
	want := map[string]any{
		"check-guest-1":  facts.Matched{Subject: of("guest-1", "accommodation", "notice-a")},
		"check-guest-2":  facts.NotFound{Subject: of("guest-2", "accommodation", "notice-b")},
		"check-guest-3":  facts.Unavailable{Subject: of("guest-3", "accommodation", "notice-c"), Reason: "document_not_in_register"},
		"check-person-1": facts.Matched{Subject: of("person-1", "accounts", "beneficiary-d")},
	}
	for range 2 { // the second start finds everything done
		stop := s.Start(t, open)
		testkit.Eventually(t, func() error {
			if got := recorded(t, s); !cmp.Equal(want, got) {
				return fmt.Errorf("recorded (-want +got):\n%s", cmp.Diff(want, got))
			}
			return nil
		})
		stop()
	}
	var named int
	if err := s.Pool.QueryRow(t.Context(), `select count(*) from events e where e::text like '%' || $1 || '%'`, name).Scan(&named); err != nil || named > 0 {
		t.Errorf("%d facts name somebody: %v", named, err)
	}
}

// recorded are the facts of the log by their streams, each of which has one.
func recorded(t *testing.T, s *servicetest.Service) map[string]any {
	t.Helper()
	rows, err := s.Pool.Query(t.Context(), `select stream, type, data::text, version from events`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]any{}
	for rows.Next() {
		var stream, kind, data string
		var version int
		if err := rows.Scan(&stream, &kind, &data, &version); err != nil {
			t.Fatal(err)
		}
		if version > 1 {
			t.Errorf("%s was checked again", stream)
		}
		found[stream] = read(t, kind, data)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, kind, data string) any {
	t.Helper()
	var matched facts.Matched
	var missing facts.NotFound
	var unavailable facts.Unavailable
	for name, into := range map[string]any{matched.EventName(): &matched, missing.EventName(): &missing, unavailable.EventName(): &unavailable} {
		if name != kind {
			continue
		}
		if err := json.Unmarshal([]byte(data), into); err != nil {
			t.Fatal(err)
		}
	}
	switch kind {
	case matched.EventName():
		return matched
	case missing.EventName():
		return missing
	}
	return unavailable
}

func TestAConfigurationThatMakesNoSenseIsRefusedByTheNamesOfItsSettings(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*identity.Config){
		"SONGAN_POPULATION_RATE":    func(c *identity.Config) { c.PopulationRate = 0 },
		"SONGAN_IDENTITY_IN_FLIGHT": func(c *identity.Config) { c.InFlight = -1 },
		"SONGAN_ACCOUNTS_TOKEN":     func(c *identity.Config) { c.AccountsToken = "" },
		"SONGAN_ACCOUNTS_URL":       func(c *identity.Config) { c.AccountsURL = "" },
	} {
		c := config("http://127.0.0.1:1")
		spoil(&c)
		if _, err := identity.NewWith(t.Context(), service.Deps{}, c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
