package pg

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/songan-vn/songan/libs/breaker"
)

// IsDown tells whether err means that the database could not be reached, went away, or sent us off because it
// is starting, stopping or full; see [breaker.DatabaseAway]. The same work can succeed later, unchanged. Whether a
// statement that was under way took effect is then not known.
//
// A cancelled context is not the database's fault, nor is a deadline that ran out while it was working.
func IsDown(err error) bool {
	if err == nil {
		return false
	}
	if code := Code(err); code != "" {
		return breaker.DatabaseAway(code)
	}
	if _, refused := errors.AsType[*pgconn.ConnectError](err); refused {
		return !errors.Is(err, context.Canceled)
	}
	for _, gone := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, pgconn.ErrConnClosed, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE,
	} {
		if errors.Is(err, gone) {
			return true
		}
	}
	_, network := errors.AsType[*net.OpError](err)
	return network && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// Code returns the SQLSTATE of the server's error in err's chain, or "".
func Code(err error) string {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answer.Code
	}
	return ""
}

// IsDuplicate tells whether a unique constraint refused a row.
func IsDuplicate(err error) bool { return Code(err) == "23505" }
