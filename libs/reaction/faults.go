package reaction

import (
	"context"
	"errors"
	"strings"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/telemetry"
)

// undecodableError says that a message holds no fact that could be handled. Trying again is no use.
type undecodableError struct{ err error }

func (e *undecodableError) Error() string { return "undecodable: " + e.err.Error() }
func (e *undecodableError) Unwrap() error { return e.err }

func isUndecodable(err error) bool {
	_, ok := errors.AsType[*undecodableError](err)
	return ok
}

// panicError says where a handler panicked, and with what type of value.
type panicError struct{ kind, place string }

func (e *panicError) Error() string { return "panic with a " + e.kind + " in " + e.place }

// waits tells whether an error is not the fact's fault, so that the fact has to come again: the end of our own
// process or of our patience, something that is away, somebody who was faster.
func (r *Reactor) waits(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	if p, ok := problem.Of(err); ok && p.Kind == problem.Conflict {
		return true
	}
	if errors.Is(err, eventstore.ErrConflict) || errors.Is(err, eventstore.ErrUnknown) || errors.Is(err, eventstore.ErrClosed) {
		return true
	}
	if broker, ok := errors.AsType[kafka.Error](err); ok && (broker.Temporary() || broker.Timeout()) {
		return true
	}
	return breaker.IsDown(err) || pg.IsDown(err) || r.deps.Down(err)
}

// describe says what is kept about an error: its code and a text without values.
func describe(err error) (code, text string) {
	text = clean(telemetry.ErrText(err))
	if p, ok := problem.Of(err); ok {
		return p.Code, text
	}
	if isUndecodable(err) {
		return "undecodable", text
	}
	if _, ok := errors.AsType[*panicError](err); ok {
		return "panic", text
	}
	if state := pg.Code(err); state != "" {
		return "sql_" + state, text
	}
	return "error", text
}

// clean makes text that PostgreSQL takes: messages that cannot be decoded may hold anything.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
