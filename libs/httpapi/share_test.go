package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/httpapi/limits"
	"github.com/songan-vn/songan/libs/httpapi/lines"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
)

// callers returns a token for each principal, and the change that makes an API know them.
func callers(who ...access.Principal) (tokens []string, change func(*httpapi.Options)) {
	keys := make([]access.Key, len(who))
	tokens = make([]string, len(who))
	for i, p := range who {
		tokens[i], keys[i] = access.Generate(p)
	}
	return tokens, func(o *httpapi.Options) { o.Auth = access.New(access.Options{Now: o.Now}, access.Static(keys...)) }
}

// Who has several keys has one share.
func TestOnePrincipalCannotTakeEveryPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ greedy, sibling, other access.Principal }{
		"a facility": {
			access.Principal{Role: access.Facility, Facility: "F1"},
			access.Principal{Role: access.Facility, Facility: "F1"},
			access.Principal{Role: access.Facility, Facility: "F2"},
		},
		"a facility with a manager": {
			access.Principal{Role: access.Facility, Facility: "F1"},
			access.Principal{Role: access.Facility, Facility: "F1"},
			access.Principal{Role: access.FacilityManager, Facility: "F1"},
		},
		"a bank": {
			access.Principal{Role: access.Bank, Bank: "B1"},
			access.Principal{Role: access.Bank, Bank: "B1"},
			access.Principal{Role: access.Bank, Bank: "B2"},
		},
	} {
		for _, path := range []string{"/accommodation/v1/slow", batchPath} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					tokens, known := callers(c.greedy, c.sibling, c.other, access.Principal{Role: access.Service})
					s := newSetup(t, known, func(o *httpapi.Options) {
						o.Limits.PrincipalRequests, o.Limits.PrincipalStreams = limits.NewShares(2), limits.NewShares(2)
					})
					wantShares(t, s, path, tokens)
				})
			})
		}
	}
}

// wantShares asks with two keys of somebody who may have two requests under way, with another one's, and with a service's.
func wantShares(t *testing.T, s *setup, path string, tokens []string) {
	t.Helper()
	release := make(chan struct{})
	slow := doing[arrival, arrived](func(context.Context, httpapi.Call[arrival]) (httpapi.Done[arrived], error) {
		<-release
		return httpapi.Done[arrived]{}, nil
	})
	httpapi.Command(s.api, httpapi.Route{Pattern: "POST /slow", Action: anybody}, slow)
	httpapi.Batch(s.api, httpapi.Route{Pattern: "POST /batch", Action: anybody}, httpapi.Batching{Member: "arrival"}, slow.atOnce)
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
	first, second := ask(tokens[0]), ask(tokens[1])
	for _, token := range tokens[:2] {
		w := <-ask(token)
		if r := refused(t, w); r.Status != http.StatusTooManyRequests || r.Code != "too_many_at_once" || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%+v %v", r, w.Header())
		}
	}
	under := []chan *httptest.ResponseRecorder{first, second, ask(tokens[2]), ask(tokens[3]), ask(tokens[3]), ask(tokens[3])}
	close(release)
	for i, answer := range under {
		if w := <-answer; w.Code != http.StatusOK {
			t.Errorf("%d: %d %s", i, w.Code, w.Body)
		}
	}
	if w := <-ask(tokens[0]); w.Code != http.StatusOK {
		t.Errorf("no place was given back: %d %s", w.Code, w.Body)
	}
}

// hang sends the head of a request, and returns when the server waits for its body.
func (s *setup) hang(t *testing.T, server *httptest.Server, path string, bytes int) wire {
	t.Helper()
	w := dial(t, server, s.head(path, fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue", bytes)))
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := w.in.ReadString('\n'); line != want {
			t.Fatalf("%q %v", line, err)
		}
	}
	return w
}

// Who hangs holds nobody up, and is told in the end.
func TestASlowBodyTakesNoPlace(t *testing.T) {
	t.Parallel()
	s := newSetup(t, func(o *httpapi.Options) {
		gate := limits.GateOptions{Width: 1, Patience: time.Second}
		o.Limits.Requests, o.Limits.Streams = limits.NewGate(gate), limits.NewGate(gate)
		o.Limits.BodyPatience = 2 * time.Second
	})
	s.notices()
	s.list(nil)
	s.batch(httpapi.Batching{}, arrive)
	server := s.serve(t)
	var hanging []wire
	for range 3 {
		hanging = append(hanging, s.hang(t, server, "/accommodation/v1/notices", 500), s.hang(t, server, batchPath, 500)) // an array, which is read whole
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
	for _, c := range hanging {
		w, last := c.answer(t)
		if toldTooSlow(t, w); !last {
			t.Error("the connection stays open")
		}
	}
}

// wantOverloaded is a refusal for want of memory.
func wantOverloaded(t *testing.T, what string, w *httptest.ResponseRecorder) {
	t.Helper()
	if r := refused(t, w); r.Status != http.StatusServiceUnavailable || r.Code != "overloaded" || w.Header().Get("Retry-After") != "1" {
		t.Fatalf("%s: %+v %v", what, r, w.Header())
	}
}

// Arrays are read whole before they have a place, so what bounds their memory is not the number of places.
func TestLargeBodiesTogetherHaveALimit(t *testing.T) {
	t.Parallel()
	const large = 700 << 10
	room := lines.NewBudget(1 << 20)
	s := newSetup(t, func(o *httpapi.Options) { o.Limits.Bodies = room })
	s.notices()
	s.batch(httpapi.Batching{}, arrive)
	server := s.serve(t)
	array := func(body string) *httptest.ResponseRecorder {
		return s.do(t, "POST", batchPath, body, "Idempotency-Key", "k")
	}
	blank := "[" + strings.Repeat(" ", large-2) + "]"

	hanging := s.hang(t, server, batchPath, large)
	wantOverloaded(t, "another one", array(blank))
	unknown, _ := dial(t, server, s.head(batchPath, "Transfer-Encoding: chunked")+chunk(blank)).answer(t)
	wantOverloaded(t, "one that does not say how large it is", unknown)
	for _, w := range []*httptest.ResponseRecorder{
		s.do(t, "POST", "/accommodation/v1/notices", body, "Idempotency-Key", key), array(`[{"n":1}]`),
	} {
		if w.Code >= http.StatusMultipleChoices {
			t.Errorf("a small one: %d %s", w.Code, w.Body)
		}
	}
	if _, err := io.WriteString(hanging, blank); err != nil {
		t.Fatal(err)
	}
	if w, _ := hanging.answer(t); w.Code != http.StatusOK {
		t.Errorf("the first one: %d %s", w.Code, w.Body)
	}
	testkit.Eventually(t, func() error {
		if n := room.Used(); n != 0 {
			return fmt.Errorf("%d bytes are still taken", n)
		}
		return nil
	})
	if w := array(blank); w.Code != http.StatusOK || room.Used() != 0 {
		t.Errorf("when there is room again: %d %s, %d bytes taken", w.Code, w.Body, room.Used())
	}
}

// Who sends a little and then nothing is told so as well.
func TestAStreamThatFallsSilentIsToldSo(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{
		"nothing": "", "the end of a line": "\n", "a part of a line": `{"name":"` + strings.Repeat("x", 2<<10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t, func(o *httpapi.Options) { o.Limits.Stall = 200 * time.Millisecond })
			s.batch(httpapi.Batching{}, arrive)
			in, out := io.Pipe()
			go func() { _, _ = io.WriteString(out, sent) }()
			server := s.serve(t)
			answer, err := server.Client().Do(s.request(t, server, in))
			if err != nil {
				t.Fatal(err)
			}
			w := record(t, answer)
			_ = in.Close()
			toldTooSlow(t, w)
		})
	}
}

// TestAStreamHasToMove sends a little at a time, for longer than a stream may stand still. Where it is to end well, it may stand
// still for so long that a busy machine sends on in time.
func TestAStreamHasToMove(t *testing.T) {
	t.Parallel()
	const every = 25 * time.Millisecond
	for name, test := range map[string]struct {
		bytes int
		stall time.Duration
		whole bool
	}{"a byte at a time": {1, time.Second, false}, "a kilobyte at a time": {1 << 10, 8 * time.Second, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t, func(o *httpapi.Options) { o.Limits.Stall = test.stall })
			s.batch(httpapi.Batching{}, arrive)
			server := s.serve(t)
			in, out := io.Pipe()
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				tick := time.NewTicker(every)
				defer tick.Stop()
				for range int(3 * test.stall / every / 2) {
					<-tick.C
					if _, err := io.WriteString(out, strings.Repeat("\n", test.bytes)); err != nil {
						return
					}
				}
				_ = out.Close()
			}()
			answer, err := server.Client().Do(s.request(t, server, in))
			if err != nil {
				t.Fatal(err)
			}
			w := record(t, answer)
			_ = in.Close()
			<-sent
			if test.whole {
				if w.Code != http.StatusOK || answer.Trailer.Get("Songan-Accepted") != "0" {
					t.Errorf("%d %v: %s", w.Code, answer.Trailer, s.log)
				}
				return
			}
			toldTooSlow(t, w) // no verdict is under way, so it can be told
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

// What has time is told apart from what has none: the log lets it wait for room.
func TestItemsOfABatchAreBulkWorkAndSingleOnesAreNot(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	var bulk []bool
	do := doing[arrival, arrived](func(_ context.Context, c httpapi.Call[arrival]) (httpapi.Done[arrived], error) {
		bulk = append(bulk, c.Meta.Bulk)
		return httpapi.Done[arrived]{}, nil
	})
	s.batch(httpapi.Batching{}, do)
	httpapi.Command(s.api, httpapi.Route{Pattern: "POST /one", Action: notifying}, do)
	s.do(t, "POST", batchPath, `[{"n":1}]`, "Idempotency-Key", "k")
	s.do(t, "POST", batchPath, `{"n":1}`, "Idempotency-Key", "k", "Content-Type", ndjson)
	s.do(t, "POST", "/accommodation/v1/one", `{"n":1}`, "Idempotency-Key", "k")
	if diff := cmp.Diff([]bool{true, true, false}, bulk); diff != "" {
		t.Error(diff)
	}
}

// Programs are written by the guide: an array of the size that it names is taken.
func TestTheGuideNamesTheLimitsOfArrays(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	items := strconv.Itoa(httpapi.ArrayItems/1000) + "," + strconv.Itoa(httpapi.ArrayItems%1000 + 1000)[1:]
	want := fmt.Sprintf("a JSON array (%s items, %d MiB)", items, httpapi.ArrayBytes>>20)
	if !strings.Contains(string(guide), want) {
		t.Errorf("docs/api.md does not say: %s", want)
	}
}
