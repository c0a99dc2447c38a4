package demo

import (
	"bytes"
	"context"
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

// client talks to the system as software of a facility should: it waits when it is asked to, and repeats what was not
// answered, with the same key.
type client struct {
	base string
	http *http.Client

	// busy counts answers that asked to come again, lost requests whose answer never came.
	busy, lost atomic.Int64
}

func newClient(base string, connections int) *client {
	return &client{base: base, http: &http.Client{
		Timeout: attemptLimit,
		Transport: &http.Transport{
			MaxIdleConns: connections, MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections,
			IdleConnTimeout: time.Minute,
		},
	}}
}

// call is a request, the same at every attempt.
type call struct {
	method, path, token string
	// key is the idempotency key of a change.
	key string
	// media is the type of the body; JSON when it is empty.
	media string
	body  []byte
	// after is a position that a reading must have seen.
	after int64
}

// answer is what came back.
type answer struct {
	status   int
	body     []byte
	replayed bool
	// position of the last fact of a change; 0 when there is none.
	position int64
	// took is from the first attempt to the whole answer.
	took time.Duration
}

// do sends the request until it is answered with anything else than "later".
func (c *client) do(ctx context.Context, r call) (answer, error) {
	began := time.Now()
	pause := firstPause
	for {
		got, again, err := c.attempt(ctx, r)
		if err == nil && again < 0 {
			got.took = time.Since(began)
			return got, nil
		}
		if err != nil {
			c.lost.Add(1)
			again, pause = pause, min(2*pause, longestPause)
		} else {
			c.busy.Add(1)
			err = fmt.Errorf("the system answers %d", got.status)
		}
		if time.Since(began)+again > patience {
			return answer{}, fmt.Errorf("%s %s: no answer within %s: %w", r.method, r.path, patience, err)
		}
		if err := wait(ctx, again); err != nil {
			return answer{}, err
		}
	}
}

// attempt sends the request once. again is when to come again, if the system asks for that, and negative otherwise.
func (c *client) attempt(ctx context.Context, r call) (got answer, again time.Duration, err error) {
	request, err := r.request(ctx, c.base)
	if err != nil {
		return answer{}, 0, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, 0, fmt.Errorf("send: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	got = answer{status: response.StatusCode, replayed: response.Header.Get("Idempotent-Replay") == "true"}
	got.body, err = io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return answer{}, 0, fmt.Errorf("read answer: %w", err)
	}
	position := response.Header.Get("Songan-Position")
	if position == "" {
		position = response.Trailer.Get("Songan-Position")
	}
	if position != "" {
		if got.position, err = strconv.ParseInt(position, 10, 64); err != nil {
			return answer{}, 0, errors.New("the header Songan-Position is not a number")
		}
	}
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return got, retryAfter(response.Header.Get("Retry-After")), nil
	}
	return got, -1, nil
}

func (r call) request(ctx context.Context, base string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.method, base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	if r.key != "" {
		request.Header.Set("Idempotency-Key", r.key)
	}
	if r.after > 0 {
		request.Header.Set("Songan-After", strconv.FormatInt(r.after, 10))
	}
	if r.body != nil {
		media := r.media
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

// wait pauses until the time is over, or ctx.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
