// Package meter holds the figures of read models.
package meter

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
)

// Metrics are those of all projections of a process; see [Gauges].
type Metrics struct {
	facts, failures   *prometheus.CounterVec
	position, leading *prometheus.GaugeVec
	batch             *prometheus.HistogramVec
}

// New registers the figures, unless r is nil.
func New(r prometheus.Registerer) Metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return registered(r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"projection"}))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return registered(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"projection"}))
	}
	return Metrics{
		facts:    counter("songan_projection_facts_total", "Facts applied to a read model."),
		failures: counter("songan_projection_failures_total", "Batches that could not be applied and were tried again."),
		position: gauge("songan_projection_position", "Position in the own log up to which a read model is written."),
		leading:  gauge("songan_projection_leading", "1 when this process writes the read model."),
		batch: registered(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "songan_projection_batch_seconds", Help: "Time to write a batch with its checkpoint.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}, []string{"projection"})),
	}
}

// registered returns the collector that r knows under this name: several services of one process share it.
func registered[C prometheus.Collector](r prometheus.Registerer, c C) C {
	if r == nil {
		return c
	}
	if taken := (prometheus.AlreadyRegisteredError{}); errors.As(r.Register(c), &taken) {
		if known, ok := taken.ExistingCollector.(C); ok {
			return known
		}
	}
	return c
}

// Gauges are the Metrics of one projection.
type Gauges struct {
	Failures prometheus.Counter
	Leading  prometheus.Gauge

	facts    prometheus.Counter
	position prometheus.Gauge
	batch    prometheus.Observer
}

// Of returns the figures of one projection.
func (m Metrics) Of(projection string) Gauges {
	return Gauges{
		facts: m.facts.WithLabelValues(projection), Failures: m.failures.WithLabelValues(projection),
		position: m.position.WithLabelValues(projection), Leading: m.leading.WithLabelValues(projection),
		batch: m.batch.WithLabelValues(projection),
	}
}

// Wrote counts a batch.
func (g Gauges) Wrote(facts int, took time.Duration, at checkpoint.Progress) {
	g.facts.Add(float64(facts))
	g.batch.Observe(took.Seconds())
	g.position.Set(float64(at.Own()))
}
