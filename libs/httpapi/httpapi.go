// Package httpapi turns commands and queries into endpoints. It alone knows which status code a problem has.
//
//  1. A route is one [Route] and one function from a typed [Call] to a typed answer. The function calls
//     eventstore.Execute or a read model: one hop, and nothing between.
//  2. A body is read by package strict: everything that is wrong with it is said at once, no value is ever repeated,
//     and nothing is done. What only the clock or other records show to be wrong is among it; see [Check].
//  3. Every POST that changes something carries an Idempotency-Key. The ids of what it creates and the cause of its
//     facts are derived from the key ([Call.Name], Meta.Cause), so a repeat finds what the first one made.
//  4. A change answers with Songan-Position. A read with Songan-After waits, for a while, until it sees that position.
//  5. A route names its action, and package policy says who may do it: once for the route, once more for what it is about
//     ([Call.Pass]). There is no default: a route without an action does not start. Whether an action changes something is
//     said by the policies as well, and not by the kind of its route: a key that may only read does no such thing.
//  6. Every wait, queue, body, page, line and batch has a limit with a name. Who goes over one hears it: 408, 413,
//     429 or 503, and when to come again.
//     A facility, a bank or a person has a share of the places, however many keys it has, and keeps no place while a body of its
//     is still coming; all large bodies that come have a share of the memory.
//  7. One line in the log and one sample in the metrics for every request; neither holds a path with its ids, a query
//     string, an address or a body.
//
// # Why huma writes the document and does not serve the requests
//
// The OpenAPI document is made by huma's registry and types from the same structs and tags that package strict reads
// by (package document). huma.Register is not used: it decodes a body twice (once into a tree of any to validate it,
// once into the struct), stops at the first member it cannot decode, silently takes the last of two equal members,
// has no streams, and its errors carry the offending value by default. What remained of it would have been the
// routing, which is the standard library's anyway.
package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/httpapi/document"
	"github.com/songan-vn/songan/libs/httpapi/internal/exchange"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/problem"
)

// Options is what an API needs. service.Deps fills in what is the same for all services of a process.
type Options struct {
	// Service is the first part of every path: "accommodation".
	Service string
	// Title and Description head the documentation.
	Title       string
	Description string

	// Auth tells who calls, and Policy what they may do.
	Auth   *access.Authenticator
	Policy *policy.Policy
	// Name derives names that nobody can guess who lacks the key, and Fingerprint digests bodies: vault.Vault has both.
	Name        func(kind string, parts ...string) string
	Fingerprint func(body []byte) string
	// Down recognises errors of a dependency that is away (pg.IsDown); they answer 503 and not 500.
	Down func(error) bool

	Now     func() time.Time
	Log     *zap.Logger
	Metrics prometheus.Registerer
	Tracer  trace.TracerProvider
	// Limits are shared by all APIs of a process.
	Limits Limits
	// Pace is told of commands that are being worked on; also shared. An API without one has its own, which tells nobody.
	Pace *pace.Pace
}

// API is the surface of one service. Add routes first, serve then.
type API struct {
	options  Options
	mux      *http.ServeMux
	document *document.Document
	server   *exchange.Server
}

// New returns an API without routes. Its documentation stands at /<service>/openapi.json and /<service>/docs.
func New(o Options) *API {
	if o.Pace == nil {
		o.Pace = pace.New(o.Now, nil)
	}
	a := &API{
		options: o,
		mux:     http.NewServeMux(),
		document: document.New(document.About{
			Service: o.Service, Title: o.Title, Description: o.Description, Problem: reflect.TypeFor[Problem](),
		}),
		server: exchange.NewServer(exchange.Options{
			Service: o.Service, Auth: o.Auth, Name: o.Name, Fingerprint: o.Fingerprint, Down: o.Down,
			Now: o.Now, Log: o.Log, Metrics: o.Metrics, Tracer: o.Tracer, Limits: o.Limits,
		}),
	}
	docs := a.document.Handler()
	a.mux.Handle("GET /"+o.Service+"/openapi.json", docs)
	a.mux.Handle("GET /"+o.Service+"/docs", docs)
	a.mux.Handle("GET /"+o.Service+"/docs/", docs)
	a.mux.Handle("/", a.server.Handler(&exchange.Route{Method: "*", Path: "*", Public: true, Timeout: defaultTimeout}, a.nowhere))
	return a
}

// ServeHTTP serves the routes.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

const (
	defaultTimeout   = 15 * time.Second
	defaultBodyLimit = 64 << 10
)

// Route says everything about an endpoint that is not its function.
type Route struct {
	// Pattern is the method and the path below /<service>/v1: "POST /notices/{id}/departure".
	Pattern string
	// Summary is one line, Description any number (Markdown), both for the documentation.
	Summary     string
	Description string
	// Action is what the caller does, by its name in the policies: "accommodation.notify_stay". A route without one must
	// say that it is Public.
	Action string
	Public bool
	// Status of a good answer; 200 when it is 0.
	Status int
	// BodyLimit in bytes; 64 KiB when it is 0.
	BodyLimit int64
	// Timeout of the whole call; 15 seconds when it is 0. Streams have none: they must keep moving.
	Timeout time.Duration
	// After waits until what the route reads has reached a position (projection's WaitFor); see Songan-After.
	After func(ctx context.Context, position int64) error
	// Cache marks reference data: it has an ETag and may be kept for so long.
	Cache time.Duration
}

// add registers a route. It panics on a route that nobody thought through, at the first start.
func (a *API) add(r Route, e document.Endpoint, do exchange.Endpoint) {
	method, path, ok := strings.Cut(r.Pattern, " ")
	action, known := a.action(r.Action)
	if !ok || known == r.Public {
		panic("httpapi: " + r.Pattern + " needs a method, a path, and an action of the policies unless it is public") //nolint:forbidigo // a route of ours, met at start
	}
	route := &exchange.Route{
		Method: method, Path: "/" + a.options.Service + "/v1" + path, Action: action, Public: r.Public, After: r.After, Cache: r.Cache,
		Status:    cmp.Or(r.Status, http.StatusOK),
		BodyLimit: cmp.Or(r.BodyLimit, defaultBodyLimit),
		Timeout:   cmp.Or(r.Timeout, defaultTimeout),
		Stream:    e.Kind == document.Batch,
		Changes:   known && action.Changes() || e.Kind == document.Command || e.Kind == document.Batch || e.Kind == document.Raw && method != http.MethodGet,
		Reads:     e.Kind == document.Command || e.Kind == document.Ask || e.Kind == document.Batch,
	}
	route.Params = pathParams(route.Path)
	e.Method, e.Path, e.Params = method, route.Path, route.Params
	e.Summary, e.Description, e.Status, e.Public = r.Summary, r.Description, route.Status, r.Public
	if known {
		e.Action, e.Roles = action.Name(), roleNames(action.Roles())
	}
	e.Waits, e.Cached = r.After != nil, r.Cache > 0
	a.document.Add(e)
	a.mux.Handle(method+" "+route.Path, a.server.Handler(route, do))
}

// action finds what a route does.
func (a *API) action(name string) (*policy.Action, bool) {
	if a.options.Policy == nil {
		return nil, false
	}
	return a.options.Policy.Action(name)
}

// pathParams lists the names between braces.
func pathParams(path string) []string {
	var names []string
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

func roleNames(roles []access.Role) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return names
}

// nowhere answers what no route fits: 405 if another method would, else 404.
func (a *API) nowhere(ctx context.Context, x *exchange.Exchange) error {
	probe := x.R.Clone(ctx)
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe.Method = method
		if _, pattern := a.mux.Handler(probe); pattern != "/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return exchange.NotFound()
	}
	const code = "method_not_allowed"
	d := exchange.DocumentOf(&problem.Problem{
		Code: code, Detail: "this path knows other methods; see the header Allow",
		DetailVI: "đường dẫn này dùng phương thức khác; xem tiêu đề Allow",
	})
	d.Status, d.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
	x.Code = code
	x.W.Header().Set("Allow", strings.Join(allowed, ", "))
	x.WriteProblem(d)
	return nil
}

// Problem is a refusal as it is answered: application/problem+json of RFC 9457, with our members.
type Problem = exchange.Problem

// Status returns the status code of a kind of problem.
func Status(k problem.Kind) int { return exchange.Status(k) }

// Limits are shared by the APIs of a process, because its memory and processors are.
type Limits = exchange.Limits

// DefaultLimits are sane for one machine.
func DefaultLimits() Limits { return exchange.DefaultLimits() }

// WithStopping returns a context for the requests of a server that will stop when the channel closes. Streams then
// take nothing more in, finish what they have, and end.
func WithStopping(ctx context.Context, stopping <-chan struct{}) context.Context {
	return exchange.WithStopping(ctx, stopping)
}

// Stopping returns the channel of [WithStopping], nil if there is none. Handlers of long answers select on it.
func Stopping(ctx context.Context) <-chan struct{} { return exchange.Stopping(ctx) }
