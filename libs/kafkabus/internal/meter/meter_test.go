package meter_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/songan-vn/songan/libs/kafkabus/internal/meter"
)

func TestTwoWhoCountUnderOneNameShareIt(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	meter.Counter(registry, "seen_total", "What was seen.", "topic").WithLabelValues("a").Inc()
	meter.Counter(registry, "seen_total", "What was seen.", "topic").WithLabelValues("a").Inc()
	meter.Gauge(registry, "lag", "How far behind.", "topic").WithLabelValues("a").Set(3)
	meter.Gauge(registry, "lag", "How far behind.", "topic").WithLabelValues("b").Set(4)
	want := `
# HELP kafkabus_lag How far behind.
# TYPE kafkabus_lag gauge
kafkabus_lag{topic="a"} 3
kafkabus_lag{topic="b"} 4
# HELP kafkabus_seen_total What was seen.
# TYPE kafkabus_seen_total counter
kafkabus_seen_total{topic="a"} 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestWithoutARegistryNobodyCounts(t *testing.T) {
	t.Parallel()
	meter.Counter(nil, "seen_total", "What was seen.", "topic").WithLabelValues("a").Inc()
}
