package exchange

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/songan-vn/songan/libs/problem"
)

// Status returns the status code of a kind of problem. This is the one place that knows.
func Status(k problem.Kind) int {
	switch k {
	case problem.Malformed:
		return http.StatusBadRequest
	case problem.Invalid, problem.Rejected:
		return http.StatusUnprocessableEntity
	case problem.Unauthenticated:
		return http.StatusUnauthorized
	case problem.Forbidden:
		return http.StatusForbidden
	case problem.NotFound:
		return http.StatusNotFound
	case problem.Conflict:
		return http.StatusConflict
	case problem.TooLarge:
		return http.StatusRequestEntityTooLarge
	case problem.UnsupportedMedia:
		return http.StatusUnsupportedMediaType
	case problem.TooMany:
		return http.StatusTooManyRequests
	case problem.Unavailable:
		return http.StatusServiceUnavailable
	case problem.TimedOut:
		return http.StatusRequestTimeout
	}
	return http.StatusInternalServerError
}

// statusClientGone is written to the log only, there is nobody to answer: nginx's number for it.
const statusClientGone = 499

// Problem is a refusal as it is answered: application/problem+json of RFC 9457, with our members.
type Problem struct {
	Type     string `json:"type" doc:"A URI that names the kind of problem; its last part is the code."`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Code     string `json:"code" doc:"Stable and machine-readable."`
	Detail   string `json:"detail"`
	DetailVI string `json:"detail_vi"`
	// Errors lists everything that is wrong with the request, at once.
	Errors []problem.Fault `json:"errors,omitzero" doc:"Everything that is wrong with the request, at once."`
	// Instance names the request, for questions to those who run the service.
	Instance string `json:"instance,omitzero" doc:"Names this request; quote it when you ask us about it."`
	TraceID  string `json:"trace_id,omitzero"`
}

const typePrefix = "urn:songan:problem:"

// DocumentOf writes a problem as it is answered.
func DocumentOf(p *problem.Problem) Problem {
	status := Status(p.Kind)
	return Problem{
		Type: typePrefix + p.Code, Title: http.StatusText(status), Status: status,
		Code: p.Code, Detail: p.Detail, DetailVI: p.DetailVI, Errors: p.Faults,
	}
}

// ProblemOf finds what a caller may see of an error.
func (s *Server) ProblemOf(err error) *problem.Problem {
	const again = time.Second
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = tooLarge()
	}
	if p, ok := problem.Of(err); ok {
		return p
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &problem.Problem{
			Kind: problem.Unavailable, Code: "took_too_long", RetryAfter: again,
			Detail: "this took longer than it may; try again", DetailVI: "xử lý quá thời gian cho phép; xin thử lại",
		}
	case s.options.Down != nil && s.options.Down(err):
		return &problem.Problem{
			Kind: problem.Unavailable, Code: "dependency_away", RetryAfter: again,
			Detail: "something this service needs is away; try again", DetailVI: "hệ thống phụ thuộc tạm gián đoạn; xin thử lại",
		}
	}
	return &problem.Problem{
		Code: "internal", Detail: "this is our fault; it has been noted", DetailVI: "lỗi thuộc về hệ thống; đã được ghi nhận",
	}
}

// IsFault tells whether a problem is one of ours that somebody should look at. That we have more to do than we can, or
// stop, is meant to happen: the metrics count it.
func IsFault(p *problem.Problem) bool {
	switch p.Code {
	case "overloaded", codeNotReached, "stopping":
		return p.Kind == problem.Internal
	}
	return p.Kind == problem.Internal || p.Kind == problem.Unavailable
}

// ErrGone says that nobody takes the answer any more.
var ErrGone = errors.New("the client is gone")

// refuse answers with a problem. An answer that is under way cannot be taken back: it is cut off instead.
func (x *Exchange) refuse(ctx context.Context, err error) {
	begun := x.W.status != 0
	x.cut = begun
	if x.server.gone(ctx, err) {
		x.Code, x.cut = "client_gone", true // nothing written would be a 200 to net/http
		if !begun {
			x.W.status = statusClientGone
		}
		return
	}
	p := x.server.ProblemOf(err)
	x.Code = p.Code
	x.refused.add(p.Faults)
	if IsFault(p) {
		x.Err = err
	}
	if begun {
		return
	}
	x.refusalHeaders(p)
	x.WriteProblem(DocumentOf(p))
}

// gone tells whether an error came of nobody being there any more. A body that came too slowly ends the request's context
// as well, but somebody is there to be told.
func (s *Server) gone(ctx context.Context, err error) bool {
	_, told := problem.Of(err)
	return errors.Is(err, ErrGone) || ctx.Err() != nil && !told
}

// WriteProblem answers with a problem that is written already.
func (x *Exchange) WriteProblem(d Problem) {
	d.Instance, d.TraceID = "urn:uuid:"+x.ID, x.traceID()
	body, err := json.Marshal(d)
	if err != nil { // texts of ours: cannot be
		x.Err = err
		return
	}
	x.W.Header().Set("Content-Type", "application/problem+json")
	x.W.WriteHeader(d.Status)
	x.Send(body)
}

func (x *Exchange) refusalHeaders(p *problem.Problem) {
	h := x.W.Header()
	h.Del("ETag")
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		seconds := (p.RetryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	switch p.Kind {
	case problem.Unauthenticated:
		challenge := `Bearer realm="songan"`
		if x.R.Header.Get("Authorization") != "" {
			challenge += `, error="invalid_token"`
		}
		h.Set("WWW-Authenticate", challenge)
	case problem.UnsupportedMedia:
		h.Set("Accept-Encoding", "identity")
	case problem.TooLarge, problem.TimedOut:
		h.Set("Connection", "close") // the rest of the body is not read
	}
}

func (x *Exchange) traceID() string {
	if x.span == nil {
		return ""
	}
	if id := x.span.SpanContext().TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}

// NotFound refuses what does not exist, or not for who asks.
func NotFound() error {
	return problem.New(problem.NotFound, "not_found", "there is no such thing here", "không tìm thấy")
}

// taken refuses who has used up their rate.
func taken(wait time.Duration, ok bool) error {
	if ok {
		return nil
	}
	return &problem.Problem{
		Kind: problem.TooMany, Code: "too_many_requests", RetryAfter: wait,
		Detail:   "too many requests; wait before the next one",
		DetailVI: "quá nhiều yêu cầu; xin chờ trước khi gửi tiếp",
	}
}

// tooManyAtOnce refuses who has their whole share of the places taken already.
func tooManyAtOnce() error {
	const again = time.Second
	return &problem.Problem{
		Kind: problem.TooMany, Code: "too_many_at_once", RetryAfter: again,
		Detail:   "too many requests of yours are under way; wait until one of them has ended",
		DetailVI: "quá nhiều yêu cầu đang được xử lý cùng lúc; xin chờ một yêu cầu kết thúc",
	}
}
