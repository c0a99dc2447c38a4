package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/telemetry"
)

// Host is the process that services run in.
type Host struct {
	Config  Config
	Log     *zap.Logger
	Metrics *prometheus.Registry
	// Auth tells who asks for metrics; without it they are not served where the API is.
	Auth *access.Authenticator
	// Listening is called once connections are taken, with the address, whose port may have been chosen by the system.
	// Nil is fine.
	Listening func(net.Addr)
}

// Run runs services until ctx ends, one of their runners does, or the server fails. It returns nil after a clean stop
// that was asked for, else the first cause. The services are closed in any case.
func Run(ctx context.Context, h Host, services ...Service) (err error) {
	defer func() { err = errors.Join(err, CloseAll(services)) }()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)

	server, err := newServer(h, services)
	if err != nil {
		return err
	}
	doors, err := open(ctx, h.Config)
	if err != nil {
		return err
	}
	runners := start(ctx, services, fail)
	var serving sync.WaitGroup
	for _, d := range doors {
		serving.Go(func() {
			if err := server.serve(d); !errors.Is(err, http.ErrServerClosed) {
				fail(fmt.Errorf("serve %s: %w", d.variable, err))
			}
		})
		h.Log.Info("listening", zap.String("as", d.variable), zap.String("at", d.Addr().String()), zap.Int("services", len(services)))
	}
	server.ready.Store(true)
	if h.Listening != nil {
		h.Listening(doors[0].Addr())
	}

	<-ctx.Done()
	cause := context.Cause(ctx)
	h.Log.Info("stopping", telemetry.Err(cause))
	err = server.stop(ctx, h.Config)
	serving.Wait()
	err = errors.Join(err, runners.stop(h.Config.StopPatience))
	h.Log.Info("stopped")
	if errors.Is(cause, context.Canceled) || errors.Is(cause, ErrSignal) {
		return err
	}
	return errors.Join(cause, err)
}

// CloseAll closes services, the last one first, for [Run] and for whoever built some and then failed.
func CloseAll(services []Service) error {
	var faults []error
	for _, s := range slices.Backward(services) {
		if s.Close == nil {
			continue
		}
		if err := s.Close(); err != nil {
			faults = append(faults, fmt.Errorf("close %s: %w", s.Name, err))
		}
	}
	return errors.Join(faults...)
}

// running are the runners of all services.
type running struct {
	wg     sync.WaitGroup
	cancel context.CancelFunc
	mu     sync.Mutex
	alive  map[string]bool
}

// start starts the runners. Their context is not the process's: they outlive the last request.
func start(ctx context.Context, services []Service, fail context.CancelCauseFunc) *running {
	r := &running{alive: map[string]bool{}}
	ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, s := range services {
		for _, runner := range s.Runners {
			name := s.Name + "/" + runner.Name
			r.alive[name] = true
			r.wg.Go(func() {
				defer r.gone(name)
				if err := watch(ctx, runner); err != nil {
					fail(fmt.Errorf("%s: runner %s: %w", s.Name, runner.Name, err))
				}
			})
		}
	}
	return r
}

var errEnded = errors.New("ended although nobody asked it to")

// watch runs a runner. A panic of one is a reason to stop in good order, not to fall over.
func watch(ctx context.Context, runner Runner) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = telemetry.Panicked(caught)
		}
	}()
	err = runner.Run(ctx)
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return nil
	}
	if err == nil {
		return errEnded
	}
	return err
}

func (r *running) gone(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.alive, name)
}

// stop waits for the runners, and names those that do not stop.
func (r *running) stop(patience time.Duration) error {
	r.cancel()
	stopped := make(chan struct{})
	go func() {
		r.wg.Wait()
		close(stopped)
	}()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-stopped:
		return nil
	case <-timeout.C:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for name := range r.alive {
		names = append(names, name)
	}
	slices.Sort(names)
	return fmt.Errorf("did not stop within %s: %s", patience, strings.Join(names, ", "))
}

// ErrSignal is the cause of a context that a signal ended.
var ErrSignal = errors.New("asked to stop by a signal")

// statusInterrupted is what a shell expects of a program that was interrupted.
const statusInterrupted = 130

// Signals returns a context that ends with SIGINT or SIGTERM. The second signal ends the process at once. Stop gives the
// signals back.
func Signals(parent context.Context, out io.Writer) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-signals:
			_, _ = fmt.Fprintln(out, "stopping; once more to stop at once")
			cancel(ErrSignal)
		case <-done:
			return
		}
		select {
		case <-signals:
			os.Exit(statusInterrupted) //nolint:forbidigo // the second signal asks for exactly this
		case <-done:
		}
	})
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
		wg.Wait()
		cancel(nil)
	})
}
