// Package clients asks the two services that the identity service depends on: the one that knows the person behind
// a reference, and the national population database. Both stand behind a circuit breaker of their own, and whatever
// they do wrong (no answer, an error page, an answer that cannot be read) counts as "away": the check waits.
package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/breaker"
)

const (
	// answerLimit is the most that is read of an answer.
	answerLimit = 4 << 20
	// patience is how long one call may take.
	patience = 5 * time.Second
)

// endpoint is one address that takes and gives JSON.
type endpoint struct {
	url    string
	token  string
	now    func() time.Time
	client *http.Client
}

// Options say how a dependency is reached.
type Options struct {
	// URL is the base address, "http://127.0.0.1:8080".
	URL     string
	Token   string
	Breaker *breaker.Breaker
	Now     func() time.Time
}

func newEndpoint(path string, o Options) endpoint {
	return endpoint{url: strings.TrimSuffix(o.URL, "/") + path, token: o.Token, now: o.Now, client: &http.Client{
		Timeout: patience, Transport: breaker.Transport{Breaker: o.Breaker},
		// A redirect would carry a person to an address that nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// accept takes 200 only. 400 and 422 speak about this one question, and an operator has to look at it; everything
// else, a refused key or a wrong address too, is about the dependency, and all questions wait.
func accept(response *http.Response, now time.Time) error {
	if err := breaker.CheckStatus(response, now); err != nil {
		return breaker.Down(fmt.Errorf("post: %w", err))
	}
	switch response.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return fmt.Errorf("the question was refused with status %d", response.StatusCode)
	default:
		return breaker.Down(fmt.Errorf("answered with status %d", response.StatusCode))
	}
}

// errUnreadable is an answer that makes no sense. It never holds what was answered: that may be about a person.
var errUnreadable = errors.New("the answer cannot be read")

// post sends question and reads the answer. Every error that is not ours to correct is one of a dependency that is away.
func post[A any](ctx context.Context, e endpoint, question any) (A, error) {
	var answer A
	body, err := json.Marshal(question)
	if err != nil {
		return answer, fmt.Errorf("encode question: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return answer, fmt.Errorf("build request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+e.token)
	response, err := e.client.Do(request)
	if err != nil {
		return answer, fmt.Errorf("post: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // the answer was read or given up; nothing is lost here
	if err := accept(response, e.now()); err != nil {
		return answer, err
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, answerLimit)).Decode(&answer); err != nil {
		return answer, breaker.Down(errUnreadable)
	}
	return answer, nil
}
