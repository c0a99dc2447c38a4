package pg

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// collector reads a pool's own counters when somebody asks for them.
type collector struct {
	pool  *pgxpool.Pool
	conns *prometheus.Desc
	most  *prometheus.Desc
	waits *prometheus.Desc
	wait  *prometheus.Desc
}

func newCollector(pool *pgxpool.Pool, name string) *collector {
	labels := prometheus.Labels{"pool": name}
	return &collector{
		pool:  pool,
		conns: prometheus.NewDesc("pg_pool_connections", "Open connections by what they do.", []string{"state"}, labels),
		most:  prometheus.NewDesc("pg_pool_connections_max", "Most connections the pool may open.", nil, labels),
		waits: prometheus.NewDesc("pg_pool_waits_total", "Times a caller found no idle connection.", nil, labels),
		wait:  prometheus.NewDesc("pg_pool_wait_seconds_total", "Seconds spent waiting for a connection.", nil, labels),
	}
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	to <- c.conns
	to <- c.most
	to <- c.waits
	to <- c.wait
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(to chan<- prometheus.Metric) {
	s := c.pool.Stat()
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	to <- prometheus.MustNewConstMetric(c.conns, gauge, float64(s.AcquiredConns()), "busy")
	to <- prometheus.MustNewConstMetric(c.conns, gauge, float64(s.IdleConns()), "idle")
	to <- prometheus.MustNewConstMetric(c.conns, gauge, float64(s.ConstructingConns()), "opening")
	to <- prometheus.MustNewConstMetric(c.most, gauge, float64(s.MaxConns()))
	to <- prometheus.MustNewConstMetric(c.waits, counter, float64(s.EmptyAcquireCount()))
	to <- prometheus.MustNewConstMetric(c.wait, counter, s.EmptyAcquireWaitTime().Seconds())
}
