package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/songan-vn/songan/libs/httpapi/document"
	"github.com/songan-vn/songan/libs/httpapi/internal/exchange"
	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
)

// Batching sizes a batch route.
type Batching struct {
	// Member of a verdict that holds the answer: "notice".
	Member string
	// Width is how many items are worked on at the same time; 1,024 when it is 0: while half of them are being committed,
	// the other half is read and decided.
	Width int
	// Items and Bytes bound a JSON array, which is read whole before anything is done: 10,000 and 8 MiB when they are 0.
	Items int
	Bytes int64
	// Line bounds one line of NDJSON, in bytes; 64 KiB when it is 0. The number of lines has no limit.
	Line int
}

func (o Batching) orDefaults() Batching {
	const width, items, size, line = 1024, 10_000, 8 << 20, 64 << 10
	if o.Width == 0 {
		o.Width = width
	}
	if o.Items == 0 {
		o.Items = items
	}
	if o.Bytes == 0 {
		o.Bytes = size
	}
	if o.Line == 0 {
		o.Line = line
	}
	return o
}

const (
	memberRef   = "client_ref"
	mediaLines  = "application/x-ndjson"
	mediaLines2 = "application/jsonl"

	shareLimit = time.Second

	headerAccepted = "Songan-Accepted"
	headerRejected = "Songan-Rejected"
)

// batch is a route that does the same command for many items.
type batch[B, A any] struct {
	Batching
	reader *strict.Reader[B]
	do     func(context.Context, Call[B]) (Done[A], error)
	counts exchange.ItemCounts
}

// Batch adds a route that does for each item of a JSON array, or each line of NDJSON, what [Command] does for one body,
// by the same function. Every item has a verdict of its own, in the order of the items; a bad one stops nobody. An
// item's key is the request's with its index, so a batch that broke off is sent again as it was: what was done is then
// found, not done again.
func Batch[B, A any](a *API, r Route, o Batching, do func(context.Context, Call[B]) (Done[A], error)) {
	b := &batch[B, A]{Batching: o.orDefaults(), reader: strict.For[B]().WithRef(memberRef), do: waitedFor(a, do)}
	b.counts = a.server.Items(r.Pattern)
	e := document.Endpoint{
		Kind: document.Batch, In: reflect.TypeFor[B](), Out: reflect.TypeFor[A](), Body: true, Member: o.Member,
	}
	itemStatus := r.Status
	r.Status = http.StatusOK
	a.add(r, e, func(ctx context.Context, x *exchange.Exchange) error {
		key, err := x.Key()
		if err != nil {
			return err
		}
		media, err := x.MediaType()
		if err != nil {
			return err
		}
		run := &batchRun[B, A]{batch: b, x: x, key: key, status: max(itemStatus, http.StatusOK), still: x.Still(ctx)}
		switch media {
		case exchange.MediaJSON:
			return run.array(ctx)
		case mediaLines, mediaLines2:
			return run.lines(ctx)
		}
		return exchange.UnsupportedMedia()
	})
}

// batchRun is one request of a batch route.
type batchRun[B, A any] struct {
	*batch[B, A]
	x      *exchange.Exchange
	key    string
	status int          // of a new item
	still  func() error // refuses when the caller may not go on

	accepted, rejected, position int64 // of the goroutine that emits

	mu        sync.Mutex
	fault     error           // the first that was ours
	limit     context.Context //nolint:containedctx // of the items that are begun now
	limitedAt time.Time
	release   context.CancelFunc
}

// item is one item on its way in.
type item struct {
	index int
	data  *bytes.Buffer // lent
	long  bool          // the line was too long and is not here
}

// verdict is what is said about an item: one line of JSON.
type verdict struct {
	line     *bytes.Buffer // lent
	accepted bool
	position int64
}

// work does one item. It has no errors: they are the item's verdict.
func (run *batchRun[B, A]) work(ctx context.Context, it item) verdict {
	ref, done, err := run.one(ctx, it)
	if it.data != nil {
		run.x.Server().GiveBack(it.data)
	}
	v := verdict{line: run.x.Server().Buffer()}
	status := run.status
	if done.Replayed {
		status = http.StatusOK
	}
	if err == nil {
		v.accepted, v.position = true, done.Position
		head(v.line, it.index, ref, status)
		if err = member(v.line, run.Member, done.Answer); err == nil {
			return v
		}
		v = verdict{line: v.line}
		v.line.Reset()
	}
	d := exchange.DocumentOf(run.problem(err))
	d.Status, d.Title = itemStatus(d.Status)
	head(v.line, it.index, ref, d.Status)
	_ = member(v.line, "problem", d) // texts of ours
	return v
}

// itemStatus is 422 for whatever is wrong with the item itself: 400 and 413 would speak of the request.
func itemStatus(status int) (int, string) {
	if status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge {
		status = http.StatusUnprocessableEntity
	}
	return status, http.StatusText(status)
}

// one reads an item and does it.
func (run *batchRun[B, A]) one(ctx context.Context, it item) (ref string, done Done[A], err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = exchange.Panicked(caught, debug.Stack())
		}
	}()
	if it.long {
		return "", done, problem.New(problem.TooLarge, "line_too_long",
			"this line is longer than a line may be", "dòng này vượt quá độ dài cho phép")
	}
	c := Call[B]{Who: run.x.Who, Pass: run.x.Pass(), Key: run.key + "/" + strconv.Itoa(it.index), x: run.x}
	if c.In, ref, err = run.reader.ReadItem(it.data.Bytes()); err != nil {
		return ref, done, err
	}
	c.Meta = run.x.Meta(ctx, c.Key, it.data.Bytes())
	done, err = run.do(run.limited(ctx), c)
	return ref, done, err
}

// limited returns a context that ends when an item that is begun now has taken too long. Items that are begun within a
// second share one: a timer for each of them would cost as much as half of its vault row.
func (run *batchRun[B, A]) limited(ctx context.Context) context.Context {
	run.mu.Lock()
	defer run.mu.Unlock()
	if now := time.Now(); run.limit == nil || now.Sub(run.limitedAt) > shareLimit {
		run.limit, run.release = context.WithTimeout(ctx, run.x.Route.Timeout+shareLimit) // those before end by themselves
		run.limitedAt = now
	}
	return run.limit
}

// problem notes the first error that is ours, for the request's line in the log: not one line per item.
func (run *batchRun[B, A]) problem(err error) *problem.Problem {
	p := run.x.Server().ProblemOf(err)
	if exchange.IsFault(p) {
		run.mu.Lock()
		defer run.mu.Unlock()
		if run.fault == nil {
			run.fault = fmt.Errorf("item of a batch: %w", err)
		}
	}
	return p
}

// count is called for every verdict, in order.
func (run *batchRun[B, A]) count(v verdict) {
	if v.accepted {
		run.accepted++
	} else {
		run.rejected++
	}
	run.position = max(run.position, v.position)
}

// total tells the caller how it went. In a stream these are trailers.
func (run *batchRun[B, A]) total() {
	h := run.x.W.Header()
	h.Set(headerAccepted, strconv.FormatInt(run.accepted, 10))
	h.Set(headerRejected, strconv.FormatInt(run.rejected, 10))
	if run.position > 0 {
		h.Set(exchange.HeaderPosition, strconv.FormatInt(run.position, 10))
	}
	run.counts.Add(run.accepted, run.rejected)
	run.x.Err = run.fault
}

func head(b *bytes.Buffer, index int, ref string, status int) {
	p := b.AvailableBuffer()
	p = append(p, `{"index":`...)
	p = strconv.AppendInt(p, int64(index), 10)
	if ref != "" {
		p = append(p, `,"client_ref":`...)
		p, _ = jsontext.AppendQuote(p, ref) // visible ASCII
	}
	p = append(p, `,"status":`...)
	p = strconv.AppendInt(p, int64(status), 10)
	b.Write(p)
}

// member writes the last member of a verdict, and its end.
func member[V any](b *bytes.Buffer, name string, v V) error {
	b.WriteString(`,"` + name + `":`)
	if err := exchange.Encode(b, v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1)
	b.WriteString("}\n")
	return nil
}

// array answers a JSON array with one document. It is read to its end before anything is done: what is too large or
// breaks off stores nothing.
func (run *batchRun[B, A]) array(ctx context.Context) error {
	body := run.x.Server().Buffer()
	defer run.x.Server().GiveBack(body)
	if err := run.x.ReadBody(body, run.Bytes); err != nil {
		return err
	}
	if err := run.x.Enter(ctx); err != nil {
		return err
	}
	elements, err := strict.Elements(body.Bytes(), run.Items)
	if err != nil {
		return err
	}
	items := run.x.Server().Buffer()
	defer run.x.Server().GiveBack(items)
	if err := run.flow(ctx, fromElements(run.x.Server(), elements), func(line []byte) error {
		if items.Len() > 0 {
			items.WriteByte(',')
		}
		items.Write(bytes.TrimSuffix(line, []byte("\n")))
		return nil
	}); err != nil {
		return err
	}
	run.total()
	out := fmt.Appendf(nil, `{"accepted":%d,"rejected":%d,"items":[`, run.accepted, run.rejected)
	out = slices.Concat(out, items.Bytes(), []byte("]}\n"))
	run.x.W.Header().Set("Content-Type", exchange.MediaJSON)
	run.x.W.Header().Set("Content-Length", strconv.Itoa(len(out)))
	run.x.W.WriteHeader(http.StatusOK)
	run.x.Send(out)
	return nil
}
