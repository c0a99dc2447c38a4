package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/httpapi/limits"
	"github.com/songan-vn/songan/libs/problem"
)

// callers returns as many tokens as roles, and the change that makes an API know them.
func callers(roles ...access.Role) (tokens []string, change func(*httpapi.Options)) {
	keys := make([]access.Key, len(roles))
	tokens = make([]string, len(roles))
	for i, role := range roles {
		tokens[i], keys[i] = access.Generate(access.Principal{Role: role, Facility: "F1"})
	}
	return tokens, func(o *httpapi.Options) { o.Auth = access.New(access.Options{Now: o.Now}, access.Static(keys...)) }
}

func TestOnePrincipalCannotTakeEveryPlace(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/accommodation/v1/slow", batchPath} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tokens, known := callers(access.Facility, access.Facility, access.Service)
				s := newSetup(t, known, func(o *httpapi.Options) {
					o.Limits.PrincipalRequests, o.Limits.PrincipalStreams = limits.NewShares(2), limits.NewShares(2)
				})
				release := make(chan struct{})
				slow := func(context.Context, httpapi.Call[arrival]) (httpapi.Done[arrived], error) {
					<-release
					return httpapi.Done[arrived]{}, nil
				}
				httpapi.Command(s.api, httpapi.Route{Pattern: "POST /slow", Action: "disbursement.read_programmes"}, slow)
				httpapi.Batch(s.api, httpapi.Route{Pattern: "POST /batch", Action: "disbursement.read_programmes"}, httpapi.Batching{Member: "arrival"}, slow)
				body, media := `{"n":1}`, "application/json"
				if path == batchPath {
					media = ndjson
				}
				ask := func(token string) chan *httptest.ResponseRecorder {
					answer := make(chan *httptest.ResponseRecorder, 1)
					go func() {
						answer <- s.do(t, "POST", path, body, "Idempotency-Key", "k", "Content-Type", media, "Authorization", "Bearer "+token)
					}()
					synctest.Wait()
					return answer
				}
				first, second := ask(tokens[0]), ask(tokens[0])
				w := <-ask(tokens[0])
				if r := refused(t, w); r.Status != http.StatusTooManyRequests || r.Code != "too_many_at_once" || w.Header().Get("Retry-After") != "1" {
					t.Errorf("%+v %v", r, w.Header())
				}
				under := []chan *httptest.ResponseRecorder{first, second, ask(tokens[1]), ask(tokens[2]), ask(tokens[2]), ask(tokens[2])}
				close(release)
				for i, answer := range under {
					if w := <-answer; w.Code != http.StatusOK {
						t.Errorf("%d: %d %s", i, w.Code, w.Body)
					}
				}
				if w := <-ask(tokens[0]); w.Code != http.StatusOK {
					t.Errorf("no place was given back: %d %s", w.Code, w.Body)
				}
			})
		})
	}
}

// hang sends the head of a request, and returns when the server waits for its body.
func (s *setup) hang(t *testing.T, server *httptest.Server, path string) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, s.head(path, "Content-Length: 500\r\nExpect: 100-continue")); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "100 Continue") {
		t.Fatal(line, err)
	}
}

func TestASlowBodyTakesNoPlace(t *testing.T) {
	t.Parallel()
	s := newSetup(t, func(o *httpapi.Options) {
		gate := limits.GateOptions{Width: 1, Patience: time.Second}
		o.Limits.Requests, o.Limits.Streams = limits.NewGate(gate), limits.NewGate(gate)
	})
	s.notices()
	s.list(nil)
	s.batch(httpapi.Batching{}, arrive)
	server := s.serve(t)
	for range 3 {
		s.hang(t, server, "/accommodation/v1/notices")
		s.hang(t, server, batchPath) // an array, which is read whole
	}
	for _, w := range []*httptest.ResponseRecorder{
		s.do(t, "GET", "/accommodation/v1/notices", ""),
		s.do(t, "POST", "/accommodation/v1/notices", body, "Idempotency-Key", key),
		s.do(t, "POST", batchPath, "[]", "Idempotency-Key", "k"),
	} {
		if w.Code >= http.StatusMultipleChoices {
			t.Error(w.Code, w.Body)
		}
	}
}

// TestAStreamHasToMove sends a little at a time, for several times as long as a stream may stand still.
func TestAStreamHasToMove(t *testing.T) {
	t.Parallel()
	const (
		stall = 500 * time.Millisecond
		every = 25 * time.Millisecond
		times = 60
	)
	for name, test := range map[string]struct {
		bytes int
		whole bool
	}{"a byte at a time": {1, false}, "a kilobyte at a time": {1 << 10, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t, func(o *httpapi.Options) { o.Limits.Stall = stall })
			s.batch(httpapi.Batching{}, arrive)
			server := s.serve(t)
			in, out := io.Pipe()
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				tick := time.NewTicker(every)
				defer tick.Stop()
				for range times {
					<-tick.C
					if _, err := io.WriteString(out, strings.Repeat("\n", test.bytes)); err != nil {
						return
					}
				}
				_ = out.Close()
			}()
			answer, err := server.Client().Do(s.request(t, server, in))
			if err == nil {
				_, err = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
			whole := err == nil && answer.Trailer.Get("Songan-Accepted") == "0"
			_ = in.Close()
			<-sent
			if whole != test.whole {
				t.Errorf("%v, %v: %s", whole, err, s.log)
			}
		})
	}
}

func TestAByteOrderMarkChangesNothing(t *testing.T) {
	t.Parallel()
	const mark = "\xef\xbb\xbf"
	s := newSetup(t)
	metas := s.metas("POST /notices")
	s.batch(httpapi.Batching{}, arrive)
	for _, sent := range []string{body, mark + body} {
		if w := s.do(t, "POST", "/accommodation/v1/notices", sent, "Idempotency-Key", key); w.Code >= http.StatusMultipleChoices {
			t.Error(w.Code, w.Body)
		}
	}
	if m := *metas; len(m) != 2 || m[0].Meta.Fingerprint != m[1].Meta.Fingerprint {
		t.Errorf("%+v", m)
	}
	w := s.do(t, "POST", batchPath, mark+`[{"n":1}]`, "Idempotency-Key", "k")
	if !strings.Contains(w.Body.String(), `"accepted":1`) {
		t.Error(w.Code, w.Body)
	}
	w = s.do(t, "POST", batchPath, mark+"{\"n\":1}\n{\"n\":2}\n", "Idempotency-Key", "k", "Content-Type", ndjson)
	if n := w.Result().Trailer.Get("Songan-Accepted"); n != "2" {
		t.Error(n, w.Body)
	}
}

func TestThatWeHaveTooMuchToDoIsNobodysMistake(t *testing.T) {
	t.Parallel()
	for code, level := range map[string]string{"overloaded": "info", "position_not_reached": "info", "stopping": "info", "store_full": "error"} {
		s := newSetup(t)
		refuse := fmt.Errorf("append: %w", problem.New(problem.Unavailable, code, "d", "d"))
		httpapi.Query(s.api, httpapi.Route{Pattern: "GET /x", Action: notifying},
			func(context.Context, httpapi.Call[struct{}]) (string, error) { return "", refuse })
		s.batch(httpapi.Batching{}, func(context.Context, httpapi.Call[arrival]) (httpapi.Done[arrived], error) {
			return httpapi.Done[arrived]{}, refuse
		})
		if w := s.do(t, "GET", "/accommodation/v1/x", ""); w.Code != http.StatusServiceUnavailable {
			t.Error(w.Code)
		}
		s.do(t, "POST", batchPath, `[{"n":1}]`, "Idempotency-Key", "k")
		if n := strings.Count(s.log.String(), `"level":"`+level+`"`); n != 2 {
			t.Errorf("%s: %s", code, s.log)
		}
	}
}
