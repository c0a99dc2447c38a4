package eventstore

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/songan-vn/songan/libs/problem"
)

// traced opens a span for one execution below the caller's, if the caller is traced. A batch belongs to many callers and
// has no span; this one shows how long its caller waited for it. It names the stream, and nothing that the facts hold.
func traced(ctx context.Context, stream string) (context.Context, func(facts int, err error)) {
	above := trace.SpanFromContext(ctx)
	if !above.IsRecording() {
		return ctx, func(int, error) {}
	}
	ctx, span := above.TracerProvider().Tracer("eventstore").Start(ctx, "eventstore.Execute",
		trace.WithAttributes(attribute.String("stream", stream)))
	return ctx, func(facts int, err error) {
		span.SetAttributes(attribute.Int("facts", facts))
		if err != nil {
			span.SetStatus(codes.Error, problem.CodeOf(err))
		}
		span.End()
	}
}
