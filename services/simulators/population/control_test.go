package population_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/services/simulators/population"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

func TestChecksAreCountedByNumber(t *testing.T) {
	t.Parallel()
	o := options(20)
	o.Faults = population.Faults{}
	s := start(t, o)
	once, often := questionAbout(s.Register().At(1)), questionAbout(s.Register().At(2))
	mustAsk(t, s, once)
	mustAsk(t, s, often)
	if err := s.SetFaults(population.Faults{PerMille: map[population.Mode]int{population.Broken: 1000}}); err != nil {
		t.Fatal(err)
	}
	if r, err := ask(t, s, often); err != nil || r.Status != http.StatusInternalServerError {
		t.Fatalf("%+v %v", r, err)
	}
	if r, err := ask(t, s, often); err != nil || r.Status != http.StatusInternalServerError {
		t.Fatalf("%+v %v", r, err)
	}
	want := population.Totals{
		Received: 4, Answered: map[string]uint64{"matched": 2}, Failed: map[population.Mode]uint64{"broken": 2}, Numbers: 2, Repeated: 1,
	}
	_, text := get(t, s.ControlURL()+"/control/counters")
	var got population.Totals
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]population.Totals{want, want}, []population.Totals{got, s.Totals()}); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	if times := []int{s.Received(once.Number), s.Received(often.Number), s.Received("001090000000")}; !cmp.Equal(times, []int{1, 3, 0}) {
		t.Errorf("received %v", times)
	}
	_, text = get(t, s.ControlURL()+"/control/counters/"+population.Hash(often.Number).String())
	if want := fmt.Sprintf(`{"number_hash":%q,"received":3}`, population.Hash(often.Number)); strings.TrimSpace(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	_, text = get(t, s.ControlURL()+"/control/numbers")
	times := map[string]int{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		var line struct {
			NumberHash string `json:"number_hash"`
			Received   int    `json:"received"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		times[line.NumberHash] = line.Received
	}
	wantTimes := map[string]int{population.Hash(once.Number).String(): 1, population.Hash(often.Number).String(): 3}
	if diff := cmp.Diff(wantTimes, times); diff != "" || strings.Contains(text, once.Number) {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	if status, _ := get(t, s.ControlURL()+"/control/counters/zz"); status != http.StatusNotFound {
		t.Errorf("a wrong hash got %d", status)
	}
}

func TestFaultsAreSetShownAndCleared(t *testing.T) {
	t.Parallel()
	o := options(21)
	o.Faults = population.Faults{Latency: population.Latency{P50MS: 1, P99MS: 2}}
	s := start(t, o)
	show := func() string { _, text := get(t, s.ControlURL()+"/control/faults"); return strings.TrimSpace(text) }
	states := []string{show()}
	set := `{"per_mille":{"unavailable":1000},"latency":{"p50_ms":0,"p99_ms":0},"for_ms":3600000}`
	status, data, err := post(t, s.ControlURL()+"/control/faults", "", set)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, data, err)
	}
	states = append(states, show())
	if status, _, err := post(t, s.ControlURL()+"/control/reset", "", ""); err != nil || status != http.StatusNoContent {
		t.Fatalf("reset: %d %v", status, err)
	}
	states = append(states, show())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.ControlURL()+"/control/faults", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	states = append(states, show())
	want := []string{
		`{"latency":{"p50_ms":1,"p99_ms":2}}`,
		`{"per_mille":{"unavailable":1000},"for_ms":3600000}`,
		`{"latency":{"p50_ms":1,"p99_ms":2}}`,
		`{}`,
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestFaultsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, options(22))
	for _, body := range []string{
		`{"per_mille":{"explode":1}}`, `{"per_mille":{"html":-1}}`, `{"per_mille":{"html":1001}}`, `{"per_mille":{"html":600,"hang":600}}`,
		`{"latency":{"p50_ms":5,"p99_ms":1}}`, `{"latency":{"p50_ms":0,"p99_ms":60001}}`, `{"rate_per_second":-1}`, `{"for_ms":-1}`,
		`{"for_ms":86400001}`, `{"slow":true}`, `x`, ``,
	} {
		if status, data, err := post(t, s.ControlURL()+"/control/faults", "", body); err != nil || status/100 != 4 {
			t.Errorf("%s: %d %s %v", body, status, data, err)
		}
	}
	if _, err := population.New(population.Options{Register: s.Register(), Faults: population.Faults{RatePerSecond: -1}}); err == nil {
		t.Error("a simulator started with impossible faults")
	}
}

func TestFaultsEndWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.November, 21, 20, 0, 0, 0, time.UTC)
	o := options(23)
	o.Now = func() time.Time { return now }
	o.Faults = population.Faults{RatePerSecond: 2}
	s, err := population.New(o)
	if err != nil {
		t.Fatal(err)
	}
	q := questionAbout(s.Register().At(0))
	check := func() int { return serve(t, s, q) }
	got := []int{check(), check(), check()} // two a second
	now = now.Add(500 * time.Millisecond)
	got = append(got, check(), check())
	if err := s.SetFaults(population.Faults{PerMille: map[population.Mode]int{population.Unavailable: 1000}, ForMS: 1000}); err != nil {
		t.Fatal(err)
	}
	got = append(got, check())
	now = now.Add(time.Second)
	got = append(got, check(), check(), check()) // back to two a second
	if diff := cmp.Diff([]int{200, 200, 429, 200, 429, 503, 200, 200, 429}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestHalfOfTheAnswersAreFasterThanTheMedian(t *testing.T) {
	t.Parallel()
	o := options(24)
	o.Faults.Latency = population.Latency{P50MS: 20, P99MS: 60}
	synctest.Test(t, func(t *testing.T) { // where time stands still until everybody waits for it
		s, err := population.New(o)
		if err != nil {
			t.Fatal(err)
		}
		quick, slow := 0, 0
		for i := range uint64(200) {
			began := time.Now()
			if status := serve(t, s, questionAbout(s.Register().At(i))); status != http.StatusOK {
				t.Fatal(status)
			}
			switch took := time.Since(began); {
			case took < 10*time.Millisecond || took > 120*time.Millisecond:
				t.Errorf("an answer took %s", took)
			case took <= 20*time.Millisecond:
				quick++
			default:
				slow++
			}
		}
		if quick < 80 || slow < 80 {
			t.Errorf("%d quick and %d slow answers", quick, slow)
		}
	})
}

func TestTheControlAPIIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	s, err := population.New(options(25))
	if err != nil {
		t.Fatal(err)
	}
	status := func(remote, origin string) int {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/control/faults", nil)
		request.RemoteAddr = remote
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		recorder := httptest.NewRecorder()
		s.Control().ServeHTTP(recorder, request)
		return recorder.Code
	}
	got := []int{status("127.0.0.1:1", ""), status("[::1]:1", ""), status("192.0.2.1:1", ""), status("x", ""), status("127.0.0.1:1", "http://evil.example")}
	if diff := cmp.Diff([]int{200, 200, 403, 403, 403}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	o := options(26)
	o.Register, o.ControlAddr = s.Register(), "0.0.0.0:0"
	open, err := population.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := open.Start(t.Context()); err == nil {
		t.Error("the control API listens to everybody")
	}
}
