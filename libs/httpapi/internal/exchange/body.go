package exchange

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/songan-vn/songan/libs/httpapi/lines"
	"github.com/songan-vn/songan/libs/problem"
)

// MediaJSON is the media type of bodies and answers.
const MediaJSON = "application/json"

const (
	slowest        = 32 << 10         // bytes per second that a body may come at, beyond the patience for small ones
	answerPatience = 90 * time.Second // for doing what the body says and for the caller to take the answer
	keptBuffer     = 1 << 20          // larger ones are not kept for the next request
	freshBuffer    = 4 << 10
	smallBody      = 64 << 10 // takes nothing of the budget: as many of them as there are connections have room
)

func newBuffers() sync.Pool {
	return sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, freshBuffer)) }}
}

// Buffer lends an empty buffer.
func (s *Server) Buffer() *bytes.Buffer { return s.bodies.Get().(*bytes.Buffer) }

// GiveBack ends the loan of a buffer; nothing may refer to its bytes any more.
func (s *Server) GiveBack(b *bytes.Buffer) {
	if b.Cap() > keptBuffer {
		return
	}
	b.Reset()
	s.bodies.Put(b)
}

// MediaType returns what the body says it is, unless it is encoded in a way that is not read here.
func (x *Exchange) MediaType() (string, error) {
	if coding := x.R.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return "", problem.New(problem.UnsupportedMedia, "content_encoding_not_supported",
			"compressed bodies are not read here; send it as it is", "không nhận nội dung nén; hãy gửi nguyên bản")
	}
	header := x.R.Header.Get("Content-Type")
	if header == MediaJSON {
		return header, nil
	}
	media, params, err := mime.ParseMediaType(header)
	if err != nil {
		return "", UnsupportedMedia()
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return "", problem.New(problem.UnsupportedMedia, "charset_not_supported",
			"only UTF-8 is read here", "chỉ nhận bảng mã UTF-8")
	}
	return media, nil
}

// UnsupportedMedia refuses a body of a type that the endpoint does not read.
func UnsupportedMedia() error {
	return problem.New(problem.UnsupportedMedia, "media_type_not_supported",
		"this content type is not read here; see the documentation of the endpoint",
		"không nhận kiểu nội dung này; xem tài liệu của API")
}

// ReadJSON reads a JSON body of at most limit bytes into b.
func (x *Exchange) ReadJSON(b *bytes.Buffer, limit int64) error {
	media, err := x.MediaType()
	if err != nil {
		return err
	}
	if media != MediaJSON {
		return UnsupportedMedia()
	}
	return x.ReadBody(b, limit)
}

// ReadBody reads a body of at most limit bytes into b, in a bounded time. A large one has to find room first: whoever
// sends it is not among those yet whom the gates count. A byte order mark is passed over, as RFC 8259 allows: what
// Windows writes has one.
func (x *Exchange) ReadBody(b *bytes.Buffer, limit int64) error {
	size := x.R.ContentLength
	if size > limit {
		return tooLarge()
	}
	if err := x.makeRoom(b, size); err != nil {
		return err
	}
	body := http.MaxBytesReader(x.W, x.R.Body, limit)
	if size < 0 {
		x.arriveWithin(limit)
		if err := x.readGrowing(b, body, limit); err != nil {
			return err
		}
	} else {
		x.arriveWithin(size)
		if _, err := b.ReadFrom(body); err != nil {
			return BodyError(err)
		}
	}
	if bytes.HasPrefix(b.Bytes(), []byte(lines.ByteOrderMark)) {
		b.Next(len(lines.ByteOrderMark))
	}
	return nil
}

// arriveWithin sets the deadlines for a body of so many bytes, and for its answer.
func (x *Exchange) arriveWithin(size int64) {
	arrived := time.Now().Add(x.server.options.Limits.BodyPatience + time.Duration(size)*time.Second/slowest)
	control := http.NewResponseController(x.W)
	_ = control.SetReadDeadline(arrived) // net/http drops it when the body has ended; a recorder of a test has none
	_ = control.SetWriteDeadline(arrived.Add(answerPatience))
}

// readGrowing reads a body that does not say how large it is. It takes room for what has come and as much again. With
// room for the largest at once, a few who send nothing would keep it from everybody, and ten items would need as much as
// ten thousand; with none, what many send would have no limit. It doubles because the buffer does. When there is no more
// room the body is refused in its midst, before anything of it was done. It has the time of the largest: who is slow has
// the room of what they sent and no more.
func (x *Exchange) readGrowing(b *bytes.Buffer, body io.Reader, limit int64) error {
	for room := min(smallBody, limit); ; room = min(2*room, limit) {
		if err := x.makeRoom(b, room); err != nil {
			return err
		}
		if _, err := b.ReadFrom(io.LimitReader(body, room+1-int64(b.Len()))); err != nil {
			return BodyError(err) // beyond the limit as well: so this ends
		}
		if int64(b.Len()) <= room { // one byte more would have been taken
			return nil
		}
	}
}

// makeRoom takes room for a body of so many bytes, unless it is small, and gives back what it had for a smaller one: both
// are there while the bytes are copied.
func (x *Exchange) makeRoom(b *bytes.Buffer, size int64) error {
	if size <= smallBody {
		return nil
	}
	before := x.held
	if err := x.hold(size); err != nil {
		x.W.Header().Set("Connection", "close") // the rest is not read: net/http would wait for it before it answers
		return err
	}
	b.Grow(int(size) + bytes.MinRead - b.Len()) // by itself it would grow to up to twice what is held
	x.give(before)
	return nil
}

// BodyError says why a body could not be read to its end.
func BodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return problem.New(problem.TimedOut, "body_too_slow",
			"the body took too long to arrive", "nội dung gửi lên quá chậm")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return problem.New(problem.Malformed, "body_incomplete",
			"the body ended before its announced length", "nội dung gửi lên chưa đầy đủ")
	}
	return problem.New(problem.Malformed, "body_unreadable",
		"the body could not be read", "không đọc được nội dung gửi lên")
}

func tooLarge() error {
	return problem.New(problem.TooLarge, "body_too_large",
		"the body is larger than this endpoint reads", "nội dung gửi lên vượt quá giới hạn")
}
