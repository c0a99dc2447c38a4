package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

const (
	// pageSize and pages bound a list.
	pageSize = 200
	pages    = 5_000
)

// List reads every page of a list.
func List[T any](ctx context.Context, c *Client, r Call, query url.Values) ([]T, error) {
	path, asked := r.Path, url.Values{"limit": {strconv.Itoa(pageSize)}}
	for name, values := range query {
		asked[name] = values
	}
	var all []T
	for range pages {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next_cursor"`
		}
		r.Path = path + "?" + asked.Encode()
		if err := c.Read(ctx, r, &page); err != nil {
			return nil, fmt.Errorf("list %s: %w", path, err)
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		asked.Set("cursor", page.Next)
	}
	return nil, fmt.Errorf("list %s: more than %d pages", path, pages)
}

// Line is what became of one line of a batch.
type Line struct {
	Index  int `json:"index"`
	Status int `json:"status"`
	// Problem is why it was refused.
	Problem *Problem `json:"problem"`
	// Answer is what one line alone would have been answered.
	Answer json.RawMessage `json:"-"`
}

// Away tells whether a line was neither accepted nor refused, because a server was away or overloaded.
func (l Line) Away() bool {
	return l.Status == http.StatusTooManyRequests || l.Status >= http.StatusInternalServerError
}

// Problem is what is looked at in a refusal.
type Problem struct {
	Code   string `json:"code"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Code    string `json:"code"`
	} `json:"errors"`
}

// String names codes and places, and no values.
func (p Problem) String() string {
	text := p.Code
	for _, e := range p.Errors {
		text += fmt.Sprintf(" %s%s", e.Code, e.Pointer)
	}
	return text
}

func (l Line) later() bool {
	return l.Status == http.StatusServiceUnavailable || l.Status == http.StatusTooManyRequests
}

// sendings is how often a batch is sent when the system had no room for some of its lines.
const sendings = 30

// Batch posts a line per item, and again with the same key while the system has no room for some of them. member is
// where a line's verdict has its answer.
func (c *Client) Batch(ctx context.Context, r Call, member string, items []any) ([]Line, error) {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	for _, item := range items {
		if err := lines.Encode(item); err != nil {
			return nil, fmt.Errorf("write line: %w", err)
		}
	}
	r.Method, r.Media, r.Body = http.MethodPost, "application/x-ndjson", body.Bytes()
	for range sendings {
		got, err := c.Do(ctx, r)
		if err != nil {
			return nil, err
		}
		if got.Status != http.StatusOK {
			return nil, refusalOf(got)
		}
		verdicts, full, err := verdicts(got.Body, member)
		switch {
		case err != nil:
			c.Lost.Add(1) // the system went away in the middle of its answer
		case len(verdicts) == len(items) && !full:
			return verdicts, nil
		default:
			c.Busy.Add(1)
		}
		if err := Wait(ctx, time.Second); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the system has no room for a batch")
}

// verdicts reads a batch's answer. full says that some lines have to come again.
func verdicts(body []byte, member string) (all []Line, full bool, err error) {
	for text := range bytes.Lines(body) {
		var line Line
		var members map[string]json.RawMessage
		if err := errors.Join(json.Unmarshal(text, &line), json.Unmarshal(text, &members)); err != nil {
			return nil, false, errors.New("a line of the answer is no JSON")
		}
		if line.Index != len(all) {
			return nil, false, fmt.Errorf("line %d of the answer is about line %d", len(all), line.Index)
		}
		line.Answer = members[member]
		full = full || line.later()
		all = append(all, line)
	}
	return all, full, nil
}

// Each does something for the numbers below n, so many at a time, and stops at the first error.
func Each(ctx context.Context, width, n int, do func(context.Context, int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	numbers := make(chan int)
	var workers sync.WaitGroup
	for range width {
		workers.Go(func() {
			for i := range numbers {
				if err := do(ctx, i); err != nil {
					stop(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case numbers <- i:
		case <-ctx.Done():
		}
	}
	close(numbers)
	workers.Wait()
	return context.Cause(ctx)
}
