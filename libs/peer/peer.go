// Package peer asks other services over HTTP, on behalf of reactions that come by the thousand.
//
//  1. A [Client] stands behind a circuit breaker and has a time limit. Whatever the other side does wrong (no answer, an
//     error page, an answer that cannot be read, a refused key) counts as "away": the fact that asked waits. Only 400 and
//     422 speak about the one question, and an operator has to look at it.
//  2. Errors name the service and the status, never the question or the answer: both may be about a person.
//  3. A redirect is not followed. It would carry a person to an address that nobody configured.
//  4. A [Batcher] lets questions that come at the same time go in one call, because each call costs a connection, a
//     query and a recorded reading on the other side. A question waits for others for a moment, never for long, and who
//     gives up does not spoil the call for those who joined it.
package peer

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
	// patience is how long one call may take, unless Options say otherwise.
	patience = 5 * time.Second
)

// Options say how a service is reached.
type Options struct {
	// URL is the base address, "http://127.0.0.1:8080".
	URL string
	// Token is our key there; without one nothing is sent.
	Token   string
	Breaker *breaker.Breaker
	Now     func() time.Time
	// Patience is how long one call may take; 5 s if zero.
	Patience time.Duration
}

// Client asks one service. It is safe for concurrent use.
type Client struct {
	url    string
	token  string
	now    func() time.Time
	client *http.Client
}

// NewClient returns a client; it opens no connection yet.
func NewClient(o Options) *Client {
	if o.Patience <= 0 {
		o.Patience = patience
	}
	return &Client{url: strings.TrimSuffix(o.URL, "/"), token: o.Token, now: o.Now, client: &http.Client{
		Timeout: o.Patience, Transport: breaker.Transport{Breaker: o.Breaker},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ErrUnreadable is an answer that makes no sense. It never holds what was answered.
var ErrUnreadable = errors.New("the answer cannot be read")

// Post sends question to a path of the service and reads the answer. Every error that is not ours to correct is one of
// a dependency that is away; see breaker.IsDown.
func Post[A any](ctx context.Context, c *Client, path string, question any) (A, error) {
	var answer A
	response, err := c.post(ctx, path, question)
	if err != nil {
		return answer, err
	}
	defer func() { _ = response.Body.Close() }() // the answer was read or given up; nothing is lost here
	if err := accept(response, c.now()); err != nil {
		return answer, err
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, answerLimit)).Decode(&answer); err != nil {
		var none A
		return none, breaker.Down(ErrUnreadable)
	}
	return answer, nil
}

func (c *Client) post(ctx context.Context, path string, question any) (*http.Response, error) {
	body, err := json.Marshal(question)
	if err != nil { // its text could quote the question
		return nil, fmt.Errorf("encode question: %T cannot be written as JSON", question)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("post: %w", err)
	}
	return response, nil
}

// accept takes 200 only. 400 and 422 speak about this one question; everything else, a refused key or a wrong address
// too, is about the service, and all questions wait.
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
