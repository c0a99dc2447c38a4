package breaker_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/breaker"
)

// serve starts a server with a client behind a breaker which opens at the first failure.
func serve(t *testing.T, handler http.HandlerFunc) (*breaker.Breaker, *http.Client, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	b := newBreaker(t, breaker.Settings{Failures: 1, OpenFor: time.Hour})
	return b, &http.Client{Transport: breaker.Transport{Breaker: b, Base: server.Client().Transport}}, server.URL
}

// get asks and reads the whole answer.
func get(t *testing.T, client *http.Client, url string) (int, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

func TestABusinessAnswerPassesThroughAndIsNoFailure(t *testing.T) {
	t.Parallel()
	b, client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "no such citizen")
	})
	status, body, err := get(t, client, url)
	if status != 404 || body != "no such citizen" || err != nil || b.State() != "closed" {
		t.Errorf("got %d %q %v, breaker %s", status, body, err, b.State())
	}
}

func TestServerFaultsAreReturnedAndCounted(t *testing.T) {
	t.Parallel()
	for _, code := range []int{500, 503, 429} {
		b, client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		status, _, err := get(t, client, url)
		if status != code || err != nil || b.State() != "open" {
			t.Errorf("got %d %v, breaker %s; want %d and an open breaker", status, err, b.State(), code)
		}
	}
}

func TestAnOpenBreakerDoesNotReachTheServer(t *testing.T) {
	t.Parallel()
	asked := 0
	_, client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(500) })
	_, _, _ = get(t, client, url)

	body := &closeable{Reader: strings.NewReader("a body")}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err == nil {
		_ = answer.Body.Close()
	}
	if !errors.Is(err, breaker.ErrOpen) || !breaker.IsDown(err) || asked != 1 || !body.closed {
		t.Errorf("got %v, asked %d times, body closed: %v", err, asked, body.closed)
	}
}

type closeable struct {
	io.Reader
	closed bool
}

func (c *closeable) Close() error { c.closed = true; return nil }

func TestAServerThatIsNotThereIsAFailure(t *testing.T) {
	t.Parallel()
	b := newBreaker(t, breaker.Settings{Failures: 1})
	client := &http.Client{Transport: breaker.Transport{Breaker: b}}

	_, _, err := get(t, client, "http://127.0.0.1:1")

	if !breaker.IsDown(err) || b.State() != "open" {
		t.Errorf("got %v, breaker %s", err, b.State())
	}
}

func TestATimeOutIsAFailure(t *testing.T) {
	t.Parallel()
	b, client, url := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	client.Timeout = 50 * time.Millisecond

	_, _, err := get(t, client, url)

	if !breaker.IsDown(err) || b.State() != "open" {
		t.Errorf("got %v, breaker %s", err, b.State())
	}
}

func TestAnAnswerThatBreaksOffIsAFailure(t *testing.T) {
	t.Parallel()
	b, client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "the beginning")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	status, _, err := get(t, client, url)
	if status != 200 || !breaker.IsDown(err) || b.State() != "open" {
		t.Errorf("got %d %v, breaker %s", status, err, b.State())
	}
}

func TestABodyThatIsClosedEarlyIsNoFailure(t *testing.T) {
	t.Parallel()
	b, client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if _, err := answer.Body.Read(make([]byte, 1)); err == nil {
		t.Fatal("a closed body was read")
	}
	if b.State() != "closed" {
		t.Errorf("breaker %s", b.State())
	}
}
