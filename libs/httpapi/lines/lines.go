// Package lines moves streams of any length through a program of fixed size.
//
//  1. A [Reader] hands out one line at a time. A line that is too long is skipped, and said to be, not kept.
//  2. [Ordered] works on a fixed number of items at the same time and hands the results on in the order of the items.
//     When results are not taken, no more items are.
//  3. A [Spool] stands between the results and a receiver who does not read yet: many clients send the whole of a
//     request before they look at the answer. It keeps a little in memory and the rest in a file, encrypted with a
//     key that nobody else has, and lets the sender wait only when the file or the disk is full, or all files together
//     are as large as their [Budget].
package lines

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ErrTooLong says that a line was longer than allowed. The next line can be read.
var ErrTooLong = errors.New("line too long")

// ByteOrderMark is what some programs write before the first character of a text in UTF-8.
const ByteOrderMark = "\xef\xbb\xbf"

const (
	readBuffer  = 64 << 10
	mostSkipped = 64 << 20 // bytes of one line that is too long, before reading on is given up
)

// Reader reads lines that end with LF or CRLF; blank ones are passed over.
type Reader struct {
	from  *bufio.Reader
	limit int
	line  []byte
	begun bool
}

// NewReader returns a reader of lines of at most limit bytes. A byte order mark before the first one is passed over.
func NewReader(from io.Reader, limit int) *Reader {
	return &Reader{from: bufio.NewReaderSize(from, readBuffer), limit: limit}
}

// Next returns the next line without its end. It is valid until the next call. At the end of the stream it returns
// io.EOF, also for a stream whose last line has no end.
func (r *Reader) Next() ([]byte, error) {
	for {
		line, err := r.next()
		if err != nil || len(bytes.TrimSpace(line)) > 0 {
			return line, err
		}
	}
}

func (r *Reader) next() ([]byte, error) {
	r.line = r.line[:0]
	for {
		part, err := r.from.ReadSlice('\n')
		if !r.begun {
			part, r.begun = bytes.TrimPrefix(part, []byte(ByteOrderMark)), true
		}
		switch {
		case len(r.line)+len(part) > r.limit+len("\r\n"):
			return nil, r.skip(err)
		case errors.Is(err, bufio.ErrBufferFull):
			r.line = append(r.line, part...)
			continue
		case err != nil && (!errors.Is(err, io.EOF) || len(r.line)+len(part) == 0):
			return nil, r.ended(err)
		}
		r.line = append(r.line, part...)
		line := bytes.TrimSuffix(bytes.TrimSuffix(r.line, []byte("\n")), []byte("\r"))
		if len(line) > r.limit {
			return nil, ErrTooLong
		}
		return line, nil
	}
}

// skip moves to the end of a line that is too long.
func (r *Reader) skip(err error) error {
	for skipped := 0; errors.Is(err, bufio.ErrBufferFull); {
		var part []byte
		part, err = r.from.ReadSlice('\n')
		if skipped += len(part); skipped > mostSkipped {
			return fmt.Errorf("skip a line: %w", io.ErrNoProgress)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return r.ended(err)
	}
	return ErrTooLong
}

func (r *Reader) ended(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("read a line: %w", err)
}
