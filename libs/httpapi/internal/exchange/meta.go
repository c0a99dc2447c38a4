package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/httpapi/internal/fault"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/telemetry"
)

// HeaderPosition says where a change stands.
const HeaderPosition = "Songan-Position"

const (
	headerKey    = "Idempotency-Key"
	headerAfter  = "Songan-After"
	headerReplay = "Idempotent-Replay"

	codeNotReached = "position_not_reached"

	maxKey       = 200
	afterWait    = 5 * time.Second // for a projection to reach what the caller has seen
	afterRetryIn = time.Second
)

// Name derives a name from a key within the scope of who calls.
func (x *Exchange) Name(kind, key string) string {
	return x.server.options.Name(kind, x.Who.Scope(), key)
}

// Meta says how the facts of this request came about. A query has no cause, and its key is its own id. What the body means is told
// by strict.Reader.AppendMeaning.
func (x *Exchange) Meta(ctx context.Context, key string, meaning []byte) decider.Meta {
	m := decider.Meta{
		At:    x.server.options.Now().Truncate(time.Microsecond), // what PostgreSQL keeps, so that one instant has one value
		Actor: x.Who.Actor(), Correlation: x.ID, Trace: telemetry.Traceparent(ctx), Bulk: x.Route.Stream,
	}
	if x.server.options.Name == nil || x.Route.Method == http.MethodGet {
		return m
	}
	m.Cause = x.Name("cause", key)
	m.Fingerprint = x.fingerprint(meaning)
	return m
}

// fingerprint covers the route, the path and what the body means, so that the same key on another path is told apart
// and the same body written differently is not.
func (x *Exchange) fingerprint(meaning []byte) string {
	b := x.server.Buffer()
	defer x.server.GiveBack(b)
	b.WriteString(x.Route.Method + " " + x.Route.Path)
	for _, name := range x.Route.Params {
		b.WriteByte('\n')
		b.WriteString(x.R.PathValue(name))
	}
	b.WriteByte('\n')
	b.Write(meaning)
	return x.server.options.Fingerprint(b.Bytes())
}

// Key returns the Idempotency-Key. Without one a DELETE is its own key: deleting again is the same thing.
func (x *Exchange) Key() (string, error) {
	if x.Route.Method == http.MethodDelete && x.R.Header.Get(headerKey) == "" {
		return "DELETE " + x.R.URL.Path, nil
	}
	values := x.R.Header.Values(headerKey)
	switch {
	case len(values) == 0 || values[0] == "":
		return "", &problem.Problem{
			Kind: problem.Malformed, Code: "idempotency_key_required",
			Detail:   "this changes something, so it needs an Idempotency-Key: the same for every attempt, another for everything else",
			DetailVI: "thao tác này thay đổi dữ liệu nên cần Idempotency-Key: giữ nguyên khi gửi lại, khác cho thao tác khác",
			Faults:   problem.Faults{keyFault("required", "this header is required", "bắt buộc phải có tiêu đề này")},
		}
	case len(values) > 1 || !fault.VisibleASCII(values[0], maxKey):
		return "", &problem.Problem{
			Kind: problem.Malformed, Code: "idempotency_key_invalid",
			Detail:   "the Idempotency-Key has 1 to 200 visible ASCII characters, and stands there once",
			DetailVI: "Idempotency-Key gồm 1 đến 200 ký tự ASCII nhìn thấy được và chỉ gửi một lần",
			Faults:   problem.Faults{keyFault("invalid_value", "this header is not valid", "tiêu đề này không hợp lệ")},
		}
	}
	return values[0], nil
}

// OptionalKey is for raw routes, which may change something or not.
func (x *Exchange) OptionalKey() (string, error) {
	if x.R.Header.Get(headerKey) == "" {
		return x.ID, nil
	}
	return x.Key()
}

func keyFault(code, en, vi string) problem.Fault {
	return problem.Fault{
		Pointer: "/header/" + headerKey, Code: code, Message: en, MessageVI: vi, Hint: "a random UUID per operation is fine",
	}
}

// Changed says where the change stands, and whether it is news.
func (x *Exchange) Changed(position int64, replayed bool) {
	if position > 0 {
		x.W.Header().Set(HeaderPosition, strconv.FormatInt(position, 10))
	}
	if replayed {
		x.W.Header().Set(headerReplay, "true")
	}
}

// WaitAfter waits until the route sees what the caller has seen.
func (x *Exchange) WaitAfter(ctx context.Context) error {
	header := x.R.Header.Get(headerAfter)
	if header == "" || x.Route.After == nil {
		return nil
	}
	position, err := strconv.ParseInt(header, 10, 64)
	if err != nil || position < 0 {
		return &problem.Problem{
			Kind: problem.Malformed, Code: "songan_after_invalid",
			Detail: "Songan-After is a position that an answer gave as Songan-Position", DetailVI: "Songan-After phải là giá trị Songan-Position đã nhận",
			Faults: problem.Faults{{
				Pointer: "/header/" + headerAfter, Code: "wrong_type", Message: "this must be a whole number", MessageVI: "phải là số nguyên",
			}},
		}
	}
	waiting, cancel := context.WithTimeout(ctx, afterWait)
	defer cancel()
	err = x.Route.After(waiting, position)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return &problem.Problem{
			Kind: problem.Unavailable, Code: codeNotReached, RetryAfter: afterRetryIn,
			Detail:   "what you have seen elsewhere is not visible here yet; try again",
			DetailVI: "dữ liệu vừa ghi chưa hiển thị ở đây; xin thử lại",
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("wait for position: %w", err)
	}
	return err
}
