package control_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/services/simulators/internal/control"
)

func TestOnlyThisMachineIsListenedTo(t *testing.T) {
	t.Parallel()
	if l, err := control.Listen(t.Context(), "0.0.0.0:0"); err == nil {
		t.Errorf("listens on %s", l.Addr())
	}
	l, err := control.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}

func TestABodyIsOneObjectWithKnownFields(t *testing.T) {
	t.Parallel()
	var got []string
	for _, body := range []string{`{"name":"a"}`, `{"name":"a"} {}`, `{"other":1}`, `{"name":"` + strings.Repeat("a", 40) + `"}`, ``} {
		var into struct{ Name string }
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		got = append(got, fmt.Sprint(control.Read(httptest.NewRecorder(), r, 32, &into) == nil))
	}
	if diff := cmp.Diff([]string{"true", "false", "false", "false", "false"}, got); diff != "" {
		t.Errorf("bodies that are read (-want +got):\n%s", diff)
	}
}

func TestARefusalHasACodeAndASentence(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr = "192.0.2.1:1"
	w := httptest.NewRecorder()
	control.Only(http.NotFoundHandler()).ServeHTTP(w, r)
	want := "{\"error\":\"loopback_only\",\"message\":\"the control API is for this machine only\"}\n"
	if w.Code != http.StatusForbidden || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}
