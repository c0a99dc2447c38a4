package httpapi

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/httpapi/document"
	"github.com/songan-vn/songan/libs/httpapi/internal/exchange"
	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
)

// Call is what a function is told about the request it answers.
type Call[I any] struct {
	// In is the body of a command, the query parameters of a query: complete and valid.
	In I
	// Who calls. That they may do this to something was checked; to what is asked of Pass.
	Who  access.Principal
	Pass policy.Pass
	// Meta goes to eventstore.Execute. Queries have one too: a reading of a person names its actor and time.
	Meta decider.Meta
	// Key is the Idempotency-Key; in a batch, the item's index is part of it.
	Key string

	x *exchange.Exchange
}

// Path returns a part of the path by its name in the pattern.
func (c Call[I]) Path(name string) string { return c.x.R.PathValue(name) }

// Name derives the id of something that this request creates. The same principal's same key has the same names, which
// is how a repeat finds what the first request made.
func (c Call[I]) Name(kind string) string {
	return c.x.Name(kind, c.Key)
}

// Done is what a command answers.
type Done[A any] struct {
	Answer A
	// Position of the last fact that was recorded: eventstore's Outcome.Position.
	Position int64
	// Replayed says that an earlier request with the same key did it: eventstore's Outcome.Replayed.
	Replayed bool
}

// Check says what a route's function would find wrong with the body besides its form and the rules of its type, with what
// these need more: the clock, the caller, other records. Its error is the refusal that the function would end in.
//
// It is asked only about bodies that are refused already, so that their answer lists everything. In is what could be read:
// fields that are at fault are zero. Faults about places that are at fault already are dropped, and so is a refusal that is
// not about the body. The function itself is the last word on bodies without faults, whose repeats it knows.
type Check[B any] func(context.Context, Call[B]) error

// Command adds a route that changes something: POST with an Idempotency-Key, or DELETE, which is a repeat by nature.
func Command[B, A any](a *API, r Route, do func(context.Context, Call[B]) (Done[A], error), checks ...Check[B]) {
	reader, do := strict.For[B](), waitedFor(a, do)
	e := document.Endpoint{
		Kind: document.Command, In: reflect.TypeFor[B](), Out: reflect.TypeFor[A](), Body: hasBody[B](),
	}
	a.add(r, e, func(ctx context.Context, x *exchange.Exchange) error {
		key, err := x.Key()
		if err != nil {
			return err
		}
		c, err := callWithBody(ctx, x, reader, key, checks)
		if err != nil {
			return err
		}
		done, err := do(ctx, c)
		if err != nil {
			return err
		}
		x.Changed(done.Position, done.Replayed)
		return exchange.WriteJSON(x, x.Route.Status, done.Answer)
	})
}

// waitedFor counts commands for as long as they are being worked on: background work gives way to them.
func waitedFor[B, A any](a *API, do func(context.Context, Call[B]) (Done[A], error)) func(context.Context, Call[B]) (Done[A], error) {
	return func(ctx context.Context, c Call[B]) (Done[A], error) {
		a.options.Pace.Begin()
		defer a.options.Pace.End()
		return do(ctx, c)
	}
}

// Ask adds a POST without an Idempotency-Key: a question whose parameters do not belong into a URL, or something that is
// the same when it is done twice. Whether it changes anything is for its action to say.
func Ask[B, A any](a *API, r Route, do func(context.Context, Call[B]) (A, error), checks ...Check[B]) {
	reader := strict.For[B]()
	e := document.Endpoint{Kind: document.Ask, In: reflect.TypeFor[B](), Out: reflect.TypeFor[A](), Body: hasBody[B]()}
	a.add(r, e, func(ctx context.Context, x *exchange.Exchange) error {
		c, err := callWithBody(ctx, x, reader, x.ID, checks)
		if err != nil {
			return err
		}
		if err := x.WaitAfter(ctx); err != nil {
			return err
		}
		answer, err := do(ctx, c)
		if err != nil {
			return err
		}
		return exchange.WriteJSON(x, x.Route.Status, answer)
	})
}

// Query adds a GET. Q holds its parameters, tagged `query:"name"`; struct{} for none.
func Query[Q, A any](a *API, r Route, do func(context.Context, Call[Q]) (A, error)) {
	reader := strict.ForQuery[Q]()
	e := document.Endpoint{Kind: document.Query, In: reflect.TypeFor[Q](), Out: reflect.TypeFor[A]()}
	a.add(r, e, func(ctx context.Context, x *exchange.Exchange) error {
		in, err := reader.Read(x.R.URL.RawQuery)
		if err != nil {
			return err
		}
		if err := x.WaitAfter(ctx); err != nil {
			return err
		}
		answer, err := do(ctx, Call[Q]{In: in, Who: x.Who, Pass: x.Pass(), Meta: x.Meta(ctx, x.ID, nil), Key: x.ID, x: x})
		if err != nil {
			return err
		}
		return exchange.WriteJSON(x, x.Route.Status, answer)
	})
}

// Handle adds a route that reads and writes by itself: files, event streams. It is authorised, limited and observed as
// all others are. An error is answered as long as nothing was written; afterwards the connection is cut.
func Handle(a *API, r Route, do func(http.ResponseWriter, *http.Request, Call[struct{}]) error) {
	a.add(r, document.Endpoint{Kind: document.Raw}, func(ctx context.Context, x *exchange.Exchange) error {
		key, err := x.OptionalKey()
		if err != nil {
			return err
		}
		if err := x.WaitAfter(ctx); err != nil {
			return err
		}
		x.R.Body = http.MaxBytesReader(x.W, x.R.Body, x.Route.BodyLimit)
		c := Call[struct{}]{Who: x.Who, Pass: x.Pass(), Meta: x.Meta(ctx, key, nil), Key: key, x: x}
		return do(x.W, x.R.WithContext(ctx), c)
	})
}

// hasBody tells whether commands of this type have anything to say in their body.
func hasBody[B any]() bool {
	t := reflect.TypeFor[B]()
	return t.Kind() != reflect.Struct || t.NumField() > 0
}

// callWithBody reads the body, and then takes a place for what is done with it. A command without parameters may be sent without one.
func callWithBody[B any](
	ctx context.Context, x *exchange.Exchange, reader *strict.Reader[B], key string, checks []Check[B],
) (Call[B], error) {
	c := Call[B]{Who: x.Who, Pass: x.Pass(), Key: key, x: x}
	if !hasBody[B]() && x.R.ContentLength == 0 {
		c.Meta = x.Meta(ctx, key, nil)
		return c, x.Enter(ctx)
	}
	b := x.Server().Buffer()
	defer x.Server().GiveBack(b)
	err := x.ReadJSON(b, x.Route.BodyLimit)
	if err != nil {
		return c, err
	}
	if err = x.Enter(ctx); err != nil {
		return c, err
	}
	if c.In, err = reader.Read(b.Bytes()); err != nil {
		return c, c.everyFault(ctx, err, checks)
	}
	b.Reset()
	c.Meta = x.Meta(ctx, key, reader.AppendMeaning(b.AvailableBuffer(), &c.In))
	return c, nil
}

// everyFault asks the checks what else is wrong with a body that the reader refused, and returns the refusal with all of it.
func (c Call[B]) everyFault(ctx context.Context, refused error, checks []Check[B]) error {
	faulty, readThrough := errors.AsType[*strict.Faulty[B]](refused)
	if !readThrough || len(checks) == 0 {
		return refused
	}
	c.In, c.Meta = faulty.Value, c.x.Meta(ctx, c.Key, nil)
	for _, check := range checks {
		err := check(ctx, c)
		p, known := problem.Of(err)
		switch {
		case err == nil:
		case !known:
			return err
		case p.Kind == problem.Invalid:
			faulty.Add(p.Faults)
		default:
			// a refusal of another kind is said when the body is good, and what cannot be looked up now is looked up then
		}
	}
	return refused
}
