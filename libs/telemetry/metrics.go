package telemetry

import (
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// Metrics returns a registry that holds the figures of the Go runtime, the process and the build.
func Metrics() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	)
	return registry
}

const (
	scrapesAtOnce = 4
	scrapeTimeout = 10 * time.Second
)

// MetricsHandler serves a registry to Prometheus. A series whose label speaks of a person or looks like a secret is
// left out; see [Denied] and [Scrub].
func MetricsHandler(registry prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(withoutPeople(registry), promhttp.HandlerOpts{
		MaxRequestsInFlight: scrapesAtOnce,
		Timeout:             scrapeTimeout,
		ErrorHandling:       promhttp.ContinueOnError, // one broken collector must not hide all others
	})
}

func withoutPeople(registry prometheus.Gatherer) prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := registry.Gather()
		for _, family := range families {
			family.Metric = slices.DeleteFunc(family.GetMetric(), speaksOfPeople)
		}
		return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return len(f.GetMetric()) == 0 }), err
	})
}

func speaksOfPeople(metric *dto.Metric) bool {
	return slices.ContainsFunc(metric.GetLabel(), func(label *dto.LabelPair) bool {
		return deniedLabel(label.GetName()) || Scrub(label.GetValue()) != label.GetValue()
	})
}

// deniedLabel lets "name" pass: collectors of others use it for names of things.
func deniedLabel(key string) bool { return key != "name" && Denied(key) }
