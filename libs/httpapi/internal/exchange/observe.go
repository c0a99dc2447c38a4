package exchange

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/telemetry"
)

// observed is what an API says about itself.
type observed struct {
	log      *zap.Logger
	tracer   trace.Tracer
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	refusals *prometheus.CounterVec
	underway prometheus.Gauge
	batched  *prometheus.CounterVec
}

func newObserved(o Options) *observed {
	labels := prometheus.Labels{"service": o.Service}
	m := &observed{
		log: o.Log,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "songan_http_requests_total", Help: "Requests answered, by route and status.", ConstLabels: labels,
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "songan_http_request_seconds", Help: "Time from the request's header to the end of its answer.", ConstLabels: labels,
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60},
		}, []string{"route"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "songan_http_problems_total", Help: "Problems answered, by code.", ConstLabels: labels,
		}, []string{"code"}),
		underway: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "songan_http_requests_underway", Help: "Requests that are being answered.", ConstLabels: labels,
		}),
	}
	m.batched = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "songan_http_batch_items_total", Help: "Items of batches, by verdict.", ConstLabels: labels,
	}, []string{"route", "verdict"})
	if o.Tracer != nil {
		m.tracer = o.Tracer.Tracer("github.com/songan-vn/songan/libs/httpapi")
	}
	if o.Metrics != nil {
		o.Metrics.MustRegister(m.requests, m.seconds, m.refusals, m.underway, m.batched)
	}
	return m
}

// routeObserved is what is looked up once per route and not once per request.
type routeObserved struct {
	*observed
	name    string
	log     *zap.Logger
	seconds prometheus.Observer
}

func (m *observed) route(r *Route) routeObserved {
	name := r.Method + " " + r.Path
	return routeObserved{
		observed: m, name: name, log: m.log.With(zap.String("route", name)), seconds: m.seconds.WithLabelValues(name),
	}
}

// begin counts a request in; the function it returns counts it out, and writes its one line.
func (m routeObserved) begin() func(*Exchange) {
	m.underway.Inc()
	return m.end
}

func (m routeObserved) end(x *Exchange) {
	took := time.Since(x.started)
	m.underway.Dec()
	m.requests.WithLabelValues(m.name, strconv.Itoa(x.W.status)).Inc()
	m.seconds.Observe(took.Seconds())
	if x.Code != "" {
		m.refusals.WithLabelValues(x.Code).Inc()
	}
	if x.span != nil {
		endSpan(x)
	}
	m.write(x, took)
}

// write writes the request's line: what was asked, by whom, what came of it. Neither path, query nor address.
func (m routeObserved) write(x *Exchange, took time.Duration) {
	line := m.log.Check(x.level(), "request")
	if line == nil {
		return
	}
	fields := make([]zap.Field, 0, 8)
	fields = append(fields,
		zap.String("request", x.ID), zap.Int("status", x.W.status), zap.Duration("took", took), zap.Int64("bytes", x.W.bytes))
	if x.Who.ID != "" {
		fields = append(fields, zap.String("actor", x.Who.Actor()))
	}
	if x.Code != "" {
		fields = append(fields, zap.String("code", x.Code))
	}
	if x.refused.items > 0 {
		fields = append(fields, zap.Int64("refused_items", x.refused.items))
	}
	if len(x.refused.codes) > 0 {
		fields = append(fields, zap.Strings("faults", x.refused.codes))
	}
	if x.Err != nil {
		fields = append(fields, telemetry.Err(x.Err))
	}
	line.Write(fields...)
}

// level is how loud a request's line is. What somebody whom we know tried to change and may not is a warning: it leaves no
// fact, so that this line is all that a reviewer has, also where nothing below warnings is kept.
func (x *Exchange) level() zapcore.Level {
	switch {
	case x.Err != nil:
		return zapcore.ErrorLevel
	case !x.Route.Changes || x.Who.ID == "":
		return zapcore.InfoLevel
	}
	if notAllowed(x.W.status) || x.refused.items > 0 {
		return zapcore.WarnLevel
	}
	return zapcore.InfoLevel
}

// notAllowed tells the refusals that somebody may want to review from those of form.
func notAllowed(status int) bool {
	return status == http.StatusForbidden || status == http.StatusConflict || status == http.StatusUnprocessableEntity
}

// refusals are what was wrong with a request, or with the items of a batch, by their codes. The places of faults stay out: a pointer
// may hold a member that the caller made up.
type refusals struct {
	codes []string // the first ones, each once
	items int64    // of a batch that were not allowed
}

func (r *refusals) add(faults []problem.Fault) {
	for _, f := range faults {
		r.addCode(f.Code)
	}
}

func (r *refusals) addCode(code string) {
	const most = 8
	if len(r.codes) < most && !slices.Contains(r.codes, code) {
		r.codes = append(r.codes, code)
	}
}

// RefusedItem notes what an item of a batch was answered. The batch itself is fine, and its line tells of its items: by their
// number, and by the codes of what was wrong with them.
func (x *Exchange) RefusedItem(p Problem) {
	if !notAllowed(p.Status) {
		return
	}
	x.refused.items++
	if x.refused.add(p.Errors); len(p.Errors) == 0 {
		x.refused.addCode(p.Code)
	}
}

func (m *observed) start(ctx context.Context, r *Route) (context.Context, trace.Span) {
	return m.tracer.Start(ctx, r.Method+" "+r.Path, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("http.route", r.Path)))
}

func endSpan(x *Exchange) {
	x.span.SetAttributes(attribute.Int("http.response.status_code", x.W.status))
	if x.W.status >= http.StatusInternalServerError {
		x.span.SetStatus(codes.Error, x.Code)
	}
	x.span.End()
}

// ItemCounts counts the items of one batch route.
type ItemCounts struct{ accepted, rejected prometheus.Counter }

// Items returns the counts of a batch route.
func (s *Server) Items(pattern string) ItemCounts {
	m := s.observed
	return ItemCounts{m.batched.WithLabelValues(pattern, "accepted"), m.batched.WithLabelValues(pattern, "rejected")}
}

// Add counts the items of one batch.
func (c ItemCounts) Add(accepted, rejected int64) {
	c.accepted.Add(float64(accepted))
	c.rejected.Add(float64(rejected))
}
