package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
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
	log   *syncBuffer
}

// syncBuffer is a log that handlers write and tests read.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
		Now:         clock.Now, Policy: policies(clock.Now),
		Log:     zap.New(zapcore.NewCore(encoder, zapcore.AddSync(log), zapcore.InfoLevel)),
		Metrics: prometheus.NewRegistry(),
		Limits:  httpapi.DefaultLimits(),
	}
}

// newSetup returns an API without routes, and a key for it. Changes are made to its options first.
func newSetup(tb testing.TB, changes ...func(*httpapi.Options)) *setup {
	tb.Helper()
	s := &setup{clock: testkit.NewClock(evening()), log: &syncBuffer{}}
	s.token, s.key = access.Generate(access.Principal{Role: access.Facility, Facility: "F1"})
	o := options(s.clock, s.log, s.key)
	for _, change := range changes {
		change(&o)
	}
	s.api = httpapi.New(o)
	return s
}

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

// refusal is a problem as a caller reads it.
type refusal struct {
	Type, Title, Code, Detail, Instance string
	DetailVI                            string `json:"detail_vi"`
	Status                              int
	Errors                              []problem.Fault
}

func refused(tb testing.TB, w *httptest.ResponseRecorder) refusal {
	tb.Helper()
	var r refusal
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		tb.Fatalf("%d, no problem document: %s", w.Code, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		tb.Errorf("content type %s", got)
	}
	if r.Status != w.Code || r.Title == "" || r.Detail == "" || r.DetailVI == "" ||
		r.Type != "urn:songan:problem:"+r.Code || r.Instance != "urn:uuid:"+w.Header().Get("Songan-Request") {
		tb.Errorf("incomplete: %d %s", w.Code, w.Body)
	}
	return r
}

func places(r refusal) []string {
	said := make([]string, 0, len(r.Errors))
	for _, f := range r.Errors {
		said = append(said, strings.TrimSpace(f.Pointer+" "+f.Code))
	}
	return said
}

func (s *setup) notices() {
	httpapi.Command(s.api, httpapi.Route{Pattern: "POST /notices", Summary: "Notify a stay", Action: notifying, Status: 201}, accept)
}

const key = "6f1c1b0e-6a35-4d1c-9a57-1f2d3a4b5c6d"

func TestACommandIsReadDoneAndAnswered(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.notices()
	w := s.do(t, "POST", "/accommodation/v1/notices", body, "Idempotency-Key", key)
	if w.Code != http.StatusCreated {
		t.Fatal(w.Code, w.Body)
	}
	want := `{"id":"` + digest("notice", "F1", key) + `","facility":"F1","arrived_at":"2026-11-21T14:05:00+07:00",` +
		`"warnings":[],"notified_at":"2026-11-21T22:00:00Z"}` + "\n"
	if d := cmp.Diff(want, w.Body.String()); d != "" {
		t.Error(d)
	}
	for header, want := range map[string]string{
		"Content-Type": "application/json", "Songan-Position": "7", "Idempotent-Replay": "", "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"Referrer-Policy": "no-referrer",
	} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

// metas records what commands are told.
func (s *setup) metas(pattern string) *[]httpapi.Call[notify] {
	calls := &[]httpapi.Call[notify]{}
	httpapi.Command(s.api, httpapi.Route{Pattern: pattern, Action: notifying},
		func(_ context.Context, c httpapi.Call[notify]) (httpapi.Done[struct{}], error) {
			*calls = append(*calls, c)
			return httpapi.Done[struct{}]{Replayed: len(*calls) > 1}, nil
		})
	return calls
}

func TestMetaSaysHowTheFactsCameAbout(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	calls := s.metas("POST /notices/{id}/correction")
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	w := s.do(t, "POST", "/accommodation/v1/notices/N1/correction", body, "Idempotency-Key", key, "Traceparent", trace)
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	c := (*calls)[0]
	if c.Path("id") != "N1" || c.Key != key || c.Who != s.key.Principal {
		t.Errorf("%+v", c)
	}
	m := c.Meta
	if m.At != evening() || m.Actor != "facility:"+s.key.ID || m.Cause != digest("cause", "F1", key) ||
		m.Correlation != w.Header().Get("Songan-Request") || m.Trace != trace || m.Fingerprint == "" {
		t.Errorf("%+v", m)
	}
}

func TestAFingerprintIsOfWhatABodyMeansAndOfWhereItWasSent(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	calls := s.metas("POST /notices/{id}/correction")
	again := strings.NewReplacer("\n ", "", `"sex":"male",`, "", `"number"`, `"sex":"male", "number"`, "An", `\u0041n`).Replace(body)
	other := strings.Replace(body, "101", "102", 1)
	for _, sent := range []struct{ id, body string }{{"N1", body}, {"N1", again}, {"N1", other}, {"N2", body}} {
		if w := s.do(t, "POST", "/accommodation/v1/notices/"+sent.id+"/correction", sent.body, "Idempotency-Key", key); w.Code != 200 {
			t.Fatal(w.Body)
		}
	}
	f := func(i int) string { return (*calls)[i].Meta.Fingerprint }
	if f(0) != f(1) {
		t.Error("the same body written differently is another")
	}
	if f(0) == f(2) || f(0) == f(3) {
		t.Error("another body or path has the same fingerprint")
	}
}

func TestARepeatIsAnsweredAsOne(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.metas("POST /notices")
	first := s.do(t, "POST", "/accommodation/v1/notices", body, "Idempotency-Key", key)
	second := s.do(t, "POST", "/accommodation/v1/notices", body, "Idempotency-Key", key)
	if first.Header().Get("Idempotent-Replay") != "" || second.Header().Get("Idempotent-Replay") != "true" || second.Code != first.Code {
		t.Error(first.Header(), second.Header())
	}
}

func TestEveryChangeNeedsAKey(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	calls := s.metas("POST /notices")
	for k, want := range map[string]string{
		"": "idempotency_key_required", "a b": "idempotency_key_invalid", "khoá": "idempotency_key_invalid",
		strings.Repeat("k", 201): "idempotency_key_invalid",
	} {
		r := refused(t, s.do(t, "POST", "/accommodation/v1/notices", body, "Idempotency-Key", k))
		if r.Status != http.StatusBadRequest || r.Code != want || r.Errors[0].Pointer != "/header/Idempotency-Key" {
			t.Errorf("%q: %+v", k, r)
		}
	}
	if len(*calls) != 0 {
		t.Error("something was done")
	}
	if w := s.do(t, "POST", "/accommodation/v1/notices", body, "Idempotency-Key", strings.Repeat("k", 200)); w.Code != 200 {
		t.Error(w.Body)
	}
}

func TestDeletingIsItsOwnKey(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	var causes []string
	httpapi.Command(s.api, httpapi.Route{Pattern: "DELETE /keys/{key}", Action: notifying, Status: http.StatusNoContent},
		func(_ context.Context, c httpapi.Call[struct{}]) (httpapi.Done[struct{}], error) {
			causes = append(causes, c.Meta.Cause)
			return httpapi.Done[struct{}]{}, nil
		})
	for _, id := range []string{"a", "a", "b"} {
		if w := s.do(t, "DELETE", "/accommodation/v1/keys/"+id, ""); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
			t.Fatal(w.Code, w.Body)
		}
	}
	if causes[0] != causes[1] || causes[0] == causes[2] {
		t.Error(causes)
	}
}

func TestACommandWithoutParametersNeedsNoBody(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	httpapi.Command(s.api, httpapi.Route{Pattern: "POST /payrolls/{id}/submission", Action: notifying},
		func(context.Context, httpapi.Call[struct{}]) (httpapi.Done[struct{}], error) {
			return httpapi.Done[struct{}]{}, nil
		})
	for sent, want := range map[string]int{"": 200, "{}": 200, `{"x":1}`: 422, "[": 400} {
		if w := s.do(t, "POST", "/accommodation/v1/payrolls/p/submission", sent, "Idempotency-Key", key); w.Code != want {
			t.Errorf("%q: %d %s", sent, w.Code, w.Body)
		}
	}
}

// list is a list with paging and a place to wait at.
func (s *setup) list(after func(context.Context, int64) error) {
	type at struct {
		Position int64 `json:"position"`
	}
	type params struct {
		httpapi.Paging[at]
		Status string `query:"status" enum:"notified,departed"`
	}
	httpapi.Query(s.api, httpapi.Route{Pattern: "GET /notices", Action: notifying, After: after, Summary: "List notices"},
		func(_ context.Context, c httpapi.Call[params]) (httpapi.Page[int64], error) {
			var from int64
			if c.In.Cursor.At != nil {
				from = c.In.Cursor.At.Position
			}
			var rows []int64
			for i := from + 1; i <= 6 && len(rows) < c.In.More(); i++ {
				rows = append(rows, i)
			}
			return httpapi.PageOf(c.In.Paging, rows, func(n int64) int64 { return n }, func(n int64) at { return at{n} }), nil
		})
}

// The last page has no cursor, also where it is full.
func TestAListIsPagedToItsEnd(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.list(nil)
	for limit, want := range map[int]int{1: 6, 2: 3, 3: 2, 4: 2, 5: 2, 6: 1, 7: 1} {
		var all []int64
		next, pages := "", 0
		for ; pages == 0 || next != ""; pages++ {
			var page struct {
				Items []int64 `json:"items"`
				Next  string  `json:"next_cursor"`
			}
			w := s.do(t, "GET", fmt.Sprintf("/accommodation/v1/notices?limit=%d&cursor=%s", limit, next), "")
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
				t.Fatal(w.Code, w.Body)
			}
			all, next = append(all, page.Items...), page.Next
		}
		if d := cmp.Diff([]int64{1, 2, 3, 4, 5, 6}, all); d != "" || pages != want {
			t.Error(limit, pages, d)
		}
	}
}

func TestEverythingThatIsWrongWithParametersIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.list(nil)
	r := refused(t, s.do(t, "GET", "/accommodation/v1/notices?cursor=bm9uZQ&limit=1000&status=gone&x=1", ""))
	want := []string{"/query/cursor invalid_cursor", "/query/limit out_of_range", "/query/status not_allowed", "/query/x unknown_field"}
	if d := cmp.Diff(want, places(r)); d != "" || r.Status != 422 {
		t.Error(r.Status, d)
	}
}

func TestAReadWaitsUntilItSeesWhatItsCallerHasSeen(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	var waited int64
	s.list(func(_ context.Context, position int64) error { waited = position; return nil })
	if w := s.do(t, "GET", "/accommodation/v1/notices", "", "Songan-After", "41"); w.Code != 200 || waited != 41 {
		t.Error(w.Code, waited)
	}
	r := refused(t, s.do(t, "GET", "/accommodation/v1/notices", "", "Songan-After", "-1"))
	if r.Status != 400 || r.Code != "songan_after_invalid" || r.Errors[0].Pointer != "/header/Songan-After" {
		t.Errorf("%+v", r)
	}
}

func TestAReadDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSetup(t)
		s.list(func(ctx context.Context, _ int64) error { <-ctx.Done(); return ctx.Err() })
		begun := time.Now()
		w := s.do(t, "GET", "/accommodation/v1/notices", "", "Songan-After", "41")
		r := refused(t, w)
		if r.Status != 503 || r.Code != "position_not_reached" || w.Header().Get("Retry-After") != "1" || time.Since(begun) != 5*time.Second {
			t.Errorf("after %s: %+v", time.Since(begun), r)
		}
	})
}

func TestReferenceDataIsSentOnce(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	httpapi.Query(s.api, httpapi.Route{Pattern: "GET /units", Public: true, Cache: time.Hour},
		func(context.Context, httpapi.Call[struct{}]) (map[string]string, error) {
			return map[string]string{"00004": "Ba Đình", "00008": "Ngọc Hà", "00013": "Giảng Võ"}, nil
		})
	first := s.do(t, "GET", "/accommodation/v1/units", "")
	tag := first.Header().Get("ETag")
	if first.Code != 200 || tag == "" || first.Header().Get("Cache-Control") != "private, max-age=3600" {
		t.Fatal(first.Code, first.Header())
	}
	for sent, want := range map[string]int{tag: 304, `"x", W/` + tag: 304, "*": 304, `"x"`: 200} {
		if w := s.do(t, "GET", "/accommodation/v1/units", "", "If-None-Match", sent); w.Code != want || want == 304 && w.Body.Len() > 0 {
			t.Errorf("%s: %d %s", sent, w.Code, w.Body)
		}
	}
}

func TestAskingNeedsNoKeyAndRawRoutesWriteThemselves(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	httpapi.Ask(s.api, httpapi.Route{Pattern: "POST /lookups", Action: notifying},
		func(_ context.Context, c httpapi.Call[guest]) (string, error) { return c.In.Sex, nil })
	httpapi.Handle(s.api, httpapi.Route{Pattern: "GET /notices.csv", Action: notifying},
		func(w http.ResponseWriter, _ *http.Request, c httpapi.Call[struct{}]) error {
			_, err := io.WriteString(w, "facility\n"+c.Who.Facility+"\n")
			return err
		})
	httpapi.Handle(s.api, httpapi.Route{Pattern: "POST /imports", Action: notifying, BodyLimit: 3},
		func(_ http.ResponseWriter, r *http.Request, _ httpapi.Call[struct{}]) error {
			_, err := io.Copy(io.Discard, r.Body)
			return err
		})
	if w := s.do(t, "POST", "/accommodation/v1/lookups", `{"full_name":"A","birth_date":"1990","sex":"male"}`); w.Body.String() != "\"male\"\n" {
		t.Error(w.Code, w.Body)
	}
	if w := s.do(t, "GET", "/accommodation/v1/notices.csv", ""); w.Body.String() != "facility\nF1\n" {
		t.Error(w.Code, w.Body)
	}
	if w := s.do(t, "POST", "/accommodation/v1/imports", "four"); w.Code != 413 {
		t.Error(w.Code, w.Body)
	}
}

func TestARouteWithoutAnActionIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	defer func() {
		if recover() == nil {
			t.Error("accepted")
		}
	}()
	httpapi.Command(s.api, httpapi.Route{Pattern: "POST /notices"}, accept)
}

func TestEveryRequestIsOneLineWithoutPeopleInIt(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.notices()
	s.list(nil)
	s.do(t, "POST", "/accommodation/v1/notices", body, "Idempotency-Key", key)
	s.do(t, "GET", "/accommodation/v1/notices?status=Nguyễn&cursor=001090123456", "")
	s.do(t, "GET", "/accommodation/v1/001090123456", "")
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines: %s", len(lines), s.log)
	}
	for _, part := range []string{`"route":"POST /accommodation/v1/notices"`, `"status":201`, `"actor":"facility:` + s.key.ID + `"`, `"took":`, `"request":"`} {
		if !strings.Contains(lines[0], part) {
			t.Errorf("no %s in %s", part, lines[0])
		}
	}
	for _, secret := range []string{"Nguyễn", "001090", s.token, key, "192.0.2.1"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("%s in the log: %s", secret, s.log)
		}
	}
}

var errSecret = errors.New("guest Nguyễn Văn An")
