package servicetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/testkit"
)

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Post sends a change as JSON, under an idempotency key.
func (s *Service) Post(t testing.TB, actor, path, key string, body any) Answer {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return s.Send(t, Request{Method: http.MethodPost, Actor: actor, Path: path, Header: http.Header{"Idempotency-Key": {key}, "Content-Type": {"application/json"}}, Body: data})
}

// Get reads, not before what stands at the position after is seen; an empty one is whatever is seen.
func (s *Service) Get(t testing.TB, actor, path, after string) Answer {
	t.Helper()
	question := Request{Method: http.MethodGet, Actor: actor, Path: path, Header: http.Header{"Songan-After": {after}}}
	if after == "" {
		return s.Send(t, question)
	}
	var answer Answer
	testkit.Eventually(t, func() error { // as a client does: a service on a busy machine says 503 after a few seconds
		if answer = s.Send(t, question); strings.Contains(string(answer.Body), `"position_not_reached"`) {
			return fmt.Errorf("after %s: %s", after, answer.Body)
		}
		return nil
	})
	return answer
}

// Request is any call. Without an actor it has no key; a header whose value is empty is left out.
type Request struct {
	Method, Actor, Path string
	Header              http.Header
	Body                []byte
}

// Send sends anything.
func (s *Service) Send(t testing.TB, r Request) Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), r.Method, s.server.URL+"/"+s.name+"/v1"+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range r.Header {
		if values[0] != "" {
			request.Header.Set(name, values[0])
		}
	}
	if r.Actor != "" {
		request.Header.Set("Authorization", "Bearer "+s.Token(r.Actor))
	}
	response, err := s.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{response.StatusCode, response.Header, data}
}

// Want ends the test unless the answer has this status.
func (a Answer) Want(t testing.TB, status int) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("answered %d, want %d: %s", a.Status, status, a.Body)
	}
}

// Refused ends the test unless the answer is a problem with this code.
func (a Answer) Refused(t testing.TB, status int, code string) {
	t.Helper()
	a.Want(t, status)
	if got := a.Text(t, "code"); got != code {
		t.Fatalf("code %s, want %s: %s", got, code, a.Body)
	}
}

// Into reads the body.
func (a Answer) Into(t testing.TB, target any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, target); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
}

// Text is a field of the body, or "" when it is none or no text.
func (a Answer) Text(t testing.TB, field string) string {
	t.Helper()
	var all map[string]any
	a.Into(t, &all)
	text, _ := all[field].(string)
	return text
}

// Position is where the change stands in the log; see [Service.Get].
func (a Answer) Position() string { return a.Header.Get("Songan-Position") }

// Faults are "pointer code" of each error of a problem.
func (a Answer) Faults(t testing.TB) []string {
	t.Helper()
	var p struct {
		Errors []struct{ Pointer, Code string }
	}
	a.Into(t, &p)
	var lines []string
	for _, e := range p.Errors {
		lines = append(lines, strings.TrimSpace(e.Pointer+" "+e.Code))
	}
	return lines
}
