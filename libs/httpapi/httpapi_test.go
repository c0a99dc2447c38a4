package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
)

// The service of these tests: stays, as small as they can be and still have everything that can be wrong.

type guest struct {
	FullName  string `json:"full_name" maxLength:"100"`
	BirthDate string `json:"birth_date" format:"partial-date"`
	Sex       string `json:"sex" enum:"male,female"`
	Number    string `json:"number,omitzero" pattern:"^[0-9]{12}$" patternDescription:"12 digits"`
}

func (g guest) Validate(f *problem.Faults) {
	if len(g.Number) == 12 && len(g.BirthDate) >= 4 && g.Number[4:6] != g.BirthDate[2:4] {
		f.At("/number", problem.Fault{
			Code: "citizen_id_year_mismatch", Message: "digits 5 and 6 disagree with the year of birth",
			MessageVI: "chữ số 5 và 6 không khớp năm sinh",
		})
	}
}

type notify struct {
	Guest     guest     `json:"guest"`
	ArrivedAt time.Time `json:"arrived_at"`
	Departure string    `json:"expected_departure,omitzero" format:"date"`
	Room      *string   `json:"room,omitzero"`
}

type notice struct {
	ID         string    `json:"id"`
	Facility   string    `json:"facility"`
	ArrivedAt  time.Time `json:"arrived_at"`
	Warnings   []string  `json:"warnings"`
	NotifiedAt time.Time `json:"notified_at"`
}

const body = `{"guest":{"full_name":"Nguyễn Văn An","birth_date":"1990-01-15","sex":"male","number":"001090123456"},
 "arrived_at":"2026-11-21T14:05:00+07:00","expected_departure":"2026-11-23","room":"101"}`

type setup struct {
	api   *httpapi.API
	token string
	key   access.Key
	clock *testkit.Clock
	log   *bytes.Buffer
}

func digest(kind string, parts ...string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:13])
}

func evening() time.Time { return time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC) }

func options(clock *testkit.Clock, log io.Writer, keys ...access.Key) httpapi.Options {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	return httpapi.Options{
		Service: "accommodation", Title: "Accommodation",
		Auth:        access.New(access.Options{Now: clock.Now}, access.Static(keys...)),
		Name:        digest,
		Fingerprint: func(b []byte) string { return digest("body", string(b)) },
		Now:         clock.Now,
		Log:         zap.New(zapcore.NewCore(encoder, zapcore.AddSync(log), zapcore.InfoLevel)),
		Metrics:     prometheus.NewRegistry(),
		Limits:      httpapi.DefaultLimits(),
	}
}

func newSetup(tb testing.TB) *setup {
	tb.Helper()
	s := &setup{clock: testkit.NewClock(evening()), log: &bytes.Buffer{}}
	s.token, s.key = access.Generate(access.Principal{Role: access.Facility, Facility: "F1"})
	s.api = httpapi.New(options(s.clock, s.log, s.key))
	return s
}

func hotels() []access.Role { return []access.Role{access.Facility} }

func accept(_ context.Context, c httpapi.Call[notify]) (httpapi.Done[notice], error) {
	return httpapi.Done[notice]{Answer: notice{
		ID: c.Name("notice"), Facility: c.Who.Facility, ArrivedAt: c.In.ArrivedAt, NotifiedAt: c.Meta.At,
	}, Position: 7}, nil
}

func (s *setup) do(tb testing.TB, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	return w
}

func BenchmarkCommand(b *testing.B) {
	s := newSetup(b)
	o := options(s.clock, io.Discard, s.key)
	s.api = httpapi.New(o)
	httpapi.Command(s.api, httpapi.Route{Pattern: "POST /notices", Roles: hotels(), Status: 201}, accept)
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
	httpapi.Batch(s.api, httpapi.Route{Pattern: "POST /notices/batch", Roles: hotels(), Status: 201},
		httpapi.Batching{Member: "notice"}, accept)
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
