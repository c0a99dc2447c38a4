package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// script answers each request with the next handler, the last one for ever, and keeps what was sent.
type script struct {
	mu      sync.Mutex
	answers []http.HandlerFunc
	sent    []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.sent = append(s.sent, strings.Join([]string{
		r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Idempotency-Key"),
		r.Header.Get("Content-Type"), r.Header.Get("Songan-After"), string(body),
	}, "|"))
	answer := s.answers[min(len(s.sent), len(s.answers))-1]
	s.mu.Unlock()
	answer(w, r)
}

func start(t *testing.T, answers ...http.HandlerFunc) (*Client, *script) {
	t.Helper()
	s := &script{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return New(server.URL, 2), s
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"code":"some_code","id":"1"}`)
	}
}

// cut breaks the connection before, or in the middle of, an answer.
func cut(within bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if within {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id":`)
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

func TestARequestIsRepeatedAsItWasUntilItIsAnswered(t *testing.T) {
	t.Parallel()
	c, s := start(t,
		status(http.StatusServiceUnavailable, "Retry-After", "0"), cut(false), status(http.StatusTooManyRequests, "Retry-After", "0"),
		cut(true), status(http.StatusCreated, "Idempotent-Replay", "true", "Songan-Position", "42"),
	)
	got, err := c.Do(t.Context(), Call{
		Method: http.MethodPost, Path: "/notices", Token: "secret", Key: "k1", Body: []byte(`{"a":1}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Took <= 0 {
		t.Errorf("took %s", got.Took)
	}
	got.Took = 0
	want := Answer{Status: http.StatusCreated, Body: []byte(`{"code":"some_code","id":"1"}`), Replayed: true, Position: 42}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	same := `POST|/notices|Bearer secret|k1|application/json||{"a":1}`
	if diff := cmp.Diff([]string{same, same, same, same, same}, s.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	// net/http itself repeats what carries an idempotency key and was not answered with a single byte.
	if busy, lost := c.Busy.Load(), c.Lost.Load(); busy != 2 || lost < 1 {
		t.Errorf("%d busy and %d lost answers, want 2 and at least 1", busy, lost)
	}
}

func TestARefusalIsAnAnswer(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 401, 404, 409, 422, 500} {
		c, s := start(t, status(code))
		got, err := c.Do(t.Context(), Call{Method: http.MethodGet, Path: "/x", After: 7})
		if err != nil || got.Status != code || len(s.sent) != 1 {
			t.Errorf("status %d after %d attempts, %v; want %d after one", got.Status, len(s.sent), err, code)
		}
		if want := "GET|/x|Bearer|||7|"; s.sent[0] != want {
			t.Errorf("sent %q, want %q", s.sent[0], want)
		}
	}
}

func TestAPositionMayComeAfterTheBody(t *testing.T) {
	t.Parallel()
	c, _ := start(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Songan-Position")
		_, _ = io.WriteString(w, "{}\n")
		w.Header().Set("Songan-Position", "9")
	})
	got, err := c.Do(t.Context(), Call{Method: http.MethodPost, Path: "/batch", Media: "application/x-ndjson", Body: []byte("{}\n")})
	if err != nil || got.Position != 9 {
		t.Errorf("position %d, %v", got.Position, err)
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"busy": status(http.StatusServiceUnavailable, "Retry-After", "1"), "lost": cut(false),
	} {
		c, _ := start(t, answer)
		c.patience = 300 * time.Millisecond
		_, err := c.Do(t.Context(), Call{Method: http.MethodGet, Path: "/x", Token: "secret"})
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "no answer within 300ms") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c, _ := start(t, status(http.StatusServiceUnavailable, "Retry-After", "60"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, Call{Method: http.MethodGet, Path: "/x"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
}

func TestReadyTellsAwayFromNotYet(t *testing.T) {
	t.Parallel()
	c, s := start(t, status(http.StatusServiceUnavailable), status(http.StatusOK))
	if err := c.Ready(t.Context()); err != nil || len(s.sent) != 2 {
		t.Errorf("after %d looks: %v", len(s.sent), err)
	}
	gone := httptest.NewServer(s)
	gone.Close()
	if err := New(gone.URL, 1).Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "make run") {
		t.Errorf("nobody is there: %v", err)
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	var made struct {
		ID string `json:"id"`
	}
	c, s := start(t, status(http.StatusCreated), status(http.StatusOK), status(http.StatusForbidden), status(http.StatusOK))
	if err := c.Create(t.Context(), Call{Path: "/things", Key: "k"}, map[string]int{"a": 1}, &made); err != nil || made.ID != "1" {
		t.Errorf("created %q, %v", made.ID, err)
	}
	if err := c.Read(t.Context(), Call{Path: "/things/1"}, &made); err != nil {
		t.Error(err)
	}
	if err := c.Read(t.Context(), Call{Path: "/things/2"}, &made); err == nil || err.Error() != "answered with status 403 some_code" {
		t.Errorf("a refusal is %v", err)
	}
	if err := c.Create(t.Context(), Call{Path: "/things"}, nil, &made); err == nil {
		t.Error("200 is not what was made")
	}
	want := []string{
		`POST|/things|Bearer|k|application/json||{"a":1}`, "GET|/things/1|Bearer||||", "GET|/things/2|Bearer||||",
		"POST|/things|Bearer||application/json||null",
	}
	if diff := cmp.Diff(want, s.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": time.Second, "0": 0, "3": 3 * time.Second, "-1": time.Second, "soon": time.Second, "86400": patience,
	} {
		if got := retryAfter(header); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
