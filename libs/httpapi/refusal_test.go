package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/httpapi/limits"
	"github.com/songan-vn/songan/libs/problem"
)

// TestBadInput is the list of the issue "House", one by one. Whatever is sent: a problem document with every fault by its
// place, in both languages, without the value, and nothing is done.
func TestBadInput(t *testing.T) {
	t.Parallel()
	with := func(old, replacement string) string {
		if !strings.Contains(body, old) {
			t.Fatal(old)
		}
		return strings.Replace(body, old, replacement, 1)
	}
	tests := []struct {
		name, body, media string
		status            int
		code              string
		want              []string
	}{
		{"malformed", body[:150], "", 400, "malformed_body", []string{"malformed_json"}},
		{"no JSON at all", "full_name=An", "", 400, "malformed_body", []string{"malformed_json"}},
		{"empty", "", "application/json", 400, "malformed_body", []string{"body_missing"}},
		{"oversized", with(`"101"`, `"`+strings.Repeat("1", 64<<10)+`"`), "", 413, "body_too_large", nil},
		{"deeply nested", with(`"101"`, strings.Repeat(`{"a":`, 50)+"1"+strings.Repeat("}", 50)), "", 422, "invalid_body", []string{"/room wrong_type", "/room too_deep"}},
		{"nested beyond all bounds", strings.Repeat("[", 30_000), "", 400, "malformed_body", []string{"wrong_type", "too_deep", "malformed_json"}},
		{"a key twice", with(`"sex":"male"`, `"sex":"male","sex":"female"`), "", 422, "invalid_body", []string{"/guest/sex duplicate_key"}},
		{"an unknown field", with(`"room"`, `"rooom"`), "", 422, "invalid_body", []string{"/rooom unknown_field"}},
		{"NUL characters", with("Nguyễn Văn An", `Nguyễn\u0000An`), "", 422, "invalid_body", []string{"/guest/full_name nul_character"}},
		{"raw NUL characters", with("Nguyễn Văn An", "Nguyễn\x00An"), "", 400, "malformed_body", []string{"malformed_json"}},
		{"Windows-1258", with("Nguyễn Văn An", "Nguy\xean V\xe3n An"), "", 422, "invalid_body", []string{"/guest/full_name invalid_utf8"}},
		{"UTF-16", "\xff\xfe{\x00", "", 400, "malformed_body", []string{"not_utf8"}},
		{"another charset", body, "application/json; charset=windows-1258", 415, "charset_not_supported", nil},
		{"another type", body, "text/plain", 415, "media_type_not_supported", nil},
		{"a form", "full_name=An", "application/x-www-form-urlencoded", 415, "media_type_not_supported", nil},
		{"no type that is one", body, "json", 415, "media_type_not_supported", nil},
		{"impossible dates", with("1990-01-15", "1990-02-30"), "", 422, "invalid_body", []string{"/guest/birth_date impossible_date"}},
		{"impossible times", with("2026-11-21T14", "2026-11-31T14"), "", 422, "invalid_body", []string{"/arrived_at impossible_date"}},
		{"a number that disagrees with the year", with("1990-01-15", "1991-01-15"), "", 422, "invalid_body", []string{"/guest/number citizen_id_year_mismatch"}},
		{"many things at once", with(`"sex":"male"`, `"sex":"nam"`)[:0] + `{"guest":{"full_name":7,"birth_date":"1990-13-01","sex":"nam","number":"001091123456"},"room":""}`, "", 422, "invalid_body", []string{
			"/guest/full_name wrong_type", "/guest/birth_date impossible_date", "/guest/sex not_allowed", "/arrived_at required",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			calls := s.metas("POST /notices")
			headers := []string{"Idempotency-Key", key}
			if test.media != "" {
				headers = append(headers, "Content-Type", test.media)
			}
			w := s.do(t, "POST", "/accommodation/v1/notices", test.body, headers...)
			r := refused(t, w)
			if r.Status != test.status || r.Code != test.code {
				t.Errorf("%d %s, want %d %s", r.Status, r.Code, test.status, test.code)
			}
			if d := cmp.Diff(test.want, places(r)); d != "" && test.want != nil {
				t.Error(d)
			}
			for _, f := range r.Errors {
				if f.Message == "" || f.MessageVI == "" {
					t.Errorf("no text in a language: %+v", f)
				}
			}
			for _, value := range []string{"Nguy", "Văn", "0010", "1990", "2026", "101"} {
				if strings.Contains(strings.ReplaceAll(w.Body.String(), r.Instance, ""), value) && !strings.Contains(w.Body.String(), "such as "+value) {
					t.Errorf("%s is repeated: %s", value, w.Body)
				}
			}
			if len(*calls) != 0 {
				t.Error("something was done")
			}
		})
	}
}

func TestACompressedBodyIsRefused(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.notices()
	w := s.do(t, "POST", "/accommodation/v1/notices", body, "Idempotency-Key", key, "Content-Encoding", "gzip")
	if r := refused(t, w); r.Status != 415 || r.Code != "content_encoding_not_supported" || w.Header().Get("Accept-Encoding") != "identity" {
		t.Errorf("%+v", r)
	}
}

// serve runs the API on a real server.
func (s *setup) serve(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(s.api)
	t.Cleanup(server.Close)
	return server
}

// wire is a connection on which bytes are sent as they are.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, server *httptest.Server, sent string) wire {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, sent); err != nil {
		t.Fatal(err)
	}
	return wire{c, bufio.NewReader(c)}
}

// answer reads the whole answer, and whether the connection ends with it.
func (w wire) answer(t *testing.T) (recorded *httptest.ResponseRecorder, last bool) {
	t.Helper()
	answer, err := http.ReadResponse(w.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return record(t, answer), answer.Close
}

// record keeps an answer that came over a connection.
func record(t *testing.T, answer *http.Response) *httptest.ResponseRecorder {
	t.Helper()
	defer answer.Body.Close()
	recorded := httptest.NewRecorder()
	maps.Copy(recorded.Header(), answer.Header)
	recorded.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(recorded.Body, answer.Body); err != nil {
		t.Fatal(err)
	}
	return recorded
}

// toldTooSlow checks what a slow client is answered: the problem, in both languages and with everything that it takes.
func toldTooSlow(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	said := refused(t, w)
	said.Instance = ""
	want := refusal{
		Type: "urn:songan:problem:body_too_slow", Title: "Request Timeout", Status: http.StatusRequestTimeout, Code: "body_too_slow",
		Detail: "the body took too long to arrive", DetailVI: "nội dung gửi lên quá chậm",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("a slow client is told (-want +got)\n%s", diff)
	}
}

func (s *setup) head(path, length string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.token + "\r\nIdempotency-Key: k\r\n" +
		"Content-Type: application/json\r\n" + length + "\r\n\r\n"
}

func TestASlowClientIsToldSo(t *testing.T) {
	t.Parallel()
	s := newSetup(t, func(o *httpapi.Options) { o.Limits.BodyPatience = 50 * time.Millisecond })
	s.notices()
	w, last := dial(t, s.serve(t), s.head("/accommodation/v1/notices", "Content-Length: 500")+`{"guest":`).answer(t)
	if toldTooSlow(t, w); !last {
		t.Error("the connection stays open")
	}
}

func TestALargeBodyIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.notices()
	w, _ := dial(t, s.serve(t), s.head("/accommodation/v1/notices", "Content-Length: 5000000000")).answer(t)
	if r := refused(t, w); r.Status != http.StatusRequestEntityTooLarge || r.Code != "body_too_large" {
		t.Errorf("%+v", r)
	}
}

// chunk is a part of a body that does not say how large it is; one without anything in it is the end.
func chunk(part string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(part), part) }

func TestALargeBodyOfUnknownLengthIsRefused(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.notices()
	sent := chunk(strings.Repeat(" ", 70_000))
	w, _ := dial(t, s.serve(t), s.head("/accommodation/v1/notices", "Transfer-Encoding: chunked")+sent).answer(t)
	if r := refused(t, w); r.Status != http.StatusRequestEntityTooLarge || r.Code != "body_too_large" {
		t.Errorf("%+v", r)
	}
}

func TestABodyThatTookItsTimeDoesNotEndTheRequest(t *testing.T) {
	t.Parallel()
	s := newSetup(t, func(o *httpapi.Options) { o.Limits.BodyPatience = 50 * time.Millisecond })
	httpapi.Command(s.api, httpapi.Route{Pattern: "POST /slow", Action: notifying},
		func(ctx context.Context, _ httpapi.Call[guest]) (httpapi.Done[string], error) {
			work := time.NewTimer(200 * time.Millisecond) // longer than the patience for the body
			defer work.Stop()
			select {
			case <-work.C:
				return httpapi.Done[string]{Answer: "done"}, nil
			case <-ctx.Done():
				return httpapi.Done[string]{}, ctx.Err()
			}
		})
	sent := `{"full_name":"A","birth_date":"1990","sex":"male"}`
	head := s.head("/accommodation/v1/slow", fmt.Sprint("Content-Length: ", len(sent)))
	if w, _ := dial(t, s.serve(t), head+sent).answer(t); w.Code != http.StatusOK {
		t.Error(w.Code, w.Body)
	}
}

func TestWhoMayNotIsTold(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	calls := s.metas("POST /notices")
	httpapi.Command(s.api, httpapi.Route{Pattern: "POST /facilities", Action: "accommodation.register_facility"}, accept)
	other, _ := access.Generate(access.Principal{Role: access.Facility})
	for _, test := range []struct {
		path, authorization string
		status              int
		code                string
	}{
		{"notices", "", 401, "no_credentials"},
		{"notices", "Basic YTpi", 401, "invalid_key"},
		{"notices", "Bearer " + other, 401, "invalid_key"},
		{"notices", "Bearer " + s.token + "x", 401, "invalid_key"},
		{"facilities", "Bearer " + s.token, 403, "role_not_allowed"},
	} {
		w := s.do(t, "POST", "/accommodation/v1/"+test.path, body, "Idempotency-Key", key, "Authorization", test.authorization)
		r := refused(t, w)
		if r.Status != test.status || r.Code != test.code {
			t.Errorf("%s: %d %s", test.authorization, r.Status, r.Code)
		}
		if challenge := w.Header().Get("WWW-Authenticate"); (test.status == 401) != strings.HasPrefix(challenge, "Bearer") {
			t.Errorf("%s: %q", test.authorization, challenge)
		}
	}
	if len(*calls) != 0 {
		t.Error("something was done")
	}
}

func TestWhoComesTooOftenIsToldWhenToComeAgain(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"address", "principal"} {
		t.Run(of, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t, func(o *httpapi.Options) {
				r := limits.NewRates(limits.RatesOptions{Every: 10 * time.Second, Burst: 2, Callers: 10, Now: o.Now})
				if of == "address" {
					o.Limits.Addresses = r
				} else {
					o.Limits.Principals = r
				}
			})
			s.list(nil)
			for i, want := range []int{200, 200, 429} {
				if w := s.do(t, "GET", "/accommodation/v1/notices", ""); w.Code != want {
					t.Fatalf("%d: %d %s", i, w.Code, w.Body)
				}
			}
			s.clock.Advance(4 * time.Second)
			w := s.do(t, "GET", "/accommodation/v1/notices", "")
			if r := refused(t, w); r.Code != "too_many_requests" || w.Header().Get("Retry-After") != "6" {
				t.Errorf("%+v, %v", r, w.Header())
			}
			s.clock.Advance(6 * time.Second)
			if w := s.do(t, "GET", "/accommodation/v1/notices", ""); w.Code != 200 {
				t.Error(w.Code)
			}
		})
	}
}

// What one key uses up is its own, whether it was allowed what it asked for or not.
func TestARateIsThatOfOneKeyAndRefusalsCount(t *testing.T) {
	t.Parallel()
	one, first := access.Generate(access.Principal{Role: access.Facility, Facility: "F1"})
	other, second := access.Generate(access.Principal{Role: access.Facility, Facility: "F1"})
	s := newSetup(t, func(o *httpapi.Options) {
		o.Auth = access.New(access.Options{Now: o.Now}, access.Static(first, second))
		o.Limits.Principals = limits.NewRates(limits.RatesOptions{Every: 10 * time.Second, Burst: 2, Callers: 10, Now: o.Now})
	})
	s.list(nil)
	httpapi.Command(s.api, httpapi.Route{Pattern: "POST /facilities", Action: "accommodation.register_facility"}, accept)
	var got []int
	for _, call := range []struct{ method, path, token string }{
		{"POST", "facilities", one}, {"POST", "facilities", one}, {"POST", "facilities", one}, {"GET", "notices", one}, {"GET", "notices", other},
	} {
		got = append(got, s.do(t, call.method, "/accommodation/v1/"+call.path, "", "Authorization", "Bearer "+call.token).Code)
	}
	if want := []int{403, 403, 429, 429, 200}; !slices.Equal(got, want) {
		t.Errorf("answered %v, want %v", got, want)
	}
}

func TestOverloadIsAnsweredAndNotCollected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSetup(t, func(o *httpapi.Options) {
			o.Limits.Requests = limits.NewGate(limits.GateOptions{Width: 2, Queue: 3, Patience: time.Second})
		})
		release := make(chan struct{})
		var inside, most atomic.Int64
		httpapi.Query(s.api, httpapi.Route{Pattern: "GET /slow", Action: notifying},
			func(context.Context, httpapi.Call[struct{}]) (string, error) {
				most.Store(max(most.Load(), inside.Add(1)))
				defer inside.Add(-1)
				<-release
				return "done", nil
			})
		statuses := make(chan *httptest.ResponseRecorder, 10)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { statuses <- s.do(t, "GET", "/accommodation/v1/slow", "") })
		}
		synctest.Wait() // five have no place to wait in
		if n := len(statuses); n != 5 {
			t.Errorf("%d refused at once", n)
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // of the bubble's clock: three lose their patience
		close(release)
		wg.Wait()
		close(statuses)
		count := map[int]int{}
		for w := range statuses {
			count[w.Code]++
			if w.Code == 503 && (w.Header().Get("Retry-After") == "" || refused(t, w).Code != "overloaded") {
				t.Error(w.Header(), w.Body)
			}
		}
		if d := cmp.Diff(map[int]int{200: 2, 503: 8}, count); d != "" || most.Load() != 2 {
			t.Error(d, most.Load())
		}
	})
}

func TestOurFaultsAreLoggedOnceAndNotTold(t *testing.T) {
	t.Parallel()
	down := fmt.Errorf("away: %w", errSecret)
	for name, test := range map[string]struct {
		do   func(context.Context) error
		want string
		code int
		log  string
	}{
		"an error":                  {func(context.Context) error { return errSecret }, "internal", 500, `"error":`},
		"a panic":                   {func(context.Context) error { panic("guest Nguyễn Văn An") }, "internal", 500, "panic: string"},
		"a panic of the runtime":    {func(context.Context) error { _ = []int{}[len(errSecret.Error())]; return nil }, "internal", 500, "index out of range"},
		"too long":                  {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "took_too_long", 503, "deadline"},
		"a dependency that is away": {func(context.Context) error { return down }, "dependency_away", 503, `"error":`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t, func(o *httpapi.Options) { o.Down = func(err error) bool { return err == down } }) //nolint:errorlint // this one
			httpapi.Query(s.api, httpapi.Route{Pattern: "GET /x", Action: notifying, Timeout: 10 * time.Millisecond},
				func(ctx context.Context, _ httpapi.Call[struct{}]) (string, error) { return "", test.do(ctx) })
			w := s.do(t, "GET", "/accommodation/v1/x", "")
			r := refused(t, w)
			if r.Status != test.code || r.Code != test.want || (test.code == 503) != (w.Header().Get("Retry-After") == "1") {
				t.Errorf("%+v %v", r, w.Header())
			}
			if strings.Contains(w.Body.String(), "guest") {
				t.Errorf("told: %s", w.Body)
			}
			if n := strings.Count(s.log.String(), "\n"); n != 1 || !strings.Contains(s.log.String(), test.log) || !strings.Contains(s.log.String(), `"level":"error"`) {
				t.Errorf("%d lines: %s", n, s.log)
			}
			if name == "a panic" && strings.Contains(s.log.String(), "Nguyễn") {
				t.Errorf("logged: %s", s.log)
			}
		})
	}
}

func TestAProblemOfTheDomainHasItsStatus(t *testing.T) {
	t.Parallel()
	for kind, want := range map[problem.Kind]int{
		problem.Malformed: 400, problem.Invalid: 422, problem.Unauthenticated: 401, problem.Forbidden: 403, problem.NotFound: 404,
		problem.Conflict: 409, problem.Rejected: 422, problem.TooLarge: 413, problem.UnsupportedMedia: 415, problem.TooMany: 429,
		problem.Unavailable: 503, problem.TimedOut: 408, problem.Internal: 500,
	} {
		s := newSetup(t)
		httpapi.Query(s.api, httpapi.Route{Pattern: "GET /x", Action: notifying},
			func(context.Context, httpapi.Call[struct{}]) (string, error) {
				return "", fmt.Errorf("do it: %w", problem.New(kind, "some_code", "d", "d"))
			})
		if r := refused(t, s.do(t, "GET", "/accommodation/v1/x", "")); r.Status != want || r.Code != "some_code" {
			t.Errorf("%v: %+v", kind, r)
		}
	}
}

func TestWhatIsNotThereIsAProblemToo(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.notices()
	httpapi.Query(s.api, httpapi.Route{Pattern: "GET /notices/{id}", Action: notifying},
		func(_ context.Context, c httpapi.Call[struct{}]) (string, error) { return c.Path("id"), nil })
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/accommodation/v1/nothing", 404, ""},
		{"GET", "/accommodation/v1/notices", 405, "POST"},
		{"PATCH", "/accommodation/v1/notices/7", 405, "GET"},
		{"GET", "/accommodation/v1/notices/a%00b", 404, ""},
		{"GET", "/accommodation/v1/notices/a%2Fb", 404, ""},
		{"GET", "/accommodation/v1/notices/" + strings.Repeat("a", 129), 404, ""},
		{"GET", "/accommodation/v1/notices/Nguy%E1%BB%85n", 404, ""},
	} {
		w := s.do(t, test.method, test.path, "")
		if r := refused(t, w); r.Status != test.status || w.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: %d %v", test.method, test.path, r.Status, w.Header())
		}
	}
	if w := s.do(t, "GET", "/accommodation/v1/notices/N-1_a.b~c", ""); w.Code != 200 {
		t.Error(w.Code, w.Body)
	}
}

func TestAClientThatIsGoneIsNobodysError(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	ctx, cancel := context.WithCancel(t.Context())
	httpapi.Query(s.api, httpapi.Route{Pattern: "GET /x", Action: notifying},
		func(ctx context.Context, _ httpapi.Call[struct{}]) (string, error) {
			cancel()
			<-ctx.Done()
			return "", ctx.Err()
		})
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/accommodation/v1/x", nil)
	r.Header.Set("Authorization", "Bearer "+s.token)
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if caught := recover(); caught != http.ErrAbortHandler { //nolint:errorlint // this very one
				t.Errorf("the connection is not cut: %v", caught)
			}
		}()
		s.api.ServeHTTP(w, r)
	}()
	if w.Body.Len() > 0 {
		t.Error(w.Body)
	}
	if !strings.Contains(s.log.String(), `"status":499`) || strings.Contains(s.log.String(), `"level":"error"`) {
		t.Error(s.log)
	}
}
