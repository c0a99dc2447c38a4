package meter

import "github.com/prometheus/client_golang/prometheus"

// Relay are the metrics of the relay of one topic.
type Relay struct {
	Published, Errors prometheus.Counter
	Lag, Delay, Lead  prometheus.Gauge
}

// NewRelay registers them.
func NewRelay(reg prometheus.Registerer, topic string) *Relay {
	count := func(name, help string) prometheus.Counter {
		return Counter(reg, name, help, "topic").WithLabelValues(topic)
	}
	measure := func(name, help string) prometheus.Gauge {
		return Gauge(reg, name, help, "topic").WithLabelValues(topic)
	}
	return &Relay{
		Published: count("relay_published_total", "Facts that Kafka has taken."),
		Errors:    count("relay_errors_total", "Attempts to publish or to keep the checkpoint that failed."),
		Lag:       measure("relay_lag", "Positions of the log that the relay has not passed yet."),
		Delay:     measure("relay_delay_seconds", "Age of the newest fact of the last batch when Kafka had taken it."),
		Lead:      measure("relay_lead", "1 if this process is the one that publishes."),
	}
}
