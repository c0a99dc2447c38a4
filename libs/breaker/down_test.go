package breaker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/problem"
)

func TestIsDownKnowsADependencyThatIsAway(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"an open breaker":          &breaker.OpenError{Name: "bank"},
		"refused":                  &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"reset, bare":              syscall.ECONNRESET,
		"no such host":             &net.DNSError{Name: "bank.example"},
		"a time-out":               context.DeadlineExceeded,
		"a time-out of net":        os.ErrDeadlineExceeded,
		"a client's time-out":      &url.Error{Op: "Post", Err: context.DeadlineExceeded},
		"closed between requests":  &url.Error{Op: "Post", Err: io.EOF},
		"broken off":               io.ErrUnexpectedEOF,
		"429":                      &breaker.StatusError{Code: 429},
		"503":                      &breaker.StatusError{Code: 503},
		"an answer of a proxy":     &breaker.StatusError{Code: 502},
		"marked":                   breaker.Down(errors.New("SOAP fault: maintenance")),
		"the database stops":       &pgconn.PgError{Code: "57P01"},
		"the database is full":     &pgconn.PgError{Code: "53300"},
		"its disk is full":         &pgconn.PgError{Code: "53100"},
		"our service is too busy":  problem.New(problem.Unavailable, "overloaded", "", ""),
		"our service sets a limit": problem.New(problem.TooMany, "slow_down", "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !breaker.IsDown(fmt.Errorf("ask: %w", err)) {
				t.Errorf("%v would have gone to quarantine", err)
			}
		})
	}
}

func TestIsDownDoesNotExcuseAnythingElse(t *testing.T) {
	t.Parallel()
	_, missing := os.Open("/no/such/file")
	for name, err := range map[string]error{
		"nothing":                nil,
		"our own end":            context.Canceled,
		"our own end in a call":  &url.Error{Op: "Get", Err: context.Canceled},
		"a business answer":      &breaker.StatusError{Code: 409},
		"a fault of the server":  &breaker.StatusError{Code: 500},
		"a wrong URL":            &url.Error{Op: "parse", Err: errors.New("invalid port")},
		"a broken message":       json.Unmarshal([]byte(`{"a"`), &struct{}{}),
		"an empty message":       json.NewDecoder(strings.NewReader("")).Decode(&struct{}{}),
		"a missing file":         missing,
		"a violated constraint":  &pgconn.PgError{Code: "23505"},
		"a rule of the domain":   problem.Reject("account_blocked", "", ""),
		"somebody was faster":    problem.New(problem.Conflict, "conflict", "", ""),
		"an error like another":  errors.New("connection refused"),
		"marking nothing is nil": breaker.Down(nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if breaker.IsDown(err) {
				t.Errorf("%v would have been retried for ever", err)
			}
		})
	}
}

func TestCheckStatusReadsTheHint(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		code   int
		header string
		want   error
	}{
		"fine":                {200, "", nil},
		"a business answer":   {422, "9", nil},
		"no hint":             {500, "", &breaker.StatusError{Code: 500}},
		"seconds":             {503, "7", &breaker.StatusError{Code: 503, RetryAfter: 7 * time.Second}},
		"a date":              {429, "Sat, 21 Nov 2026 22:00:30 GMT", &breaker.StatusError{Code: 429, RetryAfter: 30 * time.Second}},
		"a date gone by":      {429, "Sat, 21 Nov 2026 21:00:00 GMT", &breaker.StatusError{Code: 429}},
		"negative":            {503, "-5", &breaker.StatusError{Code: 503}},
		"years":               {503, "999999999", &breaker.StatusError{Code: 503, RetryAfter: time.Hour}},
		"more than an int":    {503, "99999999999999999999", &breaker.StatusError{Code: 503}},
		"not a hint at all":   {503, "soon", &breaker.StatusError{Code: 503}},
		"the gateway is slow": {504, "", &breaker.StatusError{Code: 504}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := breaker.CheckStatus(&http.Response{
				StatusCode: c.code, Header: http.Header{"Retry-After": {c.header}},
			}, now)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetryAfterIsFoundInEveryKindOfRefusal(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&breaker.OpenError{RetryAfter: time.Second},
		&breaker.StatusError{Code: 429, RetryAfter: time.Second},
		&problem.Problem{Kind: problem.Unavailable, RetryAfter: time.Second},
	} {
		if wait, ok := breaker.RetryAfter(fmt.Errorf("ask: %w", err)); !ok || wait != time.Second {
			t.Errorf("%T: %v, %v", err, wait, ok)
		}
	}
	if wait, ok := breaker.RetryAfter(io.ErrUnexpectedEOF); ok {
		t.Errorf("a hint of %v out of nothing", wait)
	}
}

func TestErrorsNameTheDependencyAndNothingElse(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"bank is away: the circuit breaker is open, next try in 1.5s": &breaker.OpenError{
			Name: "bank", RetryAfter: 1500 * time.Millisecond,
		},
		"answered 503 Service Unavailable": &breaker.StatusError{Code: 503},
		"no route":                         breaker.Down(errors.New("no route")),
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}
