// Package client talks to the system over HTTP as software of a facility should: it comes again when it is asked to, and
// repeats what was not answered, with the same idempotency key.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// patience is how long one request is tried. A system that was killed is back within it.
	patience = 2 * time.Minute
	// attemptLimit is how long one attempt may take; it bounds a large batch too.
	attemptLimit = 60 * time.Second
	// answerLimit is the most that is read of an answer.
	answerLimit = 32 << 20

	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// Client keeps connections to one system.
type Client struct {
	base     string
	http     *http.Client
	patience time.Duration

	// Busy counts answers that asked to come again, Lost requests whose answer never came.
	Busy, Lost atomic.Int64
}

// Object is the JSON of a request, written out where it is sent: the demo shows callers what to send, so it shares no
// types with the services.
type Object = map[string]any

// New returns a client of the system at base that opens so many connections at most.
func New(base string, connections int) *Client {
	return &Client{base: base, patience: patience, http: &http.Client{
		Timeout: attemptLimit,
		Transport: &http.Transport{
			MaxIdleConns: connections, MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections,
			IdleConnTimeout: time.Minute,
		},
	}}
}

// How long a system may take to become ready. One that is not there at all is not waited for.
const (
	startPatience = 30 * time.Second
	readyEvery    = 500 * time.Millisecond
)

// Ready waits until the system can serve.
func (c *Client) Ready(ctx context.Context) error {
	began := time.Now()
	for {
		got, _, err := c.attempt(ctx, Call{Method: http.MethodGet, Path: "/readyz"})
		switch {
		case err != nil:
			return fmt.Errorf("nobody answers at %s; start the system first: make run: %w", c.base, err)
		case got.Status == http.StatusOK:
			return nil
		case time.Since(began) > startPatience:
			return fmt.Errorf("the system at %s is not ready: /readyz answers %d", c.base, got.Status)
		}
		if err := Wait(ctx, readyEvery); err != nil {
			return err
		}
	}
}

// Call is a request, the same at every attempt.
type Call struct {
	Method, Path, Token string
	// Key is the idempotency key of a change.
	Key string
	// Media is the type of the body; JSON when it is empty.
	Media string
	Body  []byte
	// After is a position that a reading must have seen.
	After int64
}

// Answer is what came back.
type Answer struct {
	Status int
	Body   []byte
	// Replayed says that the system knew the request.
	Replayed bool
	// Position of the last fact of a change; 0 when there is none.
	Position int64
	// Took is from the first attempt to the whole answer.
	Took time.Duration
}

// Do sends the request until it is answered with anything else than "later".
func (c *Client) Do(ctx context.Context, r Call) (Answer, error) {
	began := time.Now()
	pause := firstPause
	for {
		got, again, err := c.attempt(ctx, r)
		if err == nil && again < 0 {
			got.Took = time.Since(began)
			return got, nil
		}
		if err != nil {
			c.Lost.Add(1)
			again, pause = pause, min(2*pause, longestPause)
		} else {
			c.Busy.Add(1)
			err = fmt.Errorf("the system answers %d", got.Status)
		}
		if time.Since(began)+again > c.patience {
			return Answer{}, fmt.Errorf("%s %s: no answer within %s: %w", r.Method, r.Path, c.patience, err)
		}
		if err := Wait(ctx, again); err != nil {
			return Answer{}, err
		}
	}
}

// attempt sends the request once. again is when to come again, if the system asks for that, and negative otherwise.
func (c *Client) attempt(ctx context.Context, r Call) (got Answer, again time.Duration, err error) {
	request, err := r.request(ctx, c.base)
	if err != nil {
		return Answer{}, 0, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return Answer{}, 0, fmt.Errorf("send: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	got = Answer{Status: response.StatusCode, Replayed: response.Header.Get("Idempotent-Replay") == "true"}
	got.Body, err = io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return Answer{}, 0, fmt.Errorf("read answer: %w", err)
	}
	position := response.Header.Get("Songan-Position")
	if position == "" {
		position = response.Trailer.Get("Songan-Position")
	}
	if position != "" {
		if got.Position, err = strconv.ParseInt(position, 10, 64); err != nil {
			return Answer{}, 0, errors.New("the header Songan-Position is not a number")
		}
	}
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return got, retryAfter(response.Header.Get("Retry-After")), nil
	}
	return got, -1, nil
}

func (r Call) request(ctx context.Context, base string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, base+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+r.Token)
	if r.Key != "" {
		request.Header.Set("Idempotency-Key", r.Key)
	}
	if r.After > 0 {
		request.Header.Set("Songan-After", strconv.FormatInt(r.After, 10))
	}
	if r.Body != nil {
		media := r.Media
		if media == "" {
			media = "application/json"
		}
		request.Header.Set("Content-Type", media)
	}
	return request, nil
}

// retryAfter reads the seconds of the header; a second is meant when there are none.
func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return time.Second
	}
	return min(time.Duration(seconds)*time.Second, patience)
}

// Wait pauses until the time is over, or ctx.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// GlanceEvery is how often something that takes a while is looked at, and waitLimit how long.
const (
	GlanceEvery = 300 * time.Millisecond
	waitLimit   = 3 * time.Minute
)

// Until looks every now and then whether something is done.
func Until(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	began := time.Now()
	for {
		ready, err := done(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", what, err)
		case ready:
			return nil
		case time.Since(began) > waitLimit:
			return fmt.Errorf("%s: not done after %s", what, waitLimit)
		}
		if err := Wait(ctx, GlanceEvery); err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
	}
}

// Create posts body and reads what was made.
func (c *Client) Create(ctx context.Context, r Call, body, made any) (err error) {
	r.Method = http.MethodPost
	if r.Body, err = json.Marshal(body); err != nil {
		return fmt.Errorf("write body: %w", err)
	}
	return c.decode(ctx, r, http.StatusCreated, made)
}

// Change posts body and reads what became of the thing it changes, whether or not that is new.
func (c *Client) Change(ctx context.Context, r Call, body, changed any) (Answer, error) {
	r.Method = http.MethodPost
	var err error
	if r.Body, err = json.Marshal(body); err != nil {
		return Answer{}, fmt.Errorf("write body: %w", err)
	}
	got, err := c.Do(ctx, r)
	if err != nil {
		return got, err
	}
	if got.Status >= http.StatusMultipleChoices {
		return got, refusalOf(got)
	}
	if err := json.Unmarshal(got.Body, changed); err != nil {
		return got, fmt.Errorf("read answer: %w", err)
	}
	return got, nil
}

// Read gets a document.
func (c *Client) Read(ctx context.Context, r Call, into any) error {
	r.Method = http.MethodGet
	return c.decode(ctx, r, http.StatusOK, into)
}

// decode reads the answer, which must have that status.
func (c *Client) decode(ctx context.Context, r Call, status int, into any) error {
	got, err := c.Do(ctx, r)
	if err != nil {
		return err
	}
	if got.Status != status {
		return refusalOf(got)
	}
	if err := json.Unmarshal(got.Body, into); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// Refusal is the error of a request that was refused.
type Refusal struct {
	Status int
	// Code of the problem; empty when the answer was none.
	Code string
}

// Error returns status and code, and nothing of what was asked or answered.
func (r *Refusal) Error() string { return fmt.Sprintf("answered with status %d %s", r.Status, r.Code) }

// refusalOf says why a request was refused that should not have been.
func refusalOf(a Answer) error {
	var problem Problem
	if err := json.Unmarshal(a.Body, &problem); err != nil {
		return &Refusal{Status: a.Status}
	}
	return &Refusal{Status: a.Status, Code: problem.String()}
}
