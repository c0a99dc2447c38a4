package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/httpapi/lines"
	"github.com/songan-vn/songan/libs/testkit"
)

// large is an array of items whose body is no small one. The first is refused.
func large(items int) string {
	return `[{"n":13}` + strings.Repeat(`,{"n":1}`, items-1) + strings.Repeat(" ", 64<<10) + "]"
}

// verbose answers an item with so many bytes, after something else was done.
func verbose(bytes int, do func(arrival)) doing[arrival, arrived] {
	key := strings.Repeat("k", bytes)
	return func(ctx context.Context, c httpapi.Call[arrival]) (httpapi.Done[arrived], error) {
		do(c.In)
		done, err := arrive(ctx, c)
		done.Answer.Key = key
		return done, err
	}
}

func wantVerdictsOfLarge(t *testing.T, data string, items int) {
	t.Helper()
	var told struct {
		Accepted, Rejected int
		Items              []struct{ Index, Status int }
	}
	if err := json.Unmarshal([]byte(data), &told); err != nil {
		t.Fatal(err)
	}
	if told.Accepted != items-1 || told.Rejected != 1 || len(told.Items) != items {
		t.Fatal(told.Accepted, told.Rejected, len(told.Items))
	}
	for i, item := range told.Items {
		if item.Index != i || item.Status != 201 && i > 0 {
			t.Fatal(i, item)
		}
	}
}

// read is an answer that was read to its end; err is why it is not whole.
type read struct {
	status          int
	header, trailer http.Header
	data            string
	err             error
}

// postArray sends an array to a server.
func (s *setup) postArray(t *testing.T, body string) read {
	t.Helper()
	server := s.serve(t)
	r := s.request(t, server, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	return read{answer.StatusCode, answer.Header, answer.Trailer, string(data), err}
}

// What was stored is told, even when others have taken all the room for bodies and all the disk for verdicts meanwhile.
func TestEveryVerdictOfAnArrayIsToldWhateverOthersTake(t *testing.T) {
	t.Parallel()
	const (
		items, verdict = 100, 10 << 10 // which is more than a spool keeps in memory
		atFirst        = `{"accepted":99,"rejected":1,"items":[`
		atLast         = `{"items":[`
	)
	headers := func(r read) http.Header { return r.header }
	trailers := func(r read) http.Header { return r.trailer }
	for name, c := range map[string]struct {
		disk   int64
		begins string
		totals func(read) http.Header
	}{
		"no room for bodies":                {1 << 30, atFirst, headers},
		"no disk for verdicts either":       {0, atLast, trailers},
		"and the disk is used up underway":  {256 << 10, atLast, trailers},
		"the disk has just enough for this": {4 << 20, atFirst, headers},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			room, disk := lines.NewBudget(1<<20), lines.NewBudget(c.disk)
			s := newSetup(t, func(o *httpapi.Options) { o.Limits.Bodies, o.Limits.Spool = room, disk })
			var taken atomic.Int64
			s.batch(httpapi.Batching{}, verbose(verdict, func(arrival) {
				for room.Take(1) {
					taken.Add(1)
				}
			}))
			answer := s.postArray(t, large(items))
			if answer.err != nil || answer.status != http.StatusOK || !strings.HasPrefix(answer.data, c.begins) {
				t.Fatalf("%d %v %.100s", answer.status, answer.err, answer.data)
			}
			wantVerdictsOfLarge(t, answer.data, items)
			totals := c.totals(answer)
			if totals.Get("Songan-Accepted") != "99" || totals.Get("Songan-Rejected") != "1" ||
				totals.Get("Songan-Position") != "1" {
				t.Error(totals)
			}
			if left := room.Used() - taken.Load(); left != 0 || disk.Used() != 0 {
				t.Errorf("%d bytes of memory and %d of the disk are still taken", left, disk.Used())
			}
		})
	}
}

// Who does not read what they are answered keeps nobody's room: their array is forgotten when its items are done.
func TestAnAnswerThatNobodyReadsHasNoRoom(t *testing.T) {
	t.Parallel()
	room := lines.NewBudget(8 << 20)
	s := newSetup(t, func(o *httpapi.Options) { o.Limits.Bodies = room })
	const items, verdict = 100, 100 << 10 // which is more than a socket holds
	s.batch(httpapi.Batching{}, verbose(verdict, func(arrival) {}))
	sent := large(items)
	w := dial(t, s.serve(t), s.head(batchPath, fmt.Sprint("Content-Length: ", len(sent)))+sent)
	begun, err := w.in.Peek(1)
	if err != nil || room.Used() != 0 {
		t.Errorf("%q %v: %d bytes are still taken", begun, err, room.Used())
	}
	answer, _ := w.answer(t)
	wantVerdictsOfLarge(t, answer.Body.String(), items)
}

// Until an answer is begun a refusal can be said; one that is under way is cut, so that nobody takes it for whole.
func TestAnArrayOfWhoMayNoLongerSendItIsNotAnsweredAsIfWhole(t *testing.T) {
	t.Parallel()
	for name, disk := range map[string]int64{"held": 1 << 30, "under way": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring := &oneKey{}
			s := newSetup(t, func(o *httpapi.Options) {
				o.Auth, o.Limits.Spool = access.New(access.Options{Now: o.Now}, ring), lines.NewBudget(disk)
			})
			good := s.key
			ring.key.Store(&good)
			s.batch(httpapi.Batching{Width: 1}, verbose(10<<10, func(in arrival) {
				if in.N == broken { // those before it have filled the memory of the spool
					revoked := s.key
					revoked.Revoked = true
					ring.key.Store(&revoked)
					s.clock.Advance(5 * time.Second)
				}
			}))
			tail := strings.Repeat(`,{"n":2}`, 10) + "]" // more than are under way
			answer := s.postArray(t, strings.TrimSuffix(large(100), "]")+`,{"n":`+strconv.Itoa(broken)+`}`+tail)
			said := fmt.Sprintf("%d %.100s", answer.status, answer.data)
			if disk == 0 {
				if answer.err == nil || !strings.HasPrefix(said, `200 {"items":[{"index":0,`) {
					t.Error(answer.err, said)
				}
				return
			}
			refused := strings.HasPrefix(said, "401 ") && strings.Contains(said, "key_revoked")
			if answer.err != nil || !refused || len(answer.trailer) > 0 {
				t.Error(answer.err, said)
			}
		})
	}
}

// A body that does not say how large it is takes what it needs, and is refused with nothing done when there is no more.
func TestABodyOfUnknownLengthTakesItsRoomAsItArrives(t *testing.T) {
	t.Parallel()
	const most = 300_000 // of a body: no power of two
	late := `[{"n":1},` + strings.Repeat(" ", most-20) + `{"n":2}]`
	blank := func(n int) string { return "[" + strings.Repeat(" ", n-2) + "]" }
	for name, c := range map[string]struct {
		room   int64
		sent   string
		status int
		code   string
	}{
		"small, and there is no room":   {0, `[{"n":1}]`, 200, ""},
		"as large as small ones are":    {0, blank(64 << 10), 200, ""},
		"larger, and there is no room":  {0, blank(64<<10 + 1), 503, "overloaded"},
		"as large as may be":            {600_000, blank(most), 200, ""},
		"larger":                        {600_000, blank(most + 1), 413, "body_too_large"},
		"larger than the room there is": {200 << 10, late, 503, "overloaded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			room := lines.NewBudget(c.room)
			s := newSetup(t, func(o *httpapi.Options) { o.Limits.Bodies = room })
			s.batch(httpapi.Batching{Bytes: most}, verbose(1, func(arrival) {
				if c.code != "" {
					t.Error("something was done")
				}
			}))
			sent := s.head(batchPath, "Transfer-Encoding: chunked") + chunk(c.sent) + chunk("")
			w, last := dial(t, s.serve(t), sent).answer(t)
			if w.Code != c.status || last != (c.code != "") {
				t.Fatal(w.Code, last, w.Body)
			}
			if c.code != "" && refused(t, w).Code != c.code {
				t.Error(w.Body)
			}
			testkit.Eventually(t, func() error { return unused(room) })
		})
	}
}

func unused(room *lines.Budget) error {
	if n := room.Used(); n != 0 {
		return fmt.Errorf("%d bytes are still taken", n)
	}
	return nil
}

// Who says nothing of the size and sends nothing keeps nobody's room.
func TestABodyUnderWayHasTheRoomOfWhatHasCome(t *testing.T) {
	t.Parallel()
	room := lines.NewBudget(1 << 20)
	s := newSetup(t, func(o *httpapi.Options) { o.Limits.Bodies = room })
	s.batch(httpapi.Batching{}, arrive)
	w := dial(t, s.serve(t), s.head(batchPath, "Transfer-Encoding: chunked"))
	sent := 0
	for _, step := range []struct {
		upTo int
		room int64
	}{{64 << 10, 0}, {64<<10 + 1, 128 << 10}, {200 << 10, 256 << 10}, {300 << 10, 512 << 10}} {
		if _, err := io.WriteString(w, chunk(strings.Repeat(" ", step.upTo-sent))); err != nil {
			t.Fatal(err)
		}
		sent = step.upTo
		testkit.Eventually(t, func() error {
			if n := room.Used(); n != step.room {
				return fmt.Errorf("%d bytes are taken for %d", n, sent)
			}
			return nil
		})
	}
	if _, err := io.WriteString(w, chunk(`[{"n":1}]`)+chunk("")); err != nil {
		t.Fatal(err)
	}
	if answer, _ := w.answer(t); !strings.HasPrefix(answer.Body.String(), `{"accepted":1`) {
		t.Error(answer.Code, answer.Body)
	}
	testkit.Eventually(t, func() error { return unused(room) })
}
