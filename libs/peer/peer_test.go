package peer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/peer"
)

// answering is a service that always says the same.
func answering(t *testing.T, status int, body string) *peer.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" || r.URL.Path != "/accounts/v1/persons" {
			t.Errorf("asked at %s without the key", r.URL.Path)
		}
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return client(t, server.URL+"/")
}

func client(t *testing.T, url string) *peer.Client {
	t.Helper()
	b, err := breaker.New("accounts", breaker.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return peer.NewClient(peer.Options{URL: url, Token: "secret", Breaker: b, Now: time.Now, Patience: time.Minute})
}

type question struct {
	Name string `json:"name"`
}

func TestAServiceThatMakesNoSenseIsAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		status     int
		good, away bool
	}{
		{name: "an answer", body: `{"name":"b"}`, status: http.StatusOK, good: true},
		{name: "a maintenance page", body: "<html>bảo trì</html>", status: http.StatusOK, away: true},
		{name: "an answer cut off", body: `{"na`, status: http.StatusOK, away: true},
		{name: "no answer", status: http.StatusOK, away: true},
		{name: "overload", status: http.StatusServiceUnavailable, away: true},
		{name: "a key that is refused", status: http.StatusUnauthorized, away: true},
		{name: "another address", status: http.StatusTemporaryRedirect, away: true},
		{name: "a question that makes no sense", body: `{"detail":"Nguyễn"}`, status: http.StatusUnprocessableEntity},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := peer.Post[question](t.Context(), answering(t, c.status, c.body), "/accounts/v1/persons", question{"Nguyễn"})
			if (err == nil) != c.good || breaker.IsDown(err) != c.away {
				t.Fatalf("good %t, away %t: %v", err == nil, breaker.IsDown(err), err)
			}
			if err != nil && strings.Contains(err.Error(), "Nguyễn") {
				t.Fatalf("the error names a person: %v", err)
			}
		})
	}
}

func TestNobodyThereIsAway(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	if _, err := peer.Post[question](t.Context(), client(t, server.URL), "/x", question{}); !breaker.IsDown(err) {
		t.Fatal(err)
	}
}

func TestAQuestionThatIsNoJSONIsOurOwnFault(t *testing.T) {
	t.Parallel()
	_, err := peer.Post[question](t.Context(), client(t, "http://127.0.0.1:1"), "/x", map[string]any{"f": func() {}})
	if err == nil || breaker.IsDown(err) {
		t.Fatal(err)
	}
}

// calls remembers what was asked together.
type calls struct {
	mu   sync.Mutex
	each [][]int
}

func (c *calls) ask(_ context.Context, keys []int) (map[int]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.each = append(c.each, slices.Clone(keys))
	answer := map[int]string{}
	for _, key := range keys {
		if key >= 0 {
			answer[key] = fmt.Sprint("n", key)
		}
	}
	return answer, nil
}

func TestQuestionsThatComeTogetherGoInOneCall(t *testing.T) {
	t.Parallel()
	var all calls
	b := peer.NewBatcher(peer.Batching{Most: 50}, all.ask)
	const everybody = 500
	var asking sync.WaitGroup
	for n := range everybody {
		asking.Go(func() {
			key := n / 2 // two ask for the same
			if got, known, err := b.Ask(t.Context(), key); err != nil || !known || got != fmt.Sprint("n", key) {
				t.Errorf("%d: %q %t %v", key, got, known, err)
			}
		})
	}
	asking.Wait()
	if len(all.each) >= everybody/2 {
		t.Errorf("%d calls", len(all.each))
	}
	for _, keys := range all.each {
		once := slices.Clone(keys)
		slices.Sort(once)
		if len(keys) > 50 || len(slices.Compact(once)) != len(keys) {
			t.Errorf("asked for %v", keys)
		}
	}
}

func TestWhatIsNotKnownIsSaid(t *testing.T) {
	t.Parallel()
	var all calls
	b := peer.NewBatcher(peer.Batching{}, all.ask)
	if got, known, err := b.Ask(t.Context(), -1); got != "" || known || err != nil {
		t.Fatal(got, known, err)
	}
}

func TestAFullCallDoesNotWait(t *testing.T) {
	t.Parallel()
	var all calls
	b := peer.NewBatcher(peer.Batching{Gather: time.Hour, Most: 2}, all.ask)
	var asking sync.WaitGroup
	for n := range 2 {
		asking.Go(func() {
			if _, known, err := b.Ask(t.Context(), n); !known || err != nil {
				t.Error(known, err)
			}
		})
	}
	asking.Wait()
}

func TestWhoeverGivesUpDoesNotSpoilTheCallOfOthers(t *testing.T) {
	t.Parallel()
	asked := make(chan error, 1)
	b := peer.NewBatcher(peer.Batching{Gather: time.Hour}, func(ctx context.Context, _ []int) (map[int]int, error) {
		asked <- ctx.Err()
		return nil, nil
	})
	impatient, cancel := context.WithCancel(t.Context())
	cancel() // whoever leads and gives up asks at once, and for those who joined
	if _, _, err := b.Ask(impatient, 1); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
}

func TestTheErrorIsThatOfTheCall(t *testing.T) {
	t.Parallel()
	away := breaker.Down(errors.New("away"))
	b := peer.NewBatcher(peer.Batching{}, func(context.Context, []int) (map[int]int, error) { return nil, away })
	if _, _, err := b.Ask(t.Context(), 1); !breaker.IsDown(err) {
		t.Fatal(err)
	}
}

func ExampleBatcher() {
	lookUp := func(_ context.Context, refs []string) (map[string]string, error) {
		return map[string]string{"r1": "one", "r2": "two"}, nil // in earnest: one call for all refs
	}
	people := peer.NewBatcher(peer.Batching{}, lookUp)
	name, known, err := people.Ask(context.Background(), "r1")
	fmt.Println(name, known, err)
	// Output: one true <nil>
}
