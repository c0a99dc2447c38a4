package projection

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/libs/projection/internal/checkpoint"
)

// metrics are those of all projections of a process; see gauges.
type metrics struct {
	facts, failures   *prometheus.CounterVec
	position, leading *prometheus.GaugeVec
	batch             *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return registered(r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"projection"}))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return registered(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"projection"}))
	}
	return metrics{
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

// gauges are the metrics of one projection.
type gauges struct {
	facts, failures   prometheus.Counter
	position, leading prometheus.Gauge
	batch             prometheus.Observer
}

func (m metrics) of(projection string) gauges {
	return gauges{
		facts: m.facts.WithLabelValues(projection), failures: m.failures.WithLabelValues(projection),
		position: m.position.WithLabelValues(projection), leading: m.leading.WithLabelValues(projection),
		batch: m.batch.WithLabelValues(projection),
	}
}

func (g gauges) wrote(facts int, took time.Duration, at checkpoint.Progress) {
	g.facts.Add(float64(facts))
	g.batch.Observe(took.Seconds())
	g.position.Set(float64(at.Own()))
}
