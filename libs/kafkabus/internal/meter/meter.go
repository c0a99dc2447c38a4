// Package meter makes metrics that several consumers and relays of one process share, told apart by labels.
package meter

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "kafkabus"

// Counter returns the counter of that name, which is made at the first call.
func Counter(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	return register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: name, Help: help,
	}, labels))
}

// Gauge returns the gauge of that name, which is made at the first call.
func Gauge(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.GaugeVec {
	return register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: name, Help: help,
	}, labels))
}

// register returns the collector that somebody registered before. Without a registry it counts for nobody.
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
