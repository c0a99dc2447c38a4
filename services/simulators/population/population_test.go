package population_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
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
