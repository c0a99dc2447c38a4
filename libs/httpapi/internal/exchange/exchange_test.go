package exchange_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/httpapi/internal/exchange"
)

func nothing(_ context.Context, x *exchange.Exchange) error {
	return exchange.WriteJSON(x, http.StatusOK, "nothing")
}

func TestRequestsAreCountedByRouteAndStatus(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	s := exchange.NewServer(exchange.Options{
		Service: "a", Now: time.Now, Log: zap.NewNop(), Limits: exchange.DefaultLimits(), Metrics: registry,
	})
	good := s.Handler(&exchange.Route{Method: "GET", Path: "/a/v1/x/{id}", Public: true, Timeout: time.Second}, nothing)
	bad := s.Handler(&exchange.Route{Method: "POST", Path: "/a/v1/y", Public: true, Timeout: time.Second},
		func(context.Context, *exchange.Exchange) error { return exchange.NotFound() })
	for _, h := range []http.Handler{good, good, bad} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/a/v1/x/001090123456", nil))
	}
	want := `
# HELP songan_http_problems_total Problems answered, by code.
# TYPE songan_http_problems_total counter
songan_http_problems_total{code="not_found",service="a"} 1
# HELP songan_http_requests_total Requests answered, by route and status.
# TYPE songan_http_requests_total counter
songan_http_requests_total{route="GET /a/v1/x/{id}",service="a",status="200"} 2
songan_http_requests_total{route="POST /a/v1/y",service="a",status="404"} 1
# HELP songan_http_requests_underway Requests that are being answered.
# TYPE songan_http_requests_underway gauge
songan_http_requests_underway{service="a"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want),
		"songan_http_requests_total", "songan_http_problems_total", "songan_http_requests_underway"); err != nil {
		t.Error(err)
	}
}

func TestATraceIsContinuedAndNamedInProblems(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	s := exchange.NewServer(exchange.Options{
		Now: time.Now, Log: zap.NewNop(), Limits: exchange.DefaultLimits(),
		Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
	})
	var meta string
	h := s.Handler(&exchange.Route{Method: "GET", Path: "/a/v1/x/{id}", Public: true, Timeout: time.Second},
		func(ctx context.Context, x *exchange.Exchange) error {
			meta = x.Meta(ctx, "k", nil).Trace
			return io.ErrUnexpectedEOF
		})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/a/v1/x/001090123456?name=An", nil)
	r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	ended := spans.Ended()
	if len(ended) != 1 || ended[0].Name() != "GET /a/v1/x/{id}" || ended[0].SpanContext().TraceID().String() != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Fatal(ended)
	}
	if want := "00-4bf92f3577b34da6a3ce929d0e0e4736-" + ended[0].SpanContext().SpanID().String() + "-01"; meta != want {
		t.Errorf("%s, want %s", meta, want)
	}
	if !strings.Contains(w.Body.String(), `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`) {
		t.Error(w.Body)
	}
	for _, a := range ended[0].Attributes() {
		if strings.Contains(a.Value.String(), "0010") || strings.Contains(a.Value.String(), "An") {
			t.Errorf("%s: %s", a.Key, a.Value.String())
		}
	}
}

func TestAnAnswerThatIsUnderWayIsCutAndNotCompleted(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]exchange.Endpoint{
		"by an error": func(_ context.Context, x *exchange.Exchange) error {
			x.Send([]byte(`{"half":`))
			return io.ErrUnexpectedEOF
		},
		"by a panic": func(_ context.Context, x *exchange.Exchange) error {
			x.Send([]byte(`{"half":`))
			panic("oops")
		},
		"by who knows": func(_ context.Context, x *exchange.Exchange) error {
			x.Send([]byte(`{"half":`))
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := exchange.NewServer(exchange.Options{Now: time.Now, Log: zap.NewNop(), Limits: exchange.DefaultLimits()})
			server := httptest.NewServer(s.Handler(&exchange.Route{Method: "GET", Path: "/x", Public: true, Timeout: time.Second}, do))
			defer server.Close()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := server.Client().Do(r)
			if err != nil {
				return // cut before the header was sent: nobody takes it for whole either
			}
			defer answer.Body.Close()
			if data, err := io.ReadAll(answer.Body); err == nil {
				t.Errorf("%s looks whole", data)
			}
		})
	}
}
