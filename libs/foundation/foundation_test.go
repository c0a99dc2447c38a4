package foundation_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// rung and heard are facts of two services.
type rung struct{ Bell string }

func (rung) EventName() string { return "tower.rung.v1" }

func options() foundation.Options {
	facts := events.NewCatalog([]events.Event{rung{}})
	return foundation.Options{Service: "tower", Own: facts, Others: facts}
}

// deps are those of a process with a database and topics of its own.
func deps(t testing.TB) service.Deps {
	t.Helper()
	broker := testkit.Kafka(t)
	config, err := service.LoadFrom[service.Config](map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	config.Data, config.DatabaseURL, config.LogLevel = t.TempDir(), testkit.PostgresURL(t), "error"
	config.Brokers, config.KafkaUser, config.KafkaPassword = broker.Addrs, broker.User, broker.Password
	config.Topics = fmt.Sprintf("foundation%d", time.Now().UnixNano())
	testkit.TopicsOf(t, broker, config.Topics)
	d, closeDeps, err := service.NewDeps(t.Context(), "test", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = closeDeps(context.Background()) })
	return d.For("tower")
}

// run runs the runners until the test ends.
func run(t testing.TB, f *foundation.Foundation) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, r := range f.Runners() {
		running.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
		})
	}
	t.Cleanup(func() { stop(); running.Wait(); f.Close() })
}

func TestAFactGoesFromTheLogToAReaction(t *testing.T) {
	t.Parallel()
	f, err := foundation.Open(t.Context(), deps(t), options())
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 10)
	err = f.React("ears", 4, reaction.On(func(_ context.Context, _ events.Recorded, e rung) error {
		heard <- e.Bell
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	run(t, f)
	if _, err := f.Log.Append(t.Context(), eventstore.Append{Stream: "bell-1", Facts: []events.Event{rung{Bell: "big"}}}); err != nil {
		t.Fatal(err)
	}
	select {
	case bell := <-heard:
		if bell != "big" {
			t.Fatalf("heard %s", bell)
		}
	case <-time.After(time.Minute):
		t.Fatal("the fact did not arrive")
	}
	testkit.Eventually(t, func() error { return f.Ready(t.Context()) })
}

// A fact that cannot be handled waits for an operator, who hears of it, and decides with a reason.
func TestOperatorsDecideAboutQuarantine(t *testing.T) {
	t.Parallel()
	d := deps(t)
	f, err := foundation.Open(t.Context(), d, options())
	if err != nil {
		t.Fatal(err)
	}
	err = f.React("ears", 4, reaction.On(func(context.Context, events.Recorded, rung) error {
		return fmt.Errorf("deaf")
	}))
	if err != nil {
		t.Fatal(err)
	}
	run(t, f)
	token, key := access.Generate(access.Principal{ID: "root", Role: access.Admin})
	d.API.Auth, d.API.Name, d.API.Fingerprint = d.Auth(access.Static(key)), f.Vault.Name, f.Vault.Fingerprint
	api := httpapi.New(d.API)
	f.Operate(api)
	call := func(method, path, body string) (int, string) {
		request := httptest.NewRequestWithContext(t.Context(), method, "/tower/v1"+path, strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, request)
		return w.Code, w.Body.String()
	}
	if _, err := f.Log.Append(t.Context(), eventstore.Append{Stream: "bell-1", Facts: []events.Event{rung{Bell: "big"}}}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		if status, list := call(http.MethodGet, "/quarantine", ""); status != http.StatusOK || !strings.Contains(list, `"stream":"bell-1"`) {
			return fmt.Errorf("answered %d: %s", status, list)
		}
		return nil
	})
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/quarantine/1/discard", `{}`, http.StatusUnprocessableEntity},
		{"/quarantine/99/discard", `{"reason":"no_such"}`, http.StatusNotFound},
		{"/quarantine/1/release", `{"reason":"try_again"}`, http.StatusInternalServerError},
		{"/quarantine/1/discard", `{"reason":"test_data"}`, http.StatusOK},
		{"/quarantine/1/discard", `{"reason":"again"}`, http.StatusConflict},
		{"/projections/none_v1/rebuild", "", http.StatusNotFound},
	} {
		if status, answer := call(http.MethodPost, c.path, c.body); status != c.status {
			t.Errorf("%s %s: answered %d, want %d: %s", c.path, c.body, status, c.status, answer)
		}
	}
	if _, list := call(http.MethodGet, "/quarantine?closed=true", ""); !strings.Contains(list, "test_data") || !strings.Contains(list, "officer:root") {
		t.Errorf("the decision is not kept: %s", list)
	}
}

func TestAMissingKeyFileIsNotReplaced(t *testing.T) {
	t.Parallel()
	d := deps(t)
	f, err := foundation.Open(t.Context(), d, options())
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	path := filepath.Join(d.Config.Data, "vault-tower.key")
	if err := os.Rename(path, path+".lost"); err != nil {
		t.Fatal(err)
	}
	d.Metrics = prometheus.NewRegistry() // another process
	if _, err := foundation.Open(t.Context(), d, options()); err == nil || !strings.Contains(err.Error(), "restore the file") {
		t.Fatalf("opened with %v", err)
	}
}

func TestWhatWasOpenedIsClosedWhenALaterPartFails(t *testing.T) {
	t.Parallel()
	d := deps(t)
	d.Config.Brokers = nil
	if f, err := foundation.Open(t.Context(), d, options()); err == nil {
		f.Close()
		t.Fatal("opened without a broker")
	} // goleak in TestMain finds what is left
}
