package kafkabus

import (
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// register adds a collector to a registry, or returns the one that an earlier consumer or relay added. Without a
// registry the collector counts for nobody.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	if reg == nil {
		return c
	}
	var twice prometheus.AlreadyRegisteredError
	if err := reg.Register(c); errors.As(err, &twice) {
		if earlier, ok := twice.ExistingCollector.(C); ok {
			return earlier
		}
	}
	return c
}

func counter(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	return register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "kafkabus", Name: name, Help: help,
	}, labels))
}

func gauge(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.GaugeVec {
	return register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "kafkabus", Name: name, Help: help,
	}, labels))
}

// consumerMetrics belong to one consumer of one topic.
type consumerMetrics struct {
	consumed, duplicates, nacked prometheus.Counter
	errors                       *prometheus.CounterVec // by kind: kafka, progress, halted
	halted                       *prometheus.GaugeVec   // by partition
}

func newConsumerMetrics(reg prometheus.Registerer, consumer, topic string) *consumerMetrics {
	by := prometheus.Labels{"consumer": consumer, "topic": topic}
	one := func(name, help string) prometheus.Counter {
		return counter(reg, name, help, "consumer", "topic").With(by)
	}
	return &consumerMetrics{
		consumed:   one("consumed_total", "Records that were read and were new."),
		duplicates: one("duplicates_total", "Records that had been seen before and were dropped."),
		nacked:     one("nacked_total", "Messages that a handler refused and that were delivered again."),
		errors: counter(reg, "consumer_errors_total",
			"Failures to read Kafka, to keep progress, and records that must not be passed.",
			"consumer", "topic", "kind").MustCurryWith(by),
		halted: gauge(reg, "halted",
			"1 while a partition stands still before a hole or a record that cannot be understood.",
			"consumer", "topic", "partition").MustCurryWith(by),
	}
}

func (m *consumerMetrics) halt(partition int, on bool) {
	value := 0.0
	if on {
		value = 1
		m.errors.WithLabelValues("halted").Inc()
	}
	m.halted.WithLabelValues(strconv.Itoa(partition)).Set(value)
}

// relayMetrics belong to the relay of one topic.
type relayMetrics struct {
	published, errors prometheus.Counter
	lag, delay, lead  prometheus.Gauge
}

func newRelayMetrics(reg prometheus.Registerer, topic string) *relayMetrics {
	count := func(name, help string) prometheus.Counter {
		return counter(reg, name, help, "topic").WithLabelValues(topic)
	}
	measure := func(name, help string) prometheus.Gauge {
		return gauge(reg, name, help, "topic").WithLabelValues(topic)
	}
	return &relayMetrics{
		published: count("relay_published_total", "Facts that Kafka has taken."),
		errors:    count("relay_errors_total", "Attempts to publish or to keep the checkpoint that failed."),
		lag:       measure("relay_lag", "Positions of the log that the relay has not passed yet."),
		delay:     measure("relay_delay_seconds", "Age of the newest fact of the last batch when Kafka had taken it."),
		lead:      measure("relay_lead", "1 if this process is the one that publishes."),
	}
}
