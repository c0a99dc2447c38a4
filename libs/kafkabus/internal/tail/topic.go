package tail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
)

// topicPatience is how long a topic may be missing before it is told as a fault. Whoever starts first waits for the topics of
// the others, which are there within seconds; a misspelt one would be waited for in silence for ever.
const topicPatience = 30 * time.Second

// Describe answers from the transport's picture of the cluster, which may be a little old.
func Describe(ctx context.Context, client *kafka.Client, topic string) (kafka.Topic, error) {
	found, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return kafka.Topic{}, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	for _, t := range found.Topics {
		if t.Name == topic && t.Error != nil {
			return kafka.Topic{}, fmt.Errorf("describe topic %s: %w", topic, t.Error)
		}
		if t.Name == topic && len(t.Partitions) > 0 {
			return t, nil
		}
	}
	return kafka.Topic{}, fmt.Errorf("describe topic %s: %w", topic, kafka.UnknownTopicOrPartition)
}

// Await waits until a topic is there, and returns how many partitions it has. Its error is that of a context that ends before.
func Await(ctx context.Context, client *kafka.Client, topic string, metrics *Metrics, log *zap.Logger) (partitions int, err error) {
	wait, began := pause.Retry(), time.Now()
	defer metrics.Missing.Set(0)
	for {
		found, err := Describe(ctx, client, topic)
		if err == nil {
			return len(found.Partitions), nil
		}
		metrics.Errors.WithLabelValues("topic").Inc()
		level := zapcore.WarnLevel
		if errors.Is(err, kafka.UnknownTopicOrPartition) {
			metrics.Missing.Set(1)
			if time.Since(began) < topicPatience {
				level = zapcore.InfoLevel
			}
		}
		if wait.Loud() {
			log.Log(level, "topic cannot be read yet, trying again", zap.Error(err))
		}
		if err := wait.Wait(ctx); err != nil {
			return 0, err
		}
	}
}
