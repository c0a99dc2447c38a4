package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/httpapi"
)

func BenchmarkCommand(b *testing.B) {
	s := newSetup(b)
	o := options(s.clock, io.Discard, s.key)
	s.api = httpapi.New(o)
	httpapi.Command(s.api, httpapi.Route{Pattern: "POST /notices", Action: notifying, Status: 201}, accept)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/accommodation/v1/notices", nil)
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "6f1c1b0e-6a35-4d1c-9a57-1f2d3a4b5c6d")
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(strings.NewReader(body))
		r.ContentLength = int64(len(body))
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, r)
		if w.Code != http.StatusCreated {
			b.Fatal(w.Code, w.Body)
		}
	}
}

func BenchmarkLines(b *testing.B) {
	s := newSetup(b)
	s.api = httpapi.New(options(s.clock, io.Discard, s.key))
	httpapi.Batch(s.api, httpapi.Route{Pattern: "POST /notices/batch", Action: notifying, Status: 201},
		httpapi.Batching{Member: "notice"}, doing[notify, notice](accept).atOnce)
	line := strings.ReplaceAll(body, "\n", "") + "\n"
	in := io.LimitReader(&repeated{line: []byte(line)}, int64(b.N*len(line)))
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/accommodation/v1/notices/batch", in)
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/x-ndjson")
	r.Header.Set("Idempotency-Key", "6f1c1b0e-6a35-4d1c-9a57-1f2d3a4b5c6d")
	w := httptest.NewRecorder()
	b.ReportAllocs()
	b.ResetTimer()
	s.api.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatal(w.Code, w.Body)
	}
}

type repeated struct {
	line []byte
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.line[r.at:])
	r.at = (r.at + n) % len(r.line)
	return n, nil
}
