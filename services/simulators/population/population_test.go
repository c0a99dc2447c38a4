package population_test

import (
	"bytes"
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

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/simulators/population"
)

const key = "key of the identity service"

// options are those of most tests: a small register.
func options(seed uint64) population.Options {
	return population.Options{Key: key, Seed: seed, Size: 50_000}
}

// start runs a simulator on ports of its own until the test ends.
func start(t *testing.T, o population.Options) *population.Simulator {
	t.Helper()
	s, err := population.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// reply is what a caller sees.
type reply struct {
	Status int
	Answer population.Answer
}

// client keeps no connections, so that what one test does to them hurts no other.
func client() *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}

func post(t testing.TB, url, bearer, body string) (int, []byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := client().Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, data, err
}

func ask(t testing.TB, s *population.Simulator, q population.Question) (reply, error) {
	t.Helper()
	body, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	status, data, err := post(t, s.URL()+"/v1/checks", key, string(body))
	if err != nil || status != http.StatusOK {
		return reply{Status: status}, err
	}
	r := reply{Status: status}
	return r, json.Unmarshal(data, &r.Answer)
}

func mustAsk(t testing.TB, s *population.Simulator, q population.Question) population.Answer {
	t.Helper()
	r, err := ask(t, s, q)
	if err != nil || r.Status != http.StatusOK {
		t.Fatalf("status %d, %v", r.Status, err)
	}
	return r.Answer
}

func questionAbout(p people.Person) population.Question {
	return population.Question{
		Number: p.Document.Number, FullName: p.FullName, BirthDate: p.BirthDate.String(), Sex: string(p.Sex),
	}
}

// adult returns somebody with a full birth date and accents in the name.
func adult(r *people.Register) people.Person {
	for i := uint64(0); ; i++ {
		p := r.At(i)
		if _, full := p.BirthDate.Full(); full && p.FullName != strings.ToValidUTF8(vn.Fold(p.FullName), "") && p.Phone != "" &&
			vn.CompareNames(p.FullName, vn.Fold(p.FullName)) == vn.OtherAccents {
			return p
		}
	}
}

func TestACheckComparesWithTheRegister(t *testing.T) {
	t.Parallel()
	s := start(t, options(1))
	p := adult(s.Register())
	right := questionAbout(p)
	other := func(change func(*population.Question)) population.Question {
		q := right
		change(&q)
		return q
	}
	otherSex := map[vn.Sex]string{vn.Male: "female", vn.Female: "male"}[p.Sex]
	for name, c := range map[string]struct {
		question population.Question
		want     population.Answer
	}{
		"everything agrees": {right, population.Answer{Result: "matched", Differs: []string{}}},
		"in capitals": {
			other(func(q *population.Question) { q.FullName = "  " + strings.ToUpper(q.FullName) }),
			population.Answer{Result: "matched", Differs: []string{}},
		},
		"without accents": {
			other(func(q *population.Question) { q.FullName = vn.Fold(q.FullName) }),
			population.Answer{Result: "matched", Differs: []string{}, Notes: []string{"accents"}},
		},
		"the year only": {
			other(func(q *population.Question) { q.BirthDate = q.BirthDate[:4] }),
			population.Answer{Result: "matched", Differs: []string{}},
		},
		"number and name only": {
			other(func(q *population.Question) { q.BirthDate, q.Sex = "", "" }),
			population.Answer{Result: "matched", Differs: []string{}},
		},
		"another name": {
			other(func(q *population.Question) { q.FullName += " Phúc" }),
			population.Answer{Result: "mismatched", Differs: []string{"full_name"}},
		},
		"another day": {
			other(func(q *population.Question) { q.BirthDate = "1900-01-01" }),
			population.Answer{Result: "mismatched", Differs: []string{"birth_date"}},
		},
		"everything differs": {
			other(func(q *population.Question) { q.FullName, q.BirthDate, q.Sex = "Ai Đó Khác", "1900", otherSex }),
			population.Answer{Result: "mismatched", Differs: []string{"full_name", "birth_date", "sex"}},
		},
		"nobody has the number": {
			other(func(q *population.Question) { q.Number = "999090123456" }),
			population.Answer{Result: "not_found", Differs: []string{}},
		},
	} {
		if diff := cmp.Diff(c.want, mustAsk(t, s, c.question)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, options(2))
	const good = `{"number":"001090123456","full_name":"Nguyễn Văn An"}`
	for name, c := range map[string]struct {
		bearer, body string
		want         string
	}{
		"no key":            {"", good, "401 key_refused"},
		"another key":       {"guessed", good, "401 key_refused"},
		"no JSON":           {key, `number=1`, "400 body_malformed"},
		"unknown field":     {key, `{"number":"001090123456","name":"An"}`, "400 body_malformed"},
		"two objects":       {key, good + good, "400 body_malformed"},
		"too long":          {key, `{"full_name":"` + strings.Repeat("a", 9000) + `"}`, "400 body_malformed"},
		"short number":      {key, `{"number":"0010901","full_name":"An"}`, "422 number_malformed"},
		"no name":           {key, `{"number":"001090123456","full_name":" "}`, "422 full_name_missing"},
		"impossible day":    {key, `{"number":"001090123456","full_name":"An","birth_date":"1990-02-30"}`, "422 birth_date_malformed"},
		"sex in Vietnamese": {key, `{"number":"001090123456","full_name":"An","sex":"Nam"}`, "422 sex_malformed"},
	} {
		status, data, err := post(t, s.URL()+"/v1/checks", c.bearer, c.body)
		var refusal struct{ Error string }
		if err := errors.Join(err, json.Unmarshal(data, &refusal)); err != nil {
			t.Fatalf("%s: %v in %q", name, err, data)
		}
		if got := fmt.Sprintf("%d %s", status, refusal.Error); got != c.want || bytes.Contains(data, []byte("001090123456")) {
			t.Errorf("%s: got %s (%s), want %s", name, got, data, c.want)
		}
	}
	keyless, err := population.New(population.Options{Register: s.Register()})
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/checks", strings.NewReader(good))
	request.Header.Set("Authorization", "Bearer ")
	keyless.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusUnauthorized {
		t.Errorf("without a key of its own it answered %d", recorder.Code)
	}
}

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
	kinds := map[string]bool{}
	for _, answers := range first {
		for _, answer := range answers {
			kinds[answer] = true
		}
	}
	if len(kinds) < 4 {
		t.Errorf("only these answers were seen: %v", kinds)
	}
}

func TestTheConnectionIsRefusedWhileThePortIsClosed(t *testing.T) {
	t.Parallel()
	s := start(t, options(6))
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
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
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

func TestPeopleWhoWereEnteredAreFound(t *testing.T) {
	t.Parallel()
	s := start(t, options(8))
	guest := population.Question{Number: "001090123456", FullName: "Nguyễn Văn An", BirthDate: "1990-01-15", Sex: "male"}
	before := mustAsk(t, s, guest).Result
	status, data, err := post(t, s.ControlURL()+"/control/people", "", `{"people":[
		{"number":"001090123456","full_name":"Nguyễn Văn An","birth_date":"1990-01-15","sex":"male"}]}`)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, data, err)
	}
	if after := mustAsk(t, s, guest).Result; before != population.NotFound || after != population.Matched {
		t.Errorf("before %s, after %s", before, after)
	}
	for name, body := range map[string]string{
		"no people":   `{"people":[]}`,
		"bad number":  `{"people":[{"number":"1","full_name":"An","birth_date":"1990","sex":"male"}]}`,
		"bad name":    `{"people":[{"number":"001090123456","full_name":"4n","birth_date":"1990","sex":"male"}]}`,
		"no birthday": `{"people":[{"number":"001090123456","full_name":"An","sex":"male"}]}`,
		"no sex":      `{"people":[{"number":"001090123456","full_name":"An","birth_date":"1990"}]}`,
		"no JSON":     `people`,
	} {
		status, data, err := post(t, s.ControlURL()+"/control/people", "", body)
		if err != nil || status/100 != 4 || bytes.Contains(data, []byte("001090123456")) {
			t.Errorf("%s: %d %s %v", name, status, data, err)
		}
	}
	if err := s.Enter(population.Question{Number: "x"}); err == nil {
		t.Error("a number of one letter was entered")
	}
}

func FuzzCheck(f *testing.F) {
	s, err := population.New(population.Options{Key: key, Size: 1000})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"number":"001090123456","full_name":"Nguyễn Văn An","birth_date":"1990","sex":"male"}`)
	f.Add(`{"number":null}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, body string) {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/checks", strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+key)
		s.ServeHTTP(recorder, request)
		if code := recorder.Code; code != 200 && code != 400 && code != 422 || !json.Valid(recorder.Body.Bytes()) {
			t.Errorf("%q got %d %s", body, code, recorder.Body)
		}
	})
}

// A service asks about a guest whose name was typed without accents.
func Example() {
	simulator, err := population.New(population.Options{Key: "secret", Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(simulator) // a program calls simulator.Start instead
	defer server.Close()

	guest := simulator.Register().At(0)
	body := fmt.Sprintf(`{"number":%q,"full_name":%q,"birth_date":%q,"sex":%q}`,
		guest.Document.Number, vn.Fold(guest.FullName), guest.BirthDate, guest.Sex)
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, server.URL+"/v1/checks", strings.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	request.Header.Set("Authorization", "Bearer secret")
	response, err := server.Client().Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	fmt.Printf("%d %s%v\n", response.StatusCode, answer, err)
	// Output:
	// 200 {"result":"matched","differs":[],"notes":["accents"]}
	// <nil>
}
