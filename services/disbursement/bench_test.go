package disbursement_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/testkit"
)

// province is how many people a large province pays.
const province = 120_000

// BenchmarkDraft measures the draft of a province's list, from the request to the frozen hash, with proofs. The rows of
// people and rights are there; one in twelve has a month in arrears, so that there are as many lines as a list has.
func BenchmarkDraft(b *testing.B) {
	o := open(b)
	o.province(b, province)
	settle(b)
	b.ResetTimer()
	for range b.N {
		var peak atomic.Uint64
		stop := watch(&peak)
		began, worked := time.Now(), cpu(b)
		list := o.draft(b, "province-lisa", "01", "social_pension", "2026-11")
		took := time.Since(began)
		stop()
		var view struct {
			Totals struct{ Lines, Held, Findings int }
		}
		list.Into(b, &view)
		b.ReportMetric(float64(view.Totals.Lines), "lines")
		b.ReportMetric(took.Seconds(), "s/draft")
		b.ReportMetric(cpu(b)-worked, "cpu-s/draft")
		b.ReportMetric(float64(peak.Load())/(1<<20), "MiB-heap")
		b.StopTimer()
		shown := time.Now()
		testkit.Eventually(b, func() error {
			var lines int
			if err := o.Pool.QueryRow(b.Context(), `select count(*) from lines`).Scan(&lines); err != nil || lines < view.Totals.Lines {
				return fmt.Errorf("%d lines are shown (%w)", lines, err)
			}
			return nil
		})
		b.Logf("the lines are shown %v later", time.Since(shown))
		o.step(b, "province-lisa", list.Text(b, "id"), "rejection", object{"reason": "đo lại"}).Want(b, 200)
		b.StartTimer()
	}
}

// cpu is how many seconds this process worked, without its database.
func cpu(b *testing.B) float64 {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

// settle waits until what the preparation left to do is done: the reactions to its facts.
func settle(b *testing.B) {
	b.Helper()
	const window, busy = 500 * time.Millisecond, 0.1
	testkit.Within(b, 5*time.Minute, func() error {
		before := cpu(b)
		<-time.After(window)
		if used := cpu(b) - before; used > busy*window.Seconds() {
			return fmt.Errorf("still busy: %.2f s", used)
		}
		return nil
	})
}

// watch notes the largest heap until it is stopped.
func watch(peak *atomic.Uint64) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak.Store(max(peak.Load(), m.HeapInuse))
			}
		}
	}()
	return func() { close(done); <-ended }
}
