package bankgateway

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/services/bankgateway/internal/projections"
)

// gaugeEvery is how often what waits for the banks is counted.
const gaugeEvery = 15 * time.Second

// gauges are what alerts watch: a bank that nothing goes out to is not seen anywhere else.
type gauges struct {
	waiting, held, lag *prometheus.GaugeVec
}

func newGauges(metrics prometheus.Registerer) (gauges, error) {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "songan_bankgateway_" + name, Help: help}, []string{"bank"})
	}
	g := gauges{
		waiting: gauge("waiting", "Messages that are to be sent to the bank."),
		held:    gauge("held", "Messages that cannot be written, because somebody's data cannot be read."),
		lag:     gauge("lag_seconds", "How long the oldest message has been waiting."),
	}
	for _, c := range []prometheus.Collector{g.waiting, g.held, g.lag} {
		if err := metrics.Register(c); err != nil {
			return gauges{}, err
		}
	}
	return g, nil
}

// count keeps the gauges true until ctx ends.
func (a *app) count(ctx context.Context) error {
	ticker := time.NewTicker(gaugeEvery)
	defer ticker.Stop()
	for {
		if backlogs, err := projections.Backlogs(ctx, a.pool); err == nil {
			a.show(backlogs)
		} else if ctx.Err() == nil {
			a.logger.Warn("what waits for the banks cannot be counted", telemetry.Err(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// show sets the gauges; banks that nothing waits for have none of it.
func (a *app) show(backlogs []projections.Backlog) {
	of := map[string]projections.Backlog{}
	for b := range a.banks {
		of[b] = projections.Backlog{Bank: b}
	}
	for _, b := range backlogs {
		of[b.Bank] = b
	}
	for b, waits := range of {
		a.gauges.waiting.WithLabelValues(b).Set(float64(waits.Waiting))
		a.gauges.held.WithLabelValues(b).Set(float64(waits.Held))
		a.gauges.lag.WithLabelValues(b).Set(waits.Lag(a.now()).Seconds())
	}
}
