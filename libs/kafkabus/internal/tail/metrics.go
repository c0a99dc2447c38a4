package tail

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/libs/kafkabus/internal/meter"
)

// Metrics belong to one consumer of one topic.
type Metrics struct {
	// Consumed counts new records, Duplicates those that were dropped, Nacked refusals.
	Consumed, Duplicates, Nacked prometheus.Counter
	// Errors counts failures by kind: kafka, topic, group, progress, halted.
	Errors *prometheus.CounterVec
	// Missing is 1 while the consumer waits for a topic that is not there.
	Missing prometheus.Gauge
	// Halted is 1 for a partition that stands still.
	Halted *prometheus.GaugeVec
	// Position is how far one that is read alone has come.
	Position *prometheus.GaugeVec
}

// NewMetrics returns those of a consumer.
func NewMetrics(reg prometheus.Registerer, consumer, topic string) *Metrics {
	by := prometheus.Labels{"consumer": consumer, "topic": topic}
	one := func(name, help string) prometheus.Counter {
		return meter.Counter(reg, name, help, "consumer", "topic").With(by)
	}
	return &Metrics{
		Consumed:   one("consumed_total", "Records that were read and were new."),
		Duplicates: one("duplicates_total", "Records that had been seen before and were dropped."),
		Nacked:     one("nacked_total", "Messages that a handler refused and that were delivered again."),
		Errors: meter.Counter(reg, "consumer_errors_total",
			"Failures to read Kafka, to join the group, to keep progress, and records that must not be passed.",
			"consumer", "topic", "kind").MustCurryWith(by),
		Missing: meter.Gauge(reg, "topic_missing", "1 while a consumer waits for a topic that is not there.",
			"consumer", "topic").With(by),
		Halted: meter.Gauge(reg, "halted",
			"1 while a partition stands still before a hole or a record that cannot be understood.",
			"consumer", "topic", "partition").MustCurryWith(by),
		Position: meter.Gauge(reg, "own_log_position",
			"How far the consumer has come in the log of its own service, where this process reads it.", "consumer", "topic").MustCurryWith(by),
	}
}

// Halt says whether a partition stands still.
func (m *Metrics) Halt(partition int, halted bool) {
	value := 0.0
	if halted {
		value = 1
		m.Errors.WithLabelValues("halted").Inc()
	}
	m.Halted.WithLabelValues(strconv.Itoa(partition)).Set(value)
}
