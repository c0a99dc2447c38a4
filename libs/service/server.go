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
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/netutil"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
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
)

// server is the HTTP surface of a process.
type server struct {
	http      *http.Server
	metrics   *http.Server
	stopping  chan struct{}
	ready     atomic.Bool
	readiness readiness
	log       *zap.Logger
}

func newServer(h Host, services []Service) (*server, error) {
	if err := h.Config.check(); err != nil {
		return nil, err
	}
	s := &server{stopping: make(chan struct{}), readiness: readiness{services: services, log: h.Log}, log: h.Log}
	mux, err := s.routes(h, services)
	if err != nil {
		return nil, err
	}
	if s.http, err = s.surface(mux, h.Config); err != nil {
		return nil, err
	}
	figures := http.NewServeMux()
	figures.Handle("GET /metrics", safe(telemetry.MetricsHandler(h.Metrics)))
	s.metrics = s.bare(figures)
	return s, nil
}

// surface is where the API is served, with and without TLS.
func (s *server) surface(mux http.Handler, c Config) (*http.Server, error) {
	surface := s.bare(mux)
	if c.HTTPS == "" {
		return surface, nil
	}
	var err error
	surface.TLSConfig, err = certificate.Files{CA: c.TLSClients, Certificate: c.TLSCertificate, Key: c.TLSKey}.Server(s.notTaken)
	if err != nil {
		return nil, fmt.Errorf("SONGAN_TLS_CERTIFICATE, SONGAN_TLS_KEY, SONGAN_TLS_CLIENT_CA: %w", err)
	}
	surface.Handler = strictly(mux)
	return surface, nil
}

// notTaken says that certificates were renewed in a way that cannot be used.
func (s *server) notTaken(err error) { s.log.Error("certificates of the server", telemetry.Err(err)) }

// strictly tells browsers that came over TLS to come over nothing else.
func strictly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// bare is a server with the limits that all of ours have. It speaks HTTP/1.1: limits count connections and streams, and
// with HTTP/2 one connection is many.
func (s *server) bare(handler http.Handler) *http.Server {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: headerPatience,
		ReadTimeout:       readPatience,
		WriteTimeout:      writePatience,
		IdleTimeout:       idlePatience,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          log.New(withoutAddresses{s.log}, "", 0),
		BaseContext: func(net.Listener) context.Context {
			return httpapi.WithStopping(context.Background(), s.stopping) // outlives the process's context: see stop
		},
	}
}

// serve serves what belongs behind a door until the server stops.
func (s *server) serve(d door) error {
	switch d.variable {
	case httpsDoor:
		return s.http.ServeTLS(d, "", "")
	case metricsDoor:
		return s.metrics.Serve(d)
	}
	return s.http.Serve(d)
}

func (s *server) routes(h Host, services []Service) (*http.ServeMux, error) {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", safe(http.HandlerFunc(s.healthz)))
	mux.Handle("GET /readyz", safe(http.HandlerFunc(s.readyz)))
	mux.Handle("GET /metrics", safe(forOperators(h)))
	mux.Handle("/", safe(http.HandlerFunc(nothingHere)))
	taken := map[string]string{"/": "", "/healthz": "", "/readyz": "", "/metrics": ""}
	for _, service := range services {
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

// safe puts the headers around a handler of this package that the APIs' own answers have.
func safe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// nothingHere answers paths of no service.
func nothingHere(w http.ResponseWriter, _ *http.Request) {
	refuse(w, problem.New(problem.NotFound, "not_found", "there is no such thing here", "không tìm thấy"))
}

// refuse answers a refusal of this package as the APIs do. What is no refusal is an error of ours.
func refuse(w http.ResponseWriter, err error) {
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		p = &problem.Problem{Kind: problem.Unavailable, Code: "unavailable", Detail: "try again", DetailVI: "xin thử lại"}
	}
	status := httpapi.Status(p.Kind)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(httpapi.Problem{ // a struct of texts; that it does not arrive is the caller's loss
		Type: "urn:songan:problem:" + p.Code, Title: http.StatusText(status), Status: status, Code: p.Code, Detail: p.Detail, DetailVI: p.DetailVI,
	})
}

// MetricsScope is what a key is for that reads /metrics and nothing else.
const MetricsScope = "metrics"

// forOperators serves the metrics where the API is, to administrators and to keys of theirs for this alone: figures name
// banks, and say how the work goes.
func forOperators(h Host) http.Handler {
	figures := telemetry.MetricsHandler(h.Metrics)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.Auth == nil || h.Config.Metrics != "" {
			nothingHere(w, r)
			return
		}
		who, err := h.Auth.Identify(r.Context(), r, httpapi.Limits{Proxies: h.Config.Proxies}.Address(r))
		switch {
		case err != nil:
			h.Log.Debug("metrics refused", telemetry.Err(err))
			refuse(w, err)
		case !who.Is(access.Admin) || !who.Scopes.Allow(MetricsScope, access.Reading):
			refuse(w, problem.New(problem.Forbidden, "role_not_allowed",
				"your role may not do this", "vai trò của bạn không được phép thực hiện việc này"))
		default:
			figures.ServeHTTP(w, r)
		}
	})
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
	err = errors.Join(err, s.metrics.Close())
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
