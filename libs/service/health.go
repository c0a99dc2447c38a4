package service

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/telemetry"
)

// The times of /readyz: how long services have to answer, and how long what they said is told to whoever asks.
const (
	readyPatience = 2 * time.Second
	readyFor      = time.Second
)

// health is what /healthz and /readyz answer. Why a service is not ready stands in the log: this page is public.
type health struct {
	Status   string            `json:"status"`
	Services map[string]string `json:"services,omitempty"`
}

// healthz answers as long as the process can answer anything.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, health{Status: "alive"})
}

// readyz answers by what the services said last.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	if !s.ready.Load() {
		answer(w, http.StatusServiceUnavailable, health{Status: "stopping"})
		return
	}
	status, h := s.readiness.now(r.Context())
	answer(w, status, h)
}

// readiness is what the services said last. They are asked once a second at most, however many ask: a question costs each
// of them a query, and anybody may ask.
type readiness struct {
	services []Service
	log      *zap.Logger

	mu     sync.Mutex
	asked  time.Time
	status int
	said   health
}

// now returns what was said within the last second. Who asks in the meantime waits for the answer; that a caller goes away
// is no fault of a service.
func (r *readiness) now(ctx context.Context) (int, health) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked.IsZero() || time.Since(r.asked) >= readyFor {
		r.status, r.said = r.ask(context.WithoutCancel(ctx))
		r.asked = time.Now()
	}
	return r.status, r.said
}

// ask asks all services at once.
func (r *readiness) ask(ctx context.Context) (int, health) {
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	faults := make([]error, len(r.services))
	var wg sync.WaitGroup
	for i, service := range r.services {
		if service.Ready != nil {
			wg.Go(func() { faults[i] = service.Ready(ctx) })
		}
	}
	wg.Wait()
	h, status := health{Status: "ready", Services: map[string]string{}}, http.StatusOK
	for i, service := range r.services {
		h.Services[service.Name] = "ready"
		if faults[i] != nil {
			h.Status, h.Services[service.Name], status = "not_ready", "not_ready", http.StatusServiceUnavailable
			r.log.Warn("not ready", zap.String("service", service.Name), telemetry.Err(faults[i]))
		}
	}
	return status, h
}

func answer(w http.ResponseWriter, status int, h health) {
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(h) // a struct of texts; that it does not arrive is the caller's loss
}
