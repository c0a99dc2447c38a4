package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/netutil"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/telemetry"
)

// The times and sizes of the HTTP server. httpapi sets closer ones for each request, and farther ones for streams that
// keep moving.
const (
	headerPatience = 10 * time.Second
	readPatience   = 60 * time.Second
	writePatience  = 90 * time.Second
	idlePatience   = 120 * time.Second
	headerBytes    = 32 << 10
	readyPatience  = 2 * time.Second
)

// server is the HTTP surface of a process.
type server struct {
	http     *http.Server
	stopping chan struct{}
	ready    atomic.Bool
	services []Service
	log      *zap.Logger
}

func newServer(h Host, services []Service) (*server, error) {
	s := &server{stopping: make(chan struct{}), services: services, log: h.Log}
	mux, err := s.routes(h)
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: headerPatience,
		ReadTimeout:       readPatience,
		WriteTimeout:      writePatience,
		IdleTimeout:       idlePatience,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          log.New(withoutAddresses{h.Log}, "", 0),
		BaseContext: func(net.Listener) context.Context {
			return httpapi.WithStopping(context.Background(), s.stopping) // outlives the process's context: see stop
		},
	}
	return s, nil
}

func (s *server) routes(h Host) (*http.ServeMux, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", telemetry.MetricsHandler(h.Metrics))
	mux.HandleFunc("/", nothingHere)
	taken := map[string]string{"/": "", "/healthz": "", "/readyz": "", "/metrics": ""}
	for _, service := range s.services {
		if service.Handler == nil {
			continue
		}
		path := service.Path
		if path == "" {
			path = "/" + service.Name + "/"
		}
		if other, ok := taken[path]; ok && path != "/" {
			return nil, fmt.Errorf("services %s and %s both want the path %s", other, service.Name, path)
		}
		taken[path] = service.Name
		mux.Handle(path, service.Handler)
	}
	return mux, nil
}

// nothingHere answers paths of no service.
func nothingHere(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`{"type":"urn:songan:problem:not_found","title":"Not Found","status":404,"code":"not_found",` +
		`"detail":"there is no such thing here","detail_vi":"không tìm thấy"}` + "\n"))
}

// healthz answers as long as the process can answer anything.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, health{Status: "alive"})
}

// health is what /healthz and /readyz answer. Why a service is not ready stands in the log: this page is public.
type health struct {
	Status   string            `json:"status"`
	Services map[string]string `json:"services,omitempty"`
}

// readyz asks all services at once.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	if !s.ready.Load() {
		answer(w, http.StatusServiceUnavailable, health{Status: "stopping"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyPatience)
	defer cancel()
	faults := make([]error, len(s.services))
	var wg sync.WaitGroup
	for i, service := range s.services {
		if service.Ready != nil {
			wg.Go(func() { faults[i] = service.Ready(ctx) })
		}
	}
	wg.Wait()
	h, status := health{Status: "ready", Services: map[string]string{}}, http.StatusOK
	for i, service := range s.services {
		h.Services[service.Name] = "ready"
		if faults[i] != nil {
			h.Status, h.Services[service.Name], status = "not_ready", "not_ready", http.StatusServiceUnavailable
			s.log.Warn("not ready", zap.String("service", service.Name), telemetry.Err(faults[i]))
		}
	}
	answer(w, status, h)
}

func answer(w http.ResponseWriter, status int, h health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(h) // a struct of texts; that it does not arrive is the caller's loss
}

// stop finishes what is under way. Streams are told to end; requests that do not end in time are cut.
func (s *server) stop(ctx context.Context, c Config) error {
	s.ready.Store(false)
	delay := time.NewTimer(c.StopDelay)
	defer delay.Stop()
	<-delay.C
	close(s.stopping)
	patience := c.StopPatience
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests did not finish in time and are cut", zap.Duration("patience", patience))
		err = s.http.Close()
	}
	if err != nil {
		return fmt.Errorf("stop HTTP: %w", err)
	}
	return nil
}

// limitListener takes at most so many connections; the others wait with the kernel.
func limitListener(l net.Listener, most int) net.Listener {
	if most <= 0 {
		return l
	}
	return netutil.LimitListener(l, most)
}

// withoutAddresses logs what net/http has to say, without the addresses of callers.
type withoutAddresses struct{ log *zap.Logger }

// Write logs one message.
func (w withoutAddresses) Write(p []byte) (int, error) {
	words := strings.Fields(string(p))
	for i, word := range words {
		if _, err := netip.ParseAddrPort(strings.TrimRight(word, ":;,")); err == nil {
			words[i] = "(address)"
		}
	}
	w.log.Warn("http server", zap.String("said", strings.Join(words, " ")))
	return len(p), nil
}
