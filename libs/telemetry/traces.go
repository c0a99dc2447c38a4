package telemetry

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracing is a tracer provider with its end.
type Tracing struct {
	provider *sdktrace.TracerProvider
}

// Traces makes the tracer provider of a process. Spans are exported by OTLP over HTTP only if
// OTEL_EXPORTER_OTLP_ENDPOINT (or its _TRACES_ variant) is set; the other OTEL_ variables mean what the specification
// says, among them OTEL_TRACES_SAMPLER; the default follows the caller's decision and samples what begins here.
// Without an endpoint no span is recorded, but every request still has a trace id that goes with it everywhere.
func Traces(ctx context.Context, service, version string) (*Tracing, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return &Tracing{sdktrace.NewTracerProvider(
			sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())),
		)}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("trace exporter: %w", err)
	}
	about := resource.NewSchemaless(
		attribute.String("service.name", service), attribute.String("service.version", version),
	)
	return &Tracing{sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(redactingExporter{exporter}), sdktrace.WithResource(about),
	)}, nil
}

// Provider is what otelhttp, otelpgx and our own code make spans with.
func (t *Tracing) Provider() trace.TracerProvider { return t.provider }

// Shutdown sends what is left. Call it last, with a context that is not yet cancelled.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("stop tracing: %w", err)
	}
	return nil
}

const traceparent = "traceparent"

// Traceparent returns the W3C traceparent of the span in ctx, "" when there is none. It goes into decider.Meta, into
// the log of events and into the headers of messages.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparent]
}

// WithTraceparent returns ctx with the remote span that value names; an unreadable value changes nothing.
func WithTraceparent(ctx context.Context, value string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparent: value})
}

// redactingExporter applies the rules of the package to what a span says. Instrumentation libraries are not ours and
// may take up whatever they meet.
type redactingExporter struct{ sdktrace.SpanExporter }

// ExportSpans hands on spans that speak of nobody.
func (e redactingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	safe := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		safe[i] = redactedSpan{span}
	}
	return e.SpanExporter.ExportSpans(ctx, safe)
}

type redactedSpan struct{ sdktrace.ReadOnlySpan }

// Name is scrubbed: it should be a route, not a path with a number in it.
func (s redactedSpan) Name() string { return Scrub(s.ReadOnlySpan.Name()) }

// Status keeps the code; its text may be an error's.
func (s redactedSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = scrubError(status.Description)
	return status
}

// Attributes keeps those with harmless keys and scrubs their texts.
func (s redactedSpan) Attributes() []attribute.KeyValue {
	return redactAttributes(s.ReadOnlySpan.Attributes())
}

// Events keeps the events, recorded errors among them, with redacted attributes.
func (s redactedSpan) Events() []sdktrace.Event {
	events := s.ReadOnlySpan.Events()
	safe := make([]sdktrace.Event, len(events))
	for i, event := range events {
		event.Name = Scrub(event.Name)
		event.Attributes = redactAttributes(event.Attributes)
		safe[i] = event
	}
	return safe
}

// Links keeps the links with redacted attributes.
func (s redactedSpan) Links() []sdktrace.Link {
	links := s.ReadOnlySpan.Links()
	safe := make([]sdktrace.Link, len(links))
	for i, link := range links {
		link.Attributes = redactAttributes(link.Attributes)
		safe[i] = link
	}
	return safe
}

func redactAttributes(attributes []attribute.KeyValue) []attribute.KeyValue {
	safe := make([]attribute.KeyValue, len(attributes))
	for i, a := range attributes {
		safe[i] = redactAttribute(a)
	}
	return safe
}

func redactAttribute(a attribute.KeyValue) attribute.KeyValue {
	if Denied(string(a.Key)) && a.Key != serverAddress {
		a.Value = attribute.StringValue(hidden)
		return a
	}
	switch a.Value.Type() {
	case attribute.BOOL, attribute.INT64, attribute.FLOAT64,
		attribute.BOOLSLICE, attribute.INT64SLICE, attribute.FLOAT64SLICE:
	case attribute.STRING:
		a.Value = attribute.StringValue(scrubError(a.Value.AsString()))
	case attribute.STRINGSLICE:
		texts := a.Value.AsStringSlice()
		for i := range texts {
			texts[i] = scrubError(texts[i])
		}
		a.Value = attribute.StringSliceValue(texts)
	default: // bytes and whatever nests
		a.Value = attribute.StringValue(hidden)
	}
	return a
}

// serverAddress is the one address that is a machine's of ours: the database or service that was called.
const serverAddress = attribute.Key("server.address")
