// Package exchange is what every request and its answer go through, whatever the route: limits, who calls, bodies, problems,
// log, metrics, traces.
package exchange

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/httpapi/limits"
	"github.com/songan-vn/songan/libs/httpapi/lines"
	"github.com/songan-vn/songan/libs/plainjson"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/telemetry"
)

// Options is what httpapi.Options says, without what is for the documentation only.
type Options struct {
	Service     string
	Auth        *access.Authenticator
	Name        func(kind string, parts ...string) string
	Fingerprint func(body []byte) string
	Down        func(error) bool
	Now         func() time.Time
	Log         *zap.Logger
	Metrics     prometheus.Registerer
	Tracer      trace.TracerProvider
	Limits      Limits
}

// Server serves the routes of one API.
type Server struct {
	options  Options
	observed *observed
	bodies   sync.Pool
	json     *plainjson.Encoder
}

// NewServer returns a server; its metrics are registered.
func NewServer(o Options) *Server {
	o.Limits = o.Limits.orDefaults()
	return &Server{options: o, observed: newObserved(o), bodies: newBuffers(), json: plainjson.Strict()}
}

// Route is httpapi.Route, complete.
type Route struct {
	Method, Path string
	Params       []string
	Action       *policy.Action
	Public       bool
	Status       int
	BodyLimit    int64
	Timeout      time.Duration
	After        func(ctx context.Context, position int64) error
	Cache        time.Duration
	// Stream has no end of its own: its time is limited by moving on, not by a clock.
	Stream bool
	// Changes something, or only answers.
	Changes bool
	// Reads a body: the endpoint calls [Exchange.Enter] when it has come, so that nobody keeps a place by sending slowly.
	Reads bool
}

// Endpoint does the work of a route.
type Endpoint func(ctx context.Context, x *Exchange) error

// Exchange is one request and its answer on the way.
type Exchange struct {
	Route *Route
	W     *Recorder
	R     *http.Request
	ID    string
	Who   access.Principal
	// Code is that of the problem which was answered, Err what is logged and never answered.
	Code string
	Err  error

	refused refusals // what the request's line says of it
	server  *Server
	address string // from where the caller comes
	started time.Time
	span    trace.Span
	place   *limits.Gate // that was entered and has to be left
	held    int64        // bytes of the budget of bodies
	cut     bool         // the answer cannot be completed, so the connection is cut and nobody takes it for whole
}

// Pass is what the caller may do under the route's action; under that of a public route, nothing.
func (x *Exchange) Pass() policy.Pass {
	if x.Route.Action == nil {
		return policy.Pass{}
	}
	return x.Route.Action.Pass(x.Who)
}

// Stall is how long a stream may stand still.
func (s *Server) Stall() time.Duration { return s.options.Limits.Stall }

// Spool returns the budget of what waits for clients to read it.
func (s *Server) Spool() *lines.Budget { return s.options.Limits.Spool }

// Server returns the server that the exchange belongs to.
func (x *Exchange) Server() *Server { return x.server }

// Recorder notes what is answered.
type Recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader notes the status.
func (w *Recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (w *Recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// FlushError notes that the answer is under way, even if nothing but its header is.
func (w *Recorder) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// Begun tells whether the answer is under way, so that its status cannot be changed any more.
func (w *Recorder) Begun() bool { return w.status != 0 }

// Unwrap lets http.ResponseController through.
func (w *Recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Handler puts around an endpoint what is the same for all of them.
func (s *Server) Handler(route *Route, do Endpoint) http.Handler {
	seen := s.observed.route(route)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		x := &Exchange{
			server: s, Route: route, W: &Recorder{ResponseWriter: w}, R: r, ID: newID(), started: time.Now(),
		}
		done := seen.begin()
		defer func() {
			x.recovered(ctx, recover())
			done(x)
			if x.cut {
				panic(http.ErrAbortHandler) //nolint:forbidigo // how net/http is told to cut the connection
			}
		}()
		if err := x.run(ctx, do); err != nil {
			x.refuse(ctx, err)
		}
	})
}

// newID names a request: sortable by time, which helps who reads logs.
func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.NewString()
	}
	return id.String()
}

// recovered turns a panic into an answer.
func (x *Exchange) recovered(ctx context.Context, caught any) {
	switch caught {
	case nil:
	case http.ErrAbortHandler:
		x.cut = true
	default:
		x.refuse(ctx, telemetry.Panicked(caught))
	}
}

// run goes through everything that may refuse a request, the cheapest first, and then does it.
func (x *Exchange) run(ctx context.Context, do Endpoint) error {
	x.headers()
	if err := x.checkPath(); err != nil {
		return err
	}
	x.address = x.server.options.Limits.Address(x.R)
	if err := taken(x.server.options.Limits.Addresses.Take(x.address)); err != nil {
		return err
	}
	if err := x.enter(ctx, x.server.options.Limits.Requests); err != nil {
		return err
	}
	defer x.leave()

	ctx = x.trace(ctx)
	if !x.Route.Stream {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, x.Route.Timeout)
		defer cancel()
	}
	ctx, err := x.admit(ctx)
	if err != nil {
		return err
	}
	give, err := x.takeShare()
	if err != nil {
		return err
	}
	defer give()
	defer x.LetGo()
	if x.Route.Reads {
		x.leave()
	}
	return do(ctx, x)
}

// takeShare counts the request among those of whom the caller acts for: a facility's manager gives out keys, and a share for each of
// them would be as large as they like. What keeps the system going is not counted.
func (x *Exchange) takeShare() (give func(), err error) {
	if x.Route.Public || x.Who.Is(access.Service, access.Admin) {
		return func() {}, nil
	}
	shares := x.server.options.Limits.shares(x.Route)
	of := x.Who.ActsFor()
	if !shares.Take(of) {
		return nil, tooManyAtOnce()
	}
	return func() { shares.Give(of) }, nil
}

// hold takes memory out of the budget of bodies, or refuses the request when there is too little left.
func (x *Exchange) hold(bytes int64) error {
	if !x.server.options.Limits.Bodies.Take(bytes) {
		return limits.Overloaded()
	}
	x.held += bytes
	return nil
}

func (x *Exchange) give(bytes int64) {
	x.server.options.Limits.Bodies.Give(bytes)
	x.held -= bytes
}

// LetGo gives back the memory that the body has taken, as happens at the end of the request anyway.
func (x *Exchange) LetGo() {
	if x.held > 0 {
		x.give(x.held)
	}
}

// Enter takes a place among the requests, or the streams, that are worked on; it is left when the request ends.
func (x *Exchange) Enter(ctx context.Context) error {
	if x.place != nil {
		return nil
	}
	return x.enter(ctx, x.server.options.Limits.gate(x.Route))
}

func (x *Exchange) enter(ctx context.Context, gate *limits.Gate) error {
	if err := gate.Enter(ctx); err != nil {
		return fmt.Errorf("enter: %w", err)
	}
	x.place = gate
	return nil
}

func (x *Exchange) leave() {
	if x.place != nil {
		x.place.Leave()
		x.place = nil
	}
}

// headers go with every answer, good or bad.
func (x *Exchange) headers() {
	h := x.W.Header()
	h.Set("Songan-Request", x.ID)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
}

const maxPathParam = 128

// checkPath refuses ids that cannot be ids, before any database has to cope with them.
func (x *Exchange) checkPath() error {
	for _, name := range x.Route.Params {
		if !isPathID(x.R.PathValue(name)) {
			return NotFound()
		}
	}
	return nil
}

func isPathID(s string) bool {
	if s == "" || len(s) > maxPathParam {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// admit finds out who calls, and whether they may.
func (x *Exchange) admit(ctx context.Context) (context.Context, error) {
	if x.Route.Public {
		return ctx, nil
	}
	who, refusal := x.identify(ctx)
	x.Who = who
	if who.ID != "" { // also who may not: a program that goes wrong asks for what it is refused
		if err := taken(x.server.options.Limits.Principals.Take(who.ID)); err != nil {
			return ctx, err
		}
	}
	return access.With(ctx, who), refusal
}

// identify returns who calls, also when it is somebody who may not.
func (x *Exchange) identify(ctx context.Context) (access.Principal, error) {
	who, err := x.server.options.Auth.Identify(ctx, x.R, x.address)
	if err != nil {
		return access.Principal{}, fmt.Errorf("authenticate: %w", err)
	}
	if err := x.Route.Action.Admit(who); err != nil {
		return who, err
	}
	if !who.Scopes.Allow(x.server.options.Service, access.Doing(x.Route.Changes)) {
		return who, problem.New(problem.Forbidden, "scope_not_allowed",
			"your key is not for this", "mã truy cập này không dùng được cho thao tác này")
	}
	return who, nil
}

// askAgain is how long a stream goes on with what was found out about its caller.
const askAgain = 5 * time.Second

// Still returns a function that refuses, from when the caller's key or session is not good any more, or does not allow the
// same as before. It is for who works on a request for a long time, and asks it each time before going on.
func (x *Exchange) Still(ctx context.Context) func() error {
	next := x.server.options.Now().Add(askAgain)
	return func() error {
		now := x.server.options.Now()
		if now.Before(next) || x.Route.Public {
			return nil
		}
		next = now.Add(askAgain)
		who, err := x.identify(ctx)
		if err != nil {
			return err
		}
		if who != x.Who {
			return problem.New(problem.Forbidden, "access_changed",
				"what you may do has changed meanwhile; send the rest again", "quyền truy cập đã thay đổi trong khi xử lý; xin gửi lại phần còn lại")
		}
		return nil
	}
}

// trace continues the caller's trace, or begins one.
func (x *Exchange) trace(ctx context.Context) context.Context {
	if parent := x.R.Header.Get("Traceparent"); parent != "" {
		ctx = telemetry.WithTraceparent(ctx, parent)
	}
	if x.server.observed.tracer == nil {
		return ctx
	}
	ctx, x.span = x.server.observed.start(ctx, x.Route)
	return ctx
}
