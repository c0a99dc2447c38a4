package eventstore

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
)

// metrics are the figures of one store. None of them has a label that could hold a value.
type metrics struct {
	registerer prometheus.Registerer

	batch     prometheus.Histogram
	seconds   prometheus.Histogram
	facts     prometheus.Counter
	conflicts prometheus.Counter
	refused   prometheus.Counter
	resent    prometheus.Counter
	// remembered counts for every follower.
	remembered prometheus.Counter
	waiting    prometheus.GaugeFunc
	position   prometheus.GaugeFunc
}

func newMetrics(s *Store) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &metrics{
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventstore_batch_commands", Help: "Commands stored by one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventstore_append_seconds", Help: "Time to store one batch.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}),
		facts:      counter("eventstore_facts_total", "Facts stored by this process."),
		conflicts:  counter("eventstore_conflicts_total", "Appends that found their stream at another version."),
		refused:    counter("eventstore_refused_total", "Appends that the database could not store, or that it did not answer."),
		resent:     counter("eventstore_resent_total", "Batches sent again because the answer was lost."),
		remembered: counter("eventstore_remembered_total", "Facts that followers got from memory instead of the database."),
		waiting: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "eventstore_waiting_commands", Help: "Appends in the queue.",
		}, func() float64 { return float64(s.appends.Length()) }),
		position: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "eventstore_position", Help: "Last position of the log that this process knows of.",
		}, func() float64 { return float64(s.head.Position()) }),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.batch, m.seconds, m.facts, m.conflicts, m.refused, m.resent, m.remembered, m.waiting, m.position}
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	m.registerer = r
	for _, c := range m.all() {
		if err := r.Register(c); err != nil {
			return err //nolint:wrapcheck // the caller wraps
		}
	}
	return nil
}

// unregister makes room for a store that is opened later in the same process.
func (m *metrics) unregister() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.all() {
		m.registerer.Unregister(c)
	}
}

// stored counts a batch that was answered.
func (m *metrics) stored(b batch.Batch, took time.Duration) {
	m.batch.Observe(float64(len(b)))
	m.seconds.Observe(took.Seconds())
	for _, c := range b {
		switch {
		case c.Err == nil:
			m.facts.Add(float64(len(c.Facts)))
		case errors.Is(c.Err, ErrConflict):
			m.conflicts.Inc()
		default:
			m.refused.Inc()
		}
	}
}
