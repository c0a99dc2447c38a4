package reaction

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of one consumer.
type metrics struct {
	facts       *prometheus.CounterVec
	seconds     prometheus.Observer
	passed      prometheus.Counter
	handled     prometheus.Counter
	quarantined prometheus.Gauge
	consumer    string
}

func newMetrics(r prometheus.Registerer, consumer string) metrics {
	facts := registered(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "songan_reaction_facts_total", Help: "Facts delivered to a consumer, by how the delivery ended.",
	}, []string{"consumer", "outcome"}))
	seconds := registered(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "songan_reaction_seconds", Help: "Time of one delivery, with all its attempts.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
	}, []string{"consumer"}))
	open := registered(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "songan_reaction_quarantined", Help: "Facts in quarantine that wait for an operator.",
	}, []string{"consumer"}))
	return metrics{
		facts: facts, seconds: seconds.WithLabelValues(consumer), consumer: consumer,
		passed:  facts.WithLabelValues(consumer, "passed"),
		handled: facts.WithLabelValues(consumer, string(handled)), quarantined: open.WithLabelValues(consumer),
	}
}

func (m metrics) saw(o outcome, took time.Duration) {
	if o == handled { // nearly all are
		m.handled.Inc()
	} else {
		m.facts.WithLabelValues(m.consumer, string(o)).Inc()
	}
	m.seconds.Observe(took.Seconds())
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
