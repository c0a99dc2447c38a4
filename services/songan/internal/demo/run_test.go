package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/songan/internal/demo"
	"github.com/songan-vn/songan/services/songan/internal/office"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// start builds the command, starts the system as a user does, and returns its data directory once it can serve.
func start(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	binary, data := filepath.Join(dir, "songan"), filepath.Join(dir, "data")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/songan-vn/songan/services/songan/cmd/songan")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	address := testkit.FreeAddress(t)
	var said bytes.Buffer
	system := exec.CommandContext(context.Background(), binary, "run")
	system.Env = append(os.Environ(), "SONGAN_DATA="+data, fmt.Sprintf("SONGAN_TOPICS=evening%d", time.Now().UnixNano()), "SONGAN_HTTP="+address, "SONGAN_KAFKA="+testkit.FreeAddress(t))
	system.Stdout, system.Stderr = &said, &said
	if err := system.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := system.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := system.Wait(); err != nil {
			t.Errorf("the system did not stop cleanly: %v\n%s", err, said.Bytes()[max(0, said.Len()-4_000):])
		}
	})
	testkit.Eventually(t, func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d, %w", response.StatusCode, err)
		}
		return nil
	})
	return data
}

var client = &http.Client{Timeout: 5 * time.Second} //nolint:gochecknoglobals // for all looks at a system

func readDemo(t *testing.T, data string) onemachine.Demo {
	t.Helper()
	var d onemachine.Demo
	text, err := os.ReadFile(filepath.Join(data, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// between puts somebody between the front desks and the system, and returns the data directory in which they are told.
func between(t *testing.T, data string, meddle func(w http.ResponseWriter, r *http.Request, system http.Handler)) string {
	t.Helper()
	d := readDemo(t, data)
	to, err := url.Parse(d.BaseURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorLog: log.New(io.Discard, "", 0), // connections are cut on purpose
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The system answers lists while they are still coming in. A proxy that did so too would lose the rest of them.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the front desk is gone
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		meddle(w, r, proxy)
	}))
	t.Cleanup(server.Close)
	d.BaseURL = server.URL
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "demo.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// play plays a small evening.
func play(t *testing.T, data, name string) (string, error) {
	t.Helper()
	return playBy(t, data, name, time.Now)
}

// playBy plays it by another clock of the front desks.
func playBy(t *testing.T, data, name string, now func() time.Time) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := demo.Run(t.Context(), demo.Args{
		Data: data, Evening: name, Facilities: 12, CheckIns: 400, Over: 2 * time.Second, Connections: 16, Now: now,
	}, &out)
	return out.String(), err
}

// payOut plays a payday after the smallest evening that there is.
func payOut(t *testing.T, data, name string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := demo.Run(t.Context(), demo.Args{
		Data: data, Evening: name, Facilities: 1, CheckIns: 1, Over: time.Millisecond, Beneficiaries: 240, Banks: badDay(),
	}, &out)
	return out.String(), err
}

// checkIn tells whether a request enters one guest.
func checkIn(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, "/notices") && r.Method == http.MethodPost
}

func TestAnEveningOnARealSystem(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	data := start(t)

	honest := t.Run("agrees in every figure, and tells no token", func(t *testing.T) {
		out, err := play(t, data, "first")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for name, actor := range readDemo(t, data).Actors {
			if strings.Contains(out, actor.Token) {
				t.Errorf("the token of %s was printed", name)
			}
		}
	})
	if !honest {
		t.Fatal("the rest would differ for the same reason")
	}
	t.Run("agrees when answers get lost and the system is busy", func(t *testing.T) {
		var requests atomic.Int64
		out, err := play(t, between(t, data, func(w http.ResponseWriter, r *http.Request, system http.Handler) {
			switch requests.Add(1) % 7 {
			case 2:
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusServiceUnavailable)
			case 5: // it is done, but the front desk does not hear of it
				system.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			default:
				system.ServeHTTP(w, r)
			}
		}), "restless")
		if err != nil || !strings.Contains(out, "Sent again, with the same keys") {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	t.Run("cannot be played twice", func(t *testing.T) {
		// Within minutes of a deadline all guests arrive at it, and the same notices would be repeated.
		anHourAgo := func() time.Time { return time.Now().Add(-time.Hour) }
		out, err := playBy(t, data, "first", anHourAgo)
		if err == nil || !strings.Contains(err.Error(), "idempotency_key_reused") {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	t.Run("goes on with a payday that agrees, too", func(t *testing.T) {
		out, err := payOut(t, data, "pay")
		if err != nil || !strings.Contains(out, "15 attempts to approve one's own work were refused") {
			t.Fatalf("%v\n%s", err, out)
		}
		checkStatement(t, readDemo(t, data), out)
		for name, actor := range readDemo(t, data).Actors {
			if strings.Contains(out, actor.Token) {
				t.Errorf("the token of %s was printed", name)
			}
		}
	})
	t.Run("notices a maker who approves their own list", func(t *testing.T) {
		lisa := "Bearer " + readDemo(t, data).Actors["lisa"].Token
		out, err := payOut(t, between(t, data, func(w http.ResponseWriter, r *http.Request, system http.Handler) {
			if strings.HasSuffix(r.URL.Path, "/approval") && r.Header.Get("Authorization") == lisa {
				_, _ = io.WriteString(w, "{}")
				return
			}
			system.ServeHTTP(w, r)
		}), "bribed")
		if err == nil || !strings.Contains(err.Error(), "5 things went otherwise than planned") || !strings.Contains(out, "and was not refused") {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	t.Run("leaves logs in which every invariant holds", func(t *testing.T) {
		var out bytes.Buffer
		if err := (office.Audit{Data: data}).Do(t.Context(), &out); err != nil {
			t.Fatalf("%v\n%s", err, out.Bytes())
		}
	})
	t.Run("notices check-ins that are confirmed and not done", func(t *testing.T) {
		out, err := play(t, between(t, data, swallow(40)), "swallowed")
		if err == nil || !strings.Contains(err.Error(), "accepted; ") || !strings.Contains(err.Error(), "notices read one by one") {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	t.Run("notices a late guest who is said to be in time", func(t *testing.T) {
		out, err := play(t, between(t, data, replace(`"late":true`, `"late":false`)), "flattered")
		if err == nil || !strings.Contains(err.Error(), "not as planned: late; notices read one by one") {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}

// swallow answers every nth check-in with the notice of another guest, and does not pass it on.
func swallow(nth int) func(http.ResponseWriter, *http.Request, http.Handler) {
	var mu sync.Mutex
	seen, last := 0, []byte(nil)
	return func(w http.ResponseWriter, r *http.Request, system http.Handler) {
		if !checkIn(r) {
			system.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if seen++; seen%nth == 0 && last != nil {
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write(bytes.Replace(last, []byte(`"id":"`), []byte(`"id":"x`), 1))
			return
		}
		answer := record(system, r)
		if answer.Code == http.StatusCreated {
			last = bytes.Clone(answer.Body.Bytes())
		}
		pass(w, answer, answer.Body.Bytes())
	}
}

// replace changes what is answered.
func replace(old, with string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, system http.Handler) {
		answer := record(system, r)
		pass(w, answer, bytes.ReplaceAll(answer.Body.Bytes(), []byte(old), []byte(with)))
	}
}

func record(system http.Handler, r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	system.ServeHTTP(answer, r)
	return answer
}

func pass(w http.ResponseWriter, answer *httptest.ResponseRecorder, body []byte) {
	for name, values := range answer.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.Code)
	_, _ = io.Copy(w, bytes.NewReader(body))
}
