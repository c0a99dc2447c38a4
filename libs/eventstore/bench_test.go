package eventstore_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
)

type noted struct {
	Facility string `json:"facility"`
	Guest    string `json:"guest"`
	Room     string `json:"room"`
	Arrived  string `json:"arrived_at"`
	Due      string `json:"due_at"`
}

func (noted) EventName() string { return "accommodation.stay_notified.v1" }

type stay struct{ n int }

func (s stay) Evolve(e events.Event) stay { s.n++; return s }

type note struct{}

func (note) Decide(s stay, m decider.Meta) ([]events.Event, error) {
	return []events.Event{noted{"facility-0192f0c1d2e3", "0192f0c1-d2e3-7abc-8def-0123456789ab", "204", "2026-11-21T14:00:00+07:00", "2026-11-21T23:00:00+07:00"}}, nil
}

func TestSpeed(t *testing.T) {
	pool := testkit.Postgres(t)
	if err := eventstore.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	s, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: events.NewCatalog([]events.Event{noted{}}), Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, mode := range strings.Split(os.Getenv("MODES"), ",") {
		callers, _ := strconv.Atoi(os.Getenv("CALLERS"))
		if callers == 0 {
			callers = 64
		}
		var n atomic.Int64
		var wg sync.WaitGroup
		end := time.Now().Add(3 * time.Second)
		at := time.Now()
		for g := range callers {
			wg.Go(func() {
				var opts []eventstore.Option
				if mode == "fresh" {
					opts = append(opts, eventstore.Fresh())
				}
				for i := 0; time.Now().Before(end); i++ {
					stream := fmt.Sprintf("notice-%016x%08x%04x", uint64(i*7919+g)*0x9E3779B97F4A7C15, time.Now().UnixNano()&0xffffffff, g)
					if mode == "general" {
						stream = fmt.Sprintf("case-%d-%d-%d", at.UnixNano(), g, i/4)
					}
					_, err := eventstore.Execute(context.Background(), s, stream, note{}, decider.Meta{At: time.Now(), Actor: "facility:0192f0c1d2e3", Cause: "mzxw6ytboi4dqmzugu3donrtgq" + strconv.Itoa(i), Correlation: "0192f0c1-d2e3-7abc-8def-0123456789ab", Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Fingerprint: "n5wgkzlsmvzxizlom5xw65dfon"}, opts...)
					if err != nil {
						t.Error(err)
						return
					}
					n.Add(1)
				}
			})
		}
		wg.Wait()
		ms, _ := reg.Gather()
		for _, m := range ms {
			if m.GetName() == "eventstore_batch_commands" {
				h := m.GetMetric()[0].GetHistogram()
				t.Logf("batches %d mean %.1f", h.GetSampleCount(), h.GetSampleSum()/float64(h.GetSampleCount()))
			}
		}
		t.Logf("%s: %.0f/s count=%d", mode, float64(n.Load())/time.Since(at).Seconds(), n.Load())
	}
}
