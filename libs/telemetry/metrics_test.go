package telemetry_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/libs/telemetry"
)

func TestTheMetricsPageSpeaksOfTheProcessAndOfNobody(t *testing.T) {
	t.Parallel()
	registry := telemetry.Metrics()
	careless := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "careless_total"}, []string{"label"})
	people := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "people_total"}, []string{"guest_name"})
	registry.MustRegister(careless, people)
	careless.WithLabelValues("check").Inc()
	careless.WithLabelValues(plantedCitizen).Inc()
	careless.WithLabelValues("Bearer " + plantedToken).Inc()
	people.WithLabelValues(plantedName).Inc()

	answer := httptest.NewRecorder()
	telemetry.MetricsHandler(registry).ServeHTTP(answer, httptest.NewRequestWithContext(
		t.Context(), http.MethodGet, "/metrics", http.NoBody))

	page := answer.Body.String()
	if found := leaks(page); found != nil {
		t.Errorf("%q leaked", found)
	}
	for _, want := range []string{"go_goroutines ", "process_cpu_seconds_total ", "go_build_info{", `careless_total{label="check"} 1`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s on the page", want)
		}
	}
	if strings.Contains(page, "people_total") {
		t.Error("a metric without series is still announced")
	}
}
