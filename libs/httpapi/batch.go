package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/songan-vn/songan/libs/httpapi/document"
	"github.com/songan-vn/songan/libs/httpapi/internal/exchange"
	"github.com/songan-vn/songan/libs/httpapi/lines"
	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/telemetry"
)

// Batching sizes a batch route.
type Batching struct {
	// Member of a verdict that holds the answer: "notice".
	Member string
	// Width is how many items are under way at the same time; 2,048 when it is 0: while half of them are being committed,
	// the other half is read and decided.
	Width int
	// Items and Bytes bound a JSON array, which is read whole before anything is done: [ArrayItems] and [ArrayBytes] when they are 0.
	Items int
	Bytes int64
	// Line bounds one line of NDJSON, in bytes; 64 KiB when it is 0. The number of lines has no limit.
	Line int
}

// ArrayItems and ArrayBytes bound the JSON arrays of routes that say nothing else.
const (
	ArrayItems = 10_000
	ArrayBytes = 8 << 20
)

func (o Batching) orDefaults() Batching {
	const width, line = 2048, 64 << 10
	o.Width = cmp.Or(o.Width, width)
	o.Items = cmp.Or(o.Items, ArrayItems)
	o.Bytes = cmp.Or(o.Bytes, ArrayBytes)
	o.Line = cmp.Or(o.Line, line)
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

// Later is a command that was begun: it waits for what comes of it. It is called once.
type Later[A any] func() (Done[A], error)

// Now does a command that can be begun, from its beginning to its end: for the [Command] beside a [Batch].
func Now[B, A any](begin func(context.Context, Call[B]) (Later[A], error)) func(context.Context, Call[B]) (Done[A], error) {
	return func(ctx context.Context, c Call[B]) (Done[A], error) {
		later, err := begin(ctx, c)
		if err != nil {
			return Done[A]{}, err
		}
		return later()
	}
}

// Aside begins a command in a goroutine of its own: for a [Batch] of commands that wait for others, another service for instance,
// before they can be decided.
func Aside[B, A any](do func(context.Context, Call[B]) (Done[A], error)) func(context.Context, Call[B]) (Later[A], error) {
	return func(ctx context.Context, c Call[B]) (Later[A], error) {
		return aside(func() (Done[A], error) { return do(ctx, c) }), nil
	}
}

func aside[A any](do func() (Done[A], error)) Later[A] {
	var done Done[A]
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer recovered(&err)
		done, err = do()
	}()
	return func() (Done[A], error) {
		<-ended
		return done, err
	}
}

// batch is a route that does the same command for many items.
type batch[B, A any] struct {
	Batching
	reader *strict.Reader[B]
	begin  func(context.Context, Call[B]) (Later[A], error)
	checks []Check[B]
	pace   *pace.Pace
	counts exchange.ItemCounts
}

// Batch adds a route that does for each item of a JSON array, or each line of NDJSON, what a [Command] of the same
// function does for one body; see [Now]. Every item has a verdict of its own, in the order of the items; a bad one stops nobody.
// An item's key is the request's with its index, so a batch that broke off is sent again as it was: what was done is then
// found, not done again.
//
// Items are bulk work (Meta.Bulk): when too much waits to be stored already, they wait for room, and no more are read meanwhile.
//
// begin decides, and leaves the waiting to what it returns: few goroutines begin all items, and one that waits keeps the others
// waiting. See [Aside].
func Batch[B, A any](a *API, r Route, o Batching, begin func(context.Context, Call[B]) (Later[A], error), checks ...Check[B]) {
	b := &batch[B, A]{
		Batching: o.orDefaults(), reader: strict.For[B]().WithRef(memberRef), begin: begin, checks: checks, pace: a.options.Pace,
	}
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

	// of the goroutine that emits
	accepted, rejected, position int64
	fault                        error // the first that was ours

	mu        sync.Mutex
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

// hands is how many goroutines begin items. They never wait, and a goroutine of Go is told of what arrives from the network, such
// as that a batch was stored, only where a processor has nothing else to do, or after ten milliseconds: so some are left alone.
func hands() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// start begins an item, and returns what waits for its verdict. Neither has errors: they are the item's verdict.
func (run *batchRun[B, A]) start(ctx context.Context, it item) func() verdict {
	run.pace.Begin()
	ref, later, err := run.one(ctx, it)
	if it.data != nil {
		run.x.Server().GiveBack(it.data)
	}
	return func() verdict {
		defer run.pace.End()
		var done Done[A]
		if err == nil {
			done, err = end(later)
		}
		return run.verdict(it.index, ref, done, err)
	}
}

// end waits for what comes of an item.
func end[A any](later Later[A]) (done Done[A], err error) {
	defer recovered(&err)
	return later()
}

func recovered(err *error) {
	if caught := recover(); caught != nil {
		*err = telemetry.Panicked(caught)
	}
}

// verdict says what came of an item.
func (run *batchRun[B, A]) verdict(index int, ref string, done Done[A], err error) verdict {
	v := verdict{line: run.x.Server().Buffer()}
	status := run.status
	if done.Replayed {
		status = http.StatusOK
	}
	if err == nil {
		v.accepted, v.position = true, done.Position
		head(v.line, index, ref, status)
		if err = run.member(v.line, run.Member, done.Answer); err == nil {
			return v
		}
		v = verdict{line: v.line}
		v.line.Reset()
	}
	d := exchange.DocumentOf(run.problem(err))
	d.Status, d.Title = itemStatus(d.Status)
	run.x.RefusedItem(d)
	head(v.line, index, ref, d.Status)
	_ = run.member(v.line, "problem", d) // texts of ours
	return v
}

// itemStatus is 422 for whatever is wrong with the item itself: 400 and 413 would speak of the request.
func itemStatus(status int) (int, string) {
	if status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge {
		status = http.StatusUnprocessableEntity
	}
	return status, http.StatusText(status)
}

// one reads an item and begins it.
func (run *batchRun[B, A]) one(ctx context.Context, it item) (ref string, later Later[A], err error) {
	defer recovered(&err)
	if err := ctx.Err(); err != nil {
		return "", nil, fmt.Errorf("begin an item: %w", err)
	}
	if it.long {
		return "", nil, problem.New(problem.TooLarge, "line_too_long",
			"this line is longer than a line may be", "dòng này vượt quá độ dài cho phép")
	}
	c := Call[B]{Who: run.x.Who, Pass: run.x.Pass(), Key: run.key + "/" + strconv.Itoa(it.index), x: run.x}
	if c.In, ref, err = run.reader.ReadItem(it.data.Bytes()); err != nil {
		limited, faults := run.limited(ctx), err // checks may wait
		return ref, aside(func() (Done[A], error) { return Done[A]{}, c.everyFault(limited, faults, run.checks) }), nil
	}
	it.data.Reset()
	c.Meta = run.x.Meta(ctx, c.Key, run.reader.AppendMeaning(it.data.AvailableBuffer(), &c.In))
	later, err = run.begin(run.limited(ctx), c)
	return ref, later, err
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
	if exchange.IsFault(p) && run.fault == nil {
		run.fault = fmt.Errorf("item of a batch: %w", err)
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

// total tells the caller how it went. Behind verdicts these are trailers.
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
func (run *batchRun[B, A]) member(b *bytes.Buffer, name string, v any) error {
	b.WriteString(`,"` + name + `":`)
	if err := run.x.Server().Encode(b, v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1)
	b.WriteString("}\n")
	return nil
}

// flow works on items and hands their verdicts on.
func (run *batchRun[B, A]) flow(ctx context.Context, next func() (item, error), emit func(line []byte) error) error {
	err := lines.Ordered(ctx, lines.Flow[item, verdict]{
		Width: run.Width,
		Hands: hands(),
		Next:  run.next(next),
		Begin: run.start,
		Emit: func(v verdict) error {
			defer run.x.Server().GiveBack(v.line)
			run.count(v)
			return emit(v.line.Bytes())
		},
	})
	if run.release != nil {
		run.release()
	}
	if err != nil {
		return fmt.Errorf("work on a batch: %w", err)
	}
	return nil
}

// next takes items in for as long as their caller may send them: a batch has no end of its own, and a key that is
// revoked in its midst must not outlive the revocation. What was taken in before is done.
func (run *batchRun[B, A]) next(from func() (item, error)) func() (item, error) {
	return func() (item, error) {
		it, err := from()
		if err != nil {
			return item{}, err
		}
		if err := run.still(); err != nil {
			if it.data != nil {
				run.x.Server().GiveBack(it.data)
			}
			return item{}, err
		}
		return it, nil
	}
}
