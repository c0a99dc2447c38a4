package servicetest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m, testkit.Roles{"alone": alone}) }

// echo is a service that tells callers what they sent, and refuses POST.
func echo(_ context.Context, deps service.Deps) (service.Service, error) {
	return service.Service{Name: "echo", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Songan-Position", r.Header.Get("Songan-After"))
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(`{"code":"no","errors":[{"pointer":"/a","code":"b"},{"pointer":"","code":"c"}]}`))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"path": r.URL.Path, "key": r.Header.Get("Authorization"), "at": deps.Now().Format(time.DateOnly), "number": 1,
		})
	})}, nil
}

func TestAServiceIsCalledAsAnActorAndStartedAgainWithTheSameKeys(t *testing.T) {
	t.Parallel()
	s := servicetest.Prepare(t, servicetest.Options{
		Name: "echo", At: time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC),
		Staff: map[string]access.Principal{"police": {ID: "lan", Role: access.CommunePolice, Unit: "00004"}},
	})
	stop := s.Start(t, echo)
	first := s.Get(t, "police", "/things", "7")
	first.Want(t, http.StatusOK)
	got := []string{first.Text(t, "path"), first.Text(t, "at"), first.Text(t, "number"), first.Position()}
	if diff := cmp.Diff([]string{"/echo/v1/things", "2026-11-21", "", "7"}, got); diff != "" {
		t.Errorf("what the service saw (-want +got):\n%s", diff)
	}
	stop()
	s.Clock.Advance(24 * time.Hour)
	s.Start(t, echo)
	again := s.Get(t, "police", "/things", "")
	if key := again.Text(t, "key"); key == "Bearer " || key != first.Text(t, "key") || again.Text(t, "at") != "2026-11-22" {
		t.Errorf("the second start saw %s", again.Body)
	}
	if key := s.Get(t, "", "/things", "").Text(t, "key"); key != "" {
		t.Error("nobody has a key")
	}
	refused := s.Post(t, "police", "/things", "key", struct{}{})
	refused.Refused(t, http.StatusConflict, "no")
	if diff := cmp.Diff([]string{"/a b", "c"}, refused.Faults(t)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
