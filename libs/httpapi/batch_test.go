package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
)

// arrival is an item of a batch. Its number says what comes of it.
type arrival struct {
	N    int    `json:"n"`
	Name string `json:"name,omitzero" maxLength:"10"`
}

type arrived struct {
	N   int    `json:"n"`
	Key string `json:"key"`
}

const (
	suspended = 13
	replayed  = 14
	broken    = 15
	panicking = 16
)

func arrive(_ context.Context, c httpapi.Call[arrival]) (httpapi.Done[arrived], error) {
	switch c.In.N {
	case suspended:
		return httpapi.Done[arrived]{}, problem.Reject("facility_suspended", "suspended", "bị tạm ngừng")
	case broken:
		return httpapi.Done[arrived]{}, errSecret
	case panicking:
		panic(errSecret)
	}
	return httpapi.Done[arrived]{Answer: arrived{c.In.N, c.Key}, Position: int64(c.In.N), Replayed: c.In.N == replayed}, nil
}

// doing is what a test does for an item.
type doing[B, A any] func(context.Context, httpapi.Call[B]) (httpapi.Done[A], error)

// atOnce does all of it when it is begun, and atLast when it is waited for.
func (do doing[B, A]) atOnce(ctx context.Context, c httpapi.Call[B]) (httpapi.Later[A], error) {
	done, err := do(ctx, c)
	return func() (httpapi.Done[A], error) { return done, err }, err
}

func (do doing[B, A]) atLast(ctx context.Context, c httpapi.Call[B]) (httpapi.Later[A], error) {
	return func() (httpapi.Done[A], error) { return do(ctx, c) }, ctx.Err()
}

func (s *setup) batch(o httpapi.Batching, do doing[arrival, arrived]) { s.batchBy(o, do.atOnce) }

func (s *setup) batchBy(o httpapi.Batching, begin func(context.Context, httpapi.Call[arrival]) (httpapi.Later[arrived], error)) {
	o.Member = "arrival"
	httpapi.Batch(s.api, httpapi.Route{Pattern: "POST /batch", Action: notifying, Status: 201}, o, begin)
}

const (
	batchPath = "/accommodation/v1/batch"
	ndjson    = "application/x-ndjson"
)

// short writes a verdict as "index ref status code".
func short(line string) string {
	var v struct {
		Index   *int     `json:"index"`
		Ref     string   `json:"client_ref"`
		Status  int      `json:"status"`
		Arrival *arrived `json:"arrival"`
		Problem *refusal `json:"problem"`
	}
	if err := json.Unmarshal([]byte(line), &v); err != nil || v.Index == nil {
		return "no verdict: " + line
	}
	said := fmt.Sprint(*v.Index, " ", v.Ref, " ", v.Status)
	if v.Arrival != nil {
		said += fmt.Sprint(" n", v.Arrival.N, " ", v.Arrival.Key)
	}
	if v.Problem != nil {
		said += " " + v.Problem.Code + " " + strings.Join(places(*v.Problem), ",")
		if v.Problem.Status != v.Status {
			said += " but another status"
		}
	}
	return said
}

func wantVerdicts() []string {
	return []string{
		"0 row-1 201 n1 k/0",
		"1 row-2 422 invalid_body /n wrong_type,/name too_long",
		"2  422 facility_suspended ",
		"3  200 n14 k/3",
		"4  500 internal ",
		"5  500 internal ",
		"6  201 n2 k/6",
	}
}

func itemsToSend() []string {
	return []string{
		`{"client_ref":"row-1","n":1}`, `{"client_ref":"row-2","n":"x","name":"Nguyễn Văn An"}`, `{"n":13}`, `{"n":14}`, `{"n":15}`, `{"n":16}`, `{"n":2}`,
	}
}

func TestAnArrayIsAnsweredWithAVerdictPerItem(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.batch(httpapi.Batching{}, arrive)
	w := s.do(t, "POST", batchPath, "["+strings.Join(itemsToSend(), ",\n")+"]", "Idempotency-Key", "k")
	var answer struct {
		Accepted, Rejected int
		Items              []json.RawMessage
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	var got []string
	for _, item := range answer.Items {
		got = append(got, short(string(item)))
	}
	if d := cmp.Diff(wantVerdicts(), got); d != "" || answer.Accepted != 3 || answer.Rejected != 4 {
		t.Error(answer.Accepted, answer.Rejected, d)
	}
	if w.Header().Get("Songan-Position") != "14" || strings.Contains(w.Body.String(), "Nguyễn") {
		t.Error(w.Header(), w.Body)
	}
	if n := strings.Count(s.log.String(), "\n"); n != 1 || !strings.Contains(s.log.String(), "item of a batch") {
		t.Errorf("%d lines: %s", n, s.log)
	}
}

func TestLinesAreAnsweredWithLines(t *testing.T) {
	t.Parallel()
	do := doing[arrival, arrived](arrive)
	for name, begin := range map[string]func(context.Context, httpapi.Call[arrival]) (httpapi.Later[arrived], error){
		"done at once": do.atOnce, "done at last": do.atLast, "done aside": httpapi.Aside(do),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			s.batchBy(httpapi.Batching{Line: 60}, begin)
			answeredWithLines(t, s)
		})
	}
}

func answeredWithLines(t *testing.T, s *setup) {
	t.Helper()
	sent := strings.Join(itemsToSend(), "\r\n") + "\n\n{\"n\":\n[]\n{\"n\":1,\"name\":\"" + strings.Repeat("x", 100) + "\"}\n{\"n\":3}"
	w := s.do(t, "POST", batchPath, sent, "Idempotency-Key", "k", "Content-Type", ndjson)
	want := append(wantVerdicts(),
		"7  422 malformed_body malformed_json", "8  422 invalid_body wrong_type", "9  422 line_too_long ", "10  201 n3 k/10")
	var got []string
	for line := range strings.Lines(w.Body.String()) {
		got = append(got, short(line))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	trailer := w.Result().Trailer
	if w.Code != 200 || w.Header().Get("Content-Type") != ndjson || trailer.Get("Songan-Accepted") != "4" ||
		trailer.Get("Songan-Rejected") != "7" || trailer.Get("Songan-Position") != "14" {
		t.Error(w.Code, w.Header(), trailer)
	}
}

func TestABatchThatIsTooLargeOrBreaksOffDoesNothing(t *testing.T) {
	t.Parallel()
	million := "[" + strings.Repeat(`{"n":1},`, 999_999) + `{"n":1}]`
	for name, test := range map[string]struct {
		body, media string
		o           httpapi.Batching
		status      int
		code        string
	}{
		"a million items":       {million, "application/json", httpapi.Batching{}, 413, "batch_too_large"},
		"more bytes than read":  {"[" + strings.Repeat(" ", 9<<20) + "]", "application/json", httpapi.Batching{}, 413, "body_too_large"},
		"one more than allowed": {`[{"n":1},{"n":1},{"n":1}]`, "application/json", httpapi.Batching{Items: 2}, 413, "batch_too_large"},
		"broken off":            {`[{"n":1},{"n":1},`, "application/json", httpapi.Batching{}, 400, "malformed_body"},
		"no array":              {`{"n":1}`, "application/json", httpapi.Batching{}, 422, "invalid_body"},
		"empty":                 {"", "application/json", httpapi.Batching{}, 400, "malformed_body"},
		"another type":          {"n\n1\n", "text/csv", httpapi.Batching{}, 415, "media_type_not_supported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			s.batch(test.o, func(context.Context, httpapi.Call[arrival]) (httpapi.Done[arrived], error) {
				t.Error("something was done")
				return httpapi.Done[arrived]{}, nil
			})
			r := refused(t, s.do(t, "POST", batchPath, test.body, "Idempotency-Key", "k", "Content-Type", test.media))
			if r.Status != test.status || r.Code != test.code {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestAnEmptyBatchIsDoneAtOnce(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.batch(httpapi.Batching{}, arrive)
	w := s.do(t, "POST", batchPath, "[]", "Idempotency-Key", "k")
	if w.Body.String() != `{"accepted":0,"rejected":0,"items":[]}`+"\n" {
		t.Error(w.Body)
	}
	w = s.do(t, "POST", batchPath, "\n\n", "Idempotency-Key", "k", "Content-Type", ndjson)
	if w.Code != 200 || w.Body.Len() != 0 || w.Result().Trailer.Get("Songan-Accepted") != "0" {
		t.Error(w.Code, w.Body)
	}
}

// request makes a streamed request. Its client gives up in the end, so that a server that never answers fails the test; the
// transport would wait for a body that does not come.
func (s *setup) request(t *testing.T, server *httptest.Server, in io.Reader) *http.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	if body, ok := in.(io.Closer); ok {
		context.AfterFunc(ctx, func() { _ = body.Close() })
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+batchPath, in)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", ndjson)
	r.Header.Set("Idempotency-Key", "k")
	return r
}

func TestAVerdictIsSentWhileLinesAreStillComing(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.batch(httpapi.Batching{}, arrive)
	server := s.serve(t)
	in, out := io.Pipe()
	go func() { _, _ = io.WriteString(out, `{"n":1}`+"\n") }()
	answer, err := server.Client().Do(s.request(t, server, in))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	verdicts := bufio.NewScanner(answer.Body)
	for i := range 5 {
		if !verdicts.Scan() || short(verdicts.Text()) != fmt.Sprintf("%d  201 n%d k/%d", i, i+1, i) {
			t.Fatal(verdicts.Text(), verdicts.Err())
		}
		if _, err := fmt.Fprintf(out, "{\"n\":%d}\n", i+2); err != nil {
			t.Fatal(err)
		}
	}
	_ = out.Close()
	for verdicts.Scan() {
		continue
	}
	if answer.Trailer.Get("Songan-Accepted") != "6" {
		t.Error(answer.Trailer, verdicts.Err())
	}
}

// counted writes n lines and remembers nothing.
func counted(n int) io.Reader {
	in, out := io.Pipe()
	go func() {
		w := bufio.NewWriter(out)
		for i := range n {
			_, _ = w.WriteString(`{"n":`)
			_, _ = w.WriteString(strconv.Itoa(i + 100))
			_, _ = w.WriteString("}\n")
		}
		_ = w.Flush()
		_ = out.Close()
	}()
	return struct{ io.Reader }{in} // not to be closed when a usual request would have taken too long
}

// heap returns what is in use once everything that is not has been given back.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// linesOfALongUpload is a million, as the issue asks; fewer where every access to memory is watched.
func linesOfALongUpload() int {
	if raceDetector || testing.Short() {
		return 20_000
	}
	return 1_000_000
}

func TestAMillionLinesNeedNoMoreMemoryThanAFew(t *testing.T) { // not parallel: it counts the memory of the process
	s := newSetup(t)
	var inside, most, done atomic.Int64
	var early, late uint64
	n := linesOfALongUpload()
	s.batch(httpapi.Batching{Width: 64}, func(ctx context.Context, c httpapi.Call[arrival]) (httpapi.Done[arrived], error) {
		for now, old := inside.Add(1), most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			continue
		}
		defer inside.Add(-1)
		switch done.Add(1) {
		case int64(n / 10):
			early = heap()
		case int64(n - n/10):
			late = heap()
		}
		return arrive(ctx, c)
	})
	server := s.serve(t)
	answer, err := server.Client().Do(s.request(t, server, counted(n)).WithContext(t.Context())) // as long as it takes
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	i, verdicts := 0, bufio.NewScanner(answer.Body)
	for ; verdicts.Scan(); i++ {
		if want := `{"index":` + strconv.Itoa(i) + `,"status":201,"arrival":{"n":` + strconv.Itoa(i+100) + `,`; !strings.HasPrefix(verdicts.Text(), want) {
			t.Fatal(verdicts.Text())
		}
	}
	if i != n || answer.Trailer.Get("Songan-Accepted") != strconv.Itoa(n) || verdicts.Err() != nil {
		t.Fatal(i, answer.Trailer, verdicts.Err())
	}
	if most.Load() > 64 {
		t.Errorf("%d items at the same time", most.Load())
	}
	const growth = 2 << 20
	if late > early+growth {
		t.Errorf("%d bytes in use after a tenth of the lines, %d after nine tenths", early, late)
	}
}

func TestAClientMaySendEverythingBeforeItReadsAnything(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.batch(httpapi.Batching{}, arrive)
	server := s.serve(t)
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// Both what is sent and what is answered are more than the buffers of two sockets hold.
	n := 40_000
	if raceDetector {
		n = 5_000 // enough to be watched
	}
	padding, longKey := strings.Repeat(" ", 500), strings.Repeat("k", 200)
	if err := c.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(c)
	_, _ = w.WriteString(strings.NewReplacer("application/json", ndjson, "Key: k", "Key: "+longKey).
		Replace(s.head(batchPath, "Transfer-Encoding: chunked")))
	for i := range n {
		line := fmt.Sprintf("{\"n\":%d}%s\n", i+100, padding)
		_, _ = fmt.Fprintf(w, "%x\r\n%s\r\n", len(line), line)
	}
	_, _ = w.WriteString("0\r\n\r\n")
	if err := errors.Join(w.Flush(), c.(*net.TCPConn).SetReadBuffer(4<<20)); err != nil { // it would wait for ever if the server did
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got := 0
	for verdicts := bufio.NewScanner(answer.Body); verdicts.Scan(); got++ {
		if !strings.HasPrefix(verdicts.Text(), `{"index":`+strconv.Itoa(got)+",") {
			t.Fatal(verdicts.Text())
		}
	}
	if got != n {
		t.Error(got)
	}
}

func TestAStreamEndsWithItsClient(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	ended := make(chan struct{})
	s.batch(httpapi.Batching{}, arrive)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		s.api.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	in, out := io.Pipe()
	go func() { _, _ = io.WriteString(out, "{\"n\":1}\n") }()
	ctx, cancel := context.WithCancel(t.Context())
	answer, err := server.Client().Do(s.request(t, server, in).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(answer.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = answer.Body.Close()
	<-ended
	if strings.Contains(s.log.String(), `"level":"error"`) {
		t.Error(s.log)
	}
	_ = out.Close()
}

func TestAStreamThatStandsStillIsCut(t *testing.T) {
	t.Parallel()
	s := newSetup(t, func(o *httpapi.Options) { o.Limits.Stall = 5 * time.Second })
	s.batch(httpapi.Batching{}, arrive)
	server := s.serve(t)
	in, out := io.Pipe()
	defer out.Close()
	go func() { _, _ = io.WriteString(out, "{\"n\":1}\n") }()
	answer, err := server.Client().Do(s.request(t, server, in))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil || short(string(data)) != "0  201 n1 k/0" {
		t.Errorf("%q, %v: the end of it looks whole", data, err)
	}
	testkit.Eventually(t, func() error {
		if !strings.Contains(s.log.String(), `"code":"body_too_slow"`) {
			return errors.New(s.log.String())
		}
		return nil
	})
}

func TestAStreamEndsWhenTheServerStops(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.batch(httpapi.Batching{}, arrive)
	stopping := make(chan struct{})
	server := httptest.NewUnstartedServer(s.api)
	server.Config.BaseContext = func(net.Listener) context.Context {
		return httpapi.WithStopping(context.Background(), stopping)
	}
	server.Start()
	t.Cleanup(server.Close)
	in, out := io.Pipe()
	defer out.Close()
	go func() { _, _ = io.WriteString(out, "{\"n\":1}\n") }()
	answer, err := server.Client().Do(s.request(t, server, in))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	if line, err := lines.ReadString('\n'); short(line) != "0  201 n1 k/0" || err != nil {
		t.Fatal(line, err)
	}
	close(stopping)
	if rest, err := lines.ReadString('\n'); err == nil || errors.Is(err, io.EOF) || rest != "" {
		t.Errorf("%q, %v: the end of it looks whole", rest, err)
	}
	testkit.Eventually(t, func() error {
		if !strings.Contains(s.log.String(), `"code":"stopping"`) {
			return errors.New(s.log.String())
		}
		return nil
	})
}
