package population_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/simulators/population"
)

func TestEveryWayToFailLooksAsItShould(t *testing.T) {
	t.Parallel()
	s := start(t, options(3))
	q := questionAbout(adult(s.Register()))
	body, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	honest := mustAsk(t, s, q)
	got := map[population.Mode]string{}
	for _, mode := range population.Modes() {
		if mode == population.Hang {
			continue
		}
		if err := s.SetFaults(population.Faults{PerMille: map[population.Mode]int{mode: 1000}}); err != nil {
			t.Fatal(err)
		}
		status, data, err := post(t, s.URL()+"/v1/checks", key, string(body))
		var answer population.Answer
		switch {
		case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF):
			got[mode] = "connection torn down"
		case errors.Is(err, io.ErrUnexpectedEOF):
			got[mode] = "cut off"
		case err != nil:
			got[mode] = err.Error()
		case status != http.StatusOK:
			got[mode] = fmt.Sprint(status)
		case json.Unmarshal(data, &answer) != nil:
			got[mode] = "unreadable"
		case slices.Contains(answer.Differs, q.FullName):
			got[mode] = "values"
		case !cmp.Equal(answer, honest):
			got[mode] = "a lie"
		}
	}
	want := map[population.Mode]string{
		"wrong": "a lie", "values": "values", "garbage": "unreadable", "html": "unreadable", "truncated": "cut off",
		"empty": "unreadable", "unavailable": "503", "broken": "500", "rate_limited": "429", "reset": "connection torn down",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestAHangLastsUntilTheCallerGivesUp(t *testing.T) {
	t.Parallel()
	o := options(4)
	o.Faults = population.Faults{PerMille: map[population.Mode]int{population.Hang: 1000}}
	s := start(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/v1/checks",
		strings.NewReader(`{"number":"001090123456","full_name":"Nguyễn Văn An"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := client().Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the caller saw %v", err)
	}
}

func TestARunRepeatsItselfWhateverTheOrder(t *testing.T) {
	t.Parallel()
	faults := population.Faults{PerMille: map[population.Mode]int{
		population.Wrong: 100, population.Unavailable: 200, population.HTML: 100, population.Broken: 100,
	}}
	run := func(order []uint64) map[string][]string {
		o := options(5)
		o.Faults = faults
		s := start(t, o)
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen := map[string][]string{}
		for worker := range 4 {
			wg.Go(func() {
				for i := worker; i < len(order); i += 4 {
					q := questionAbout(s.Register().At(order[i]))
					for range 3 {
						r, err := ask(t, s, q)
						mu.Lock()
						seen[q.Number] = append(seen[q.Number], fmt.Sprintf("%+v %t", r, err == nil))
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		return seen
	}
	var forwards []uint64
	for i := range uint64(60) {
		forwards = append(forwards, i)
	}
	backwards := slices.Clone(forwards)
	slices.Reverse(backwards)
	first := run(forwards)
	if diff := cmp.Diff(first, run(backwards)); diff != "" {
		t.Errorf("the second run differs (-first +second):\n%s", diff)
	}
	kinds, changes := map[string]bool{}, 0
	for _, answers := range first {
		if answers[0] != answers[1] || answers[1] != answers[2] {
			changes++ // trying again is another throw
		}
		for _, answer := range answers {
			kinds[answer] = true
		}
	}
	if len(kinds) < 4 || changes < 20 {
		t.Errorf("%d of 60 numbers got different answers, all of them: %v", changes, kinds)
	}
}

func TestTheConnectionIsRefusedWhileThePortIsClosed(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC))
	o := options(6)
	o.Now, o.Addr = clock.Now, testkit.FreeAddress(t) // nobody else takes it while it is closed
	s := start(t, o)
	q := questionAbout(adult(s.Register()))
	mustAsk(t, s, q)
	reachable := func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL(), "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	until := func(want bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for reachable() != want {
			if ctx.Err() != nil {
				t.Fatalf("reachable stayed %t", !want)
			}
		}
	}
	for range 3 {
		if err := s.SetFaults(population.Faults{Refuse: true}); err != nil {
			t.Fatal(err)
		}
		until(false)
		if err := s.SetFaults(population.Faults{}); err != nil {
			t.Fatal(err)
		}
		until(true)
	}
	if err := s.SetFaults(population.Faults{Refuse: true, ForMS: 60}); err != nil {
		t.Fatal(err)
	}
	until(false)
	clock.Advance(time.Second)
	until(true)
	if diff := cmp.Diff(population.Answer{Result: "matched", Differs: []string{}}, mustAsk(t, s, q)); diff != "" {
		t.Errorf("after the outage (-want +got):\n%s", diff)
	}
}

func TestClosingEndsEverythingEvenWhileThePortIsClosed(t *testing.T) {
	t.Parallel()
	o := options(7)
	o.Faults.Refuse = true
	s := start(t, o)
	if err := errors.Join(s.Close(t.Context()), s.Close(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestTheSharesOfFailuresAreThoseAskedFor(t *testing.T) {
	t.Parallel()
	o := options(30)
	o.Faults.PerMille = map[population.Mode]int{population.Wrong: 100, population.Broken: 200, population.Unavailable: 300}
	s, err := population.New(o)
	if err != nil {
		t.Fatal(err)
	}
	const checks = 3000
	for i := range uint64(checks) {
		serve(t, s, questionAbout(s.Register().At(i)))
	}
	totals := s.Totals()
	if totals.Received != checks || totals.Numbers != checks || totals.Repeated != 0 {
		t.Errorf("%+v", totals)
	}
	for mode, want := range o.Faults.PerMille {
		if perMille := int(totals.Failed[mode] * 1000 / checks); perMille < want-30 || perMille > want+30 {
			t.Errorf("%s: %d of 1,000, want %d", mode, perMille, want)
		}
	}
	if honest := int(totals.Answered[population.Matched] * 1000 / checks); honest < 370 || honest > 430 {
		t.Errorf("%d of 1,000 were answered honestly", honest)
	}
}

func TestMoreChecksThanItCanBearHearThatItIsBusy(t *testing.T) {
	t.Parallel()
	o := options(31)
	o.Faults.PerMille = map[population.Mode]int{population.Hang: 1000}
	s, err := population.New(o)
	if err != nil {
		t.Fatal(err)
	}
	const crowd = 2_010 // ten more than it works on at once
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	codes := make(chan int, crowd)
	var wg sync.WaitGroup
	for i := range uint64(crowd) {
		wg.Go(func() { codes <- serveContext(ctx, t, s, questionAbout(s.Register().At(i))) })
	}
	for range 10 {
		if code := <-codes; code != http.StatusServiceUnavailable {
			t.Errorf("one of too many got %d", code)
		}
	}
	giveUp()
	wg.Wait()
	if received := s.Totals().Received; received != crowd-10 {
		t.Errorf("%d checks were received", received)
	}
}

// serve asks without a network and returns the status.
func serve(t *testing.T, s *population.Simulator, q population.Question) int {
	t.Helper()
	return serveContext(t.Context(), t, s, q)
}

func serveContext(ctx context.Context, t *testing.T, s *population.Simulator, q population.Question) (code int) {
	t.Helper()
	body, err := json.Marshal(q)
	if err != nil {
		t.Error(err)
		return 0
	}
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/checks", strings.NewReader(string(body)))
	request.Header.Set("Authorization", "Bearer "+key)
	recorder := httptest.NewRecorder()
	defer func() {
		if gone, _ := recover().(error); gone != nil && !errors.Is(gone, http.ErrAbortHandler) {
			panic(gone)
		}
		code = recorder.Code
	}()
	s.ServeHTTP(recorder, request)
	return recorder.Code
}
