package breaker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/songan-vn/songan/libs/problem"
)

// ErrOpen is what every error of an open breaker is, for errors.Is.
var ErrOpen = errors.New("the circuit breaker is open")

var errPanicked = errors.New("the call panicked")

// OpenError refuses a call while the dependency is taken to be away.
type OpenError struct {
	// Name is the breaker's.
	Name string
	// RetryAfter is when the next probe will be let through; before that a call cannot succeed.
	RetryAfter time.Duration
}

// Error names the dependency and the wait.
func (e *OpenError) Error() string {
	return fmt.Sprintf("%s is away: %v, next try in %s", e.Name, ErrOpen, e.RetryAfter.Round(time.Millisecond))
}

// Is makes errors.Is(err, ErrOpen) hold.
func (e *OpenError) Is(target error) bool { return target == ErrOpen }

// StatusError is an answer that says the dependency cannot work at the moment: 5xx or 429.
type StatusError struct {
	Code int
	// RetryAfter is what the answer asked for; 0 when it did not.
	RetryAfter time.Duration
}

// Error names the status and nothing of the answer, which may speak of people.
func (e *StatusError) Error() string {
	return "answered " + strconv.Itoa(e.Code) + " " + http.StatusText(e.Code)
}

// CheckStatus returns a [*StatusError] for 5xx and 429 and nil for every other answer. Clients call it before they
// look at the body. now is needed because Retry-After may be a date.
func CheckStatus(answer *http.Response, now time.Time) error {
	if answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	return &StatusError{Code: answer.StatusCode, RetryAfter: retryAfter(answer.Header.Get("Retry-After"), now)}
}

// longestHint bounds what a dependency may ask us to wait.
const longestHint = time.Hour

func retryAfter(header string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(header); err == nil {
		wait = time.Duration(min(max(seconds, 0), int(longestHint/time.Second))) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), longestHint)
}

// Down marks an error as "the dependency is away", for protocols whose errors this package does not know.
func Down(err error) error {
	if err == nil {
		return nil
	}
	return &downError{err}
}

type downError struct{ err error }

func (e *downError) Error() string { return e.err.Error() }
func (e *downError) Unwrap() error { return e.err }

// IsDown reports whether err says that something we depend on is away or overloaded, so that the same call may
// succeed later unchanged: an open breaker, no or a broken connection, a time-out, 429, 502, 503, 504, a database
// that is starting, stopping or full, or one of our own services that answered "unavailable". A cancelled context
// is not that: it is our own end, and the caller knows.
func IsDown(err error) bool {
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return false
	case errors.Is(err, ErrOpen), errors.Is(err, context.DeadlineExceeded), brokenConnection(err):
		return true
	}
	if _, ok := errors.AsType[*downError](err); ok {
		return true
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		return slices.Contains(awayCodes(), status.Code)
	}
	if p, ok := problem.Of(err); ok {
		return p.Kind == problem.Unavailable || p.Kind == problem.TooMany || p.Kind == problem.TimedOut
	}
	state, ok := errors.AsType[sqlState](err)
	return ok && DatabaseAway(state.SQLState())
}

// RetryAfter returns the wait that err asks for, if it does: of an open breaker, an answer or a problem.
func RetryAfter(err error) (time.Duration, bool) {
	wait := time.Duration(0)
	if open, ok := errors.AsType[*OpenError](err); ok {
		wait = open.RetryAfter
	} else if status, ok := errors.AsType[*StatusError](err); ok {
		wait = status.RetryAfter
	} else if p, ok := problem.Of(err); ok {
		wait = p.RetryAfter
	}
	return wait, wait > 0
}

// counts says what the breaker takes for a failure: what IsDown does, and every 5xx. A 500 counts, because many
// of them mean a broken dependency; but it is not IsDown, because one of them may be about one message.
func counts(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Code >= 500 || status.Code == http.StatusTooManyRequests
	}
	return IsDown(err)
}

func awayCodes() []int {
	return []int{
		http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}
}

// brokenConnection knows the errors of the network, each by its own type: any [net.Error] would also be the
// syscall.Errno inside "no such file", and an [*url.Error] is also a URL that is wrong. A bare io.EOF is the end of
// an empty document, not of a connection.
func brokenConnection(err error) bool {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return outer.Timeout() || errors.Is(outer.Err, io.EOF) || brokenConnection(outer.Err)
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() {
		return true
	}
	return slices.ContainsFunc(endsOfConnection(), func(end error) bool { return errors.Is(err, end) })
}

func endsOfConnection() []error {
	return []error{
		io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED,
		syscall.EPIPE, syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
	}
}

// DatabaseAway tells whether a SQLSTATE says that the database is not there for anybody, or not for us any more: connection
// exceptions, no room (disk, memory, connections), shutdown and start, and read-only, which is the old primary after a failover.
func DatabaseAway(state string) bool {
	return strings.HasPrefix(state, "08") || strings.HasPrefix(state, "53") || strings.HasPrefix(state, "57P") || state == "25006"
}

// sqlState is what pgconn's errors can say; named here so that a client of anything does not link a database driver.
type sqlState interface {
	error
	SQLState() string
}
