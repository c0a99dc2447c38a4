package pg

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// IsDown tells whether err means that the database could not be reached, went away, or sent us off because it
// is starting, stopping or full. The same work can succeed later, unchanged. Whether a statement that was under
// way took effect is then not known.
//
// A cancelled context is not the database's fault, nor is a deadline that ran out while it was working.
func IsDown(err error) bool {
	if err == nil {
		return false
	}
	if code := Code(err); code != "" {
		return downCode(code)
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

// downCode tells whether the server said that it is not there for anybody, or not for us any more.
func downCode(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", "57P05": // stopping, crashed, starting, idle session ended
		return true
	case "53300": // too many connections
		return true
	case "25006": // read-only: the old primary after a failover
		return true
	}
	return strings.HasPrefix(code, "08") // connection exception
}
