package consume_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/kafkabus/internal/consume"
)

func TestATopicThatNobodyHasMadeYetIsNoWarning(t *testing.T) {
	t.Parallel()
	waiting := fmt.Errorf("describe topic a.v1: %w", kafka.UnknownTopicOrPartition)
	if got := consume.Level(waiting); got != zap.InfoLevel {
		t.Errorf("%v is told as %s", waiting, got)
	}
	for _, err := range []error{errors.New("connection refused"), kafka.TopicAuthorizationFailed, nil} {
		if got := consume.Level(err); got != zap.WarnLevel {
			t.Errorf("%v is told as %s", err, got)
		}
	}
}
