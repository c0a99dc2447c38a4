package telemetry

import (
	"slices"

	"github.com/ThreeDotsLabs/watermill"
	"go.uber.org/zap"
)

// Watermill lets Watermill's router, publishers and subscribers log through log. Only fields that name a thing of
// the bus are kept: Watermill also logs whole messages ("%#v") and their metadata. What it tells about its own routers goes to
// the level of debugging, because every start would have dozens of lines of it, and its trace level is dropped: it has
// several lines for every message.
func Watermill(log *zap.Logger) watermill.LoggerAdapter {
	return watermillLog{log.WithOptions(zap.AddCallerSkip(1))}
}

type watermillLog struct{ log *zap.Logger }

// Error logs the harmless text of err; see [ErrText].
func (w watermillLog) Error(message string, err error, fields watermill.LogFields) {
	w.log.Error(message, append(allowed(fields), Err(err))...)
}

// Info logs with the allowed fields, for who debugs.
func (w watermillLog) Info(message string, fields watermill.LogFields) {
	w.log.Debug(message, allowed(fields)...)
}

// Debug logs with the allowed fields.
func (w watermillLog) Debug(message string, fields watermill.LogFields) {
	w.log.Debug(message, allowed(fields)...)
}

// Trace logs nothing.
func (w watermillLog) Trace(string, watermill.LogFields) {}

// With returns an adapter that adds the allowed fields to every line.
func (w watermillLog) With(fields watermill.LogFields) watermill.LoggerAdapter {
	return watermillLog{w.log.With(allowed(fields)...)}
}

// allowed keeps what names a thing of the bus, in a fixed order.
func allowed(fields watermill.LogFields) []zap.Field {
	out := make([]zap.Field, 0, len(fields))
	for _, key := range busKeys() {
		value, there := fields[key]
		if !there {
			continue
		}
		if err, ok := value.(error); ok {
			out = append(out, zap.String(key, ErrText(err)))
			continue
		}
		out = append(out, zap.Reflect(key, harmless(key, value, 0)))
	}
	return out
}

// busKeys are sorted, so that a line looks the same every time.
func busKeys() []string {
	keys := []string{
		"err", "error", "topic", "publish_topic", "subscribe_topic", "partition", "offset", "sequence", "previous",
		"handler", "handler_name", "handlerName", "subscriber_name", "publisher_name", "message_uuid", "uuid",
		"correlation_id", "consumer_group", "group", "retry_no", "max_retries", "wait_time", "timeout", "count",
		"produced_messages_count", "acked", "pubsub_uuid", "provider",
	}
	slices.Sort(keys)
	return keys
}
