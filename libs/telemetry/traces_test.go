package telemetry_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/songan-vn/songan/libs/telemetry"
)

// collect is an OTLP collector which keeps what it gets.
type collect struct {
	mutex sync.Mutex
	spans []*collector.ExportTraceServiceRequest
	err   error
}

func (c *collect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	raw, err := io.ReadAll(body)
	got := &collector.ExportTraceServiceRequest{}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.err = errors.Join(c.err, err, proto.Unmarshal(raw, got))
	c.spans = append(c.spans, got)
}

func (c *collect) text(t *testing.T) string {
	t.Helper()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.err != nil || len(c.spans) == 0 {
		t.Fatalf("%d exports, %v", len(c.spans), c.err)
	}
	text := strings.Builder{}
	for _, spans := range c.spans {
		raw, err := protojson.Marshal(spans)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(raw)
	}
	return text.String()
}

// Not parallel: the endpoint is an environment variable.
func TestSpansLeaveWithoutPlantedPeople(t *testing.T) {
	spans := &collect{}
	server := httptest.NewServer(spans)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	tracing, err := telemetry.Traces(t.Context(), "accommodation", "v1")
	if err != nil {
		t.Fatal(err)
	}
	_, span := tracing.Provider().Tracer("test").Start(t.Context(), "GET /people/"+plantedCitizen, trace.WithLinks(trace.Link{
		SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}),
		Attributes:  []attribute.KeyValue{attribute.String("said", plantedPhone)},
	}))
	span.SetAttributes(
		attribute.String("guest_name", plantedName), attribute.String("url.full", "https://x/?token="+plantedToken),
		attribute.StringSlice("list", []string{plantedCitizen}), attribute.ByteSlice("raw", []byte(plantedName)),
		attribute.String("server.address", "db.local"), attribute.Int64("rows", 7), attribute.String("db.system.name", "postgresql"),
	)
	span.AddEvent("read "+plantedCitizen, trace.WithAttributes(attribute.String("phone", plantedPhone)))
	span.RecordError(errors.New("save: " + pgValue().Error())) // of which only the text is left
	span.SetStatus(codes.Error, pgValue().Error())
	span.End()
	if err := tracing.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}

	text := spans.text(t)
	if found := leaks(text); found != nil {
		t.Errorf("%q leaked: %s", found, text)
	}
	for _, want := range []string{"accommodation", "GET /people/***", "db.local", "postgresql", "SQLSTATE 22P02", `"7"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// Not parallel: the endpoint is an environment variable.
func TestWithoutAnEndpointNothingIsRecordedButTheTraceGoesOn(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
	tracing, err := telemetry.Traces(t.Context(), "accommodation", "v1")
	if err != nil {
		t.Fatal(err)
	}
	const caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
	ctx, span := tracing.Provider().Tracer("test").Start(telemetry.WithTraceparent(t.Context(), caller), "work")
	defer span.End()
	if span.IsRecording() {
		t.Error("a span is recorded that nobody will see")
	}
	if got := telemetry.Traceparent(ctx); !strings.HasPrefix(got, caller[:36]) || got == caller {
		t.Errorf("the trace goes on as %s", got)
	}
	if err := tracing.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestATraceparentSurvivesBeingWrittenDown(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"":        "",
		"rubbish": "",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": "",
	} {
		got := telemetry.Traceparent(telemetry.WithTraceparent(context.Background(), value))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", value, diff)
		}
	}
}
