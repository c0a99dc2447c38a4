package books

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bank is a control address that answers with what it is given, and fails at first.
func bank(t *testing.T, failures int64, answer string) (*Banks, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= failures {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if r.Method == http.MethodPost && r.URL.Path == controlScenario {
			var s map[string]any
			if err := json.NewDecoder(r.Body).Decode(&s); err != nil || s["silent"] != nil {
				w.WriteHeader(http.StatusUnprocessableEntity)
				return
			}
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	b := Of(func() (map[string]string, error) { return map[string]string{"VBAAVNVX": server.URL}, nil })
	b.bics = []string{"VBAAVNVX"}
	return b, &asked
}

func TestABooksLinesAreRead(t *testing.T) {
	t.Parallel()
	b, asked := bank(t, 1, `{"end_to_end_id":"SA-A-1","amount":540000,"status":"ACCC","instructed":2}
{"end_to_end_id":"SA-B-1","amount":810000,"status":"RJCT","reason":"AC01","instructed":1}
`)
	books, err := b.Read(t.Context())
	if err != nil || asked.Load() != 2 {
		t.Fatalf("%v after %d calls", err, asked.Load())
	}
	want := map[string]Entry{
		"SA-A-1": {ID: "SA-A-1", Amount: 540_000, Status: "ACCC", Instructed: 2, Bank: "VBAAVNVX"},
		"SA-B-1": {ID: "SA-B-1", Amount: 810_000, Status: "RJCT", Reason: "AC01", Instructed: 1, Bank: "VBAAVNVX"},
	}
	if diff := cmp.Diff(want, books.open); diff != "" {
		t.Errorf("books (-want +got):\n%s", diff)
	}
}

func TestABankThatRefusesIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	b, asked := bank(t, 0, "{}")
	err := b.ask(t.Context(), question{"VBAAVNVX", http.MethodPost, controlScenario, Scenario{"silent": true}, nil})
	if err == nil || asked.Load() != 1 {
		t.Fatalf("%v after %d calls", err, asked.Load())
	}
}
