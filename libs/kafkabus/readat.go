package kafkabus

import (
	"context"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/kafkabus/internal/envelope"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

// ReadAt returns the message at a place: for operators who look at one again that was set aside by its place alone, and is named as
// it was then. It waits while Kafka is away, until ctx ends, which is the message's context too. What is not there any more is a
// [TruncatedError].
func ReadAt(ctx context.Context, cfg Config, at Place) (*message.Message, error) {
	reader := &tail.Reader{
		Client: cfg.Client(), Topic: at.Topic, Partition: at.Partition, At: Progress{Offset: at.Offset},
		Log: zap.NewNop(), Metrics: tail.NewMetrics(nil, "read_at", at.Topic),
	}
	records, err := reader.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	if len(records) == 0 || records[0].Offset != at.Offset {
		return nil, fmt.Errorf("read %s: %w", at, &TruncatedError{Place: at, First: at.Offset + 1, End: at.Offset + 1})
	}
	m := envelope.FromKafka(records[0].Message)
	m.UUID = foreignName(records[0].Message)
	m.SetContext(envelope.WithPlace(ctx, at))
	return m, nil
}
