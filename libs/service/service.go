// Package service starts services and stops them: one in its own process, or all of them in one.
//
//  1. Configuration comes from the environment only, under the same names everywhere; a variable NAME may stand in a file
//     that NAME_FILE names. What is wrong with it is said for all variables at once, without their values.
//  2. A [Service] is an HTTP surface and what runs beside it. It is built by a function from [Deps]; nothing is global.
//  3. A [Runner] deals with its own trouble: it retries, backs off, waits for a database that is away. What it returns
//     is final, and ends the process with a clear cause; a process that runs with a part of itself dead would be worse.
//  4. Stopping has an order: not ready any more, take no new connections, let streams end, finish requests, stop
//     runners, close. Every step has a time limit, and a second signal skips them all.
//  5. /healthz says that the process lives, /readyz that it can serve, /metrics how it is doing.
package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/keybook"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/vn/units"
)

// Service is what a constructor returns.
type Service struct {
	Name string
	// Path under which Handler is mounted; "/<Name>/" when it is empty.
	Path string
	// Handler sees the full path. Nil for a service that has no HTTP surface.
	Handler http.Handler
	// Runners work until the service stops.
	Runners []Runner
	// Ready tells whether the service can serve now; nil when it always can.
	Ready func(context.Context) error
	// Close gives back what the constructor took; nil when there is nothing.
	Close func() error
}

// Runner works until its context ends, and returns nil then. Any other return ends the process.
type Runner struct {
	Name string
	Run  func(context.Context) error
}

// Deps is what a service is built from. It is made once per process.
type Deps struct {
	Config  Config
	Log     *zap.Logger
	Now     func() time.Time
	Metrics *prometheus.Registry
	Tracer  trace.TracerProvider
	// DatabaseURL is the database of this service alone.
	DatabaseURL string
	// Keys are the keyrings that all services accept: those of the operators' file.
	Keys []access.Keyring
	// Proofs are the other ways to show who calls that all services accept: sessions of people, tokens of a provider.
	Proofs []access.Proof
	// Uses notes when keys were last used; nil where there is no database for it.
	Uses *keybook.Uses
	// CutOff tells who was cut off; nil where there is no database for it, and nobody is.
	CutOff CutOff
	// API is complete but for what only the service knows: its titles, Auth, Name and Fingerprint.
	API httpapi.Options
}

// CutOff tells whether one of some people, or holders of keys, was cut off by an administrator at a time or later. A service
// that gives out keys of its own asks it whether who gave one out may still be believed.
type CutOff func(ctx context.Context, since time.Time, people ...string) (bool, error)

// Since asks; where nobody knows, nobody is cut off.
func (c CutOff) Since(ctx context.Context, at time.Time, people ...string) (bool, error) {
	if c == nil {
		return false, nil
	}
	return c(ctx, at, people...)
}

// NewDeps makes what the services of a process share. Close gives it back.
func NewDeps(ctx context.Context, name string, c Config) (d Deps, closeDeps func(context.Context) error, err error) {
	log, err := telemetry.Logger(c.LogLevel, c.LogFormat, nil)
	if err != nil {
		return Deps{}, nil, fmt.Errorf("SONGAN_LOG_LEVEL, SONGAN_LOG_FORMAT: %w", err)
	}
	tracing, err := telemetry.Traces(ctx, name, c.Version)
	if err != nil {
		return Deps{}, nil, fmt.Errorf("start tracing: %w", err)
	}
	d = Deps{
		Config: c, Log: log, Now: time.Now, Metrics: telemetry.Metrics(), Tracer: tracing.Provider(), DatabaseURL: c.DatabaseURL,
	}
	if c.AccessKeys != "" {
		keys, err := access.OpenKeyFile(c.AccessKeys, d.Now, func(err error) {
			log.Warn("the key file cannot be read any more; its keys are those of before", telemetry.Err(err))
		})
		if err != nil {
			return Deps{}, nil, fmt.Errorf("SONGAN_ACCESS_KEYS: %w", err)
		}
		d.Keys = append(d.Keys, keys)
	}
	directory, err := units.Load()
	if err != nil {
		return Deps{}, nil, err
	}
	may, err := policy.Load(policy.Options{Units: directory, Now: d.Now})
	if err != nil {
		return Deps{}, nil, err
	}
	d.API = httpapi.Options{
		Policy: may,
		Log:    log, Now: d.Now, Metrics: d.Metrics, Tracer: d.Tracer, Limits: c.Limits(d.Now), Down: pg.IsDown,
		Pace: pace.New(d.Now, d.Metrics),
	}
	return d, tracing.Shutdown, nil
}

// For returns the dependencies of one service, with its name in log and API.
func (d Deps) For(name string) Deps {
	d.Log = d.Log.Named(name)
	d.API.Log = d.Log
	d.API.Service = name
	return d
}

// FromEnv builds a service with a configuration that it reads from the environment.
func FromEnv[C any](ctx context.Context, deps Deps, build func(context.Context, Deps, C) (Service, error)) (Service, error) {
	config, err := Load[C]()
	if err != nil {
		return Service{}, err
	}
	return build(ctx, deps, config)
}

// Auth returns an authenticator over the service's own keyrings and those of everybody.
func (d Deps) Auth(own ...access.Keyring) *access.Authenticator {
	return access.New(access.Options{
		Now: d.Now, Proofs: d.Proofs, Certified: d.Config.Certified, Used: d.Uses.Note,
	}, append(own, d.Keys...)...)
}

// Host returns what [Run] needs to know.
func (d Deps) Host() Host {
	return Host{Config: d.Config, Log: d.Log, Metrics: d.Metrics, Auth: d.Auth()}
}

// Main runs one service in this process, and ends the process. It is the one statement of cmd/<service>/main.go.
func Main(name string, build func(context.Context, Deps) (Service, error)) {
	if err := runOne(name, build); err != nil {
		fmt.Fprintln(os.Stderr, name+":", telemetry.ErrText(err))
		os.Exit(1) //nolint:forbidigo // this is main for all services
	}
}

func runOne(name string, build func(context.Context, Deps) (Service, error)) (err error) {
	config, err := Load[Config]()
	if err != nil {
		return err
	}
	ctx, stop := Signals(context.Background(), os.Stderr)
	defer stop()
	deps, closeDeps, err := NewDeps(ctx, name, config)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.StopPatience)
		defer cancel()
		_ = closeDeps(ctx) // spans that nobody takes must not turn a good end into a bad one
	}()
	around, err := deps.joinAccess(ctx)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	s, err := build(ctx, deps.For(name))
	if err != nil {
		return errors.Join(fmt.Errorf("start: %w", err), CloseAll(around))
	}
	return Run(ctx, deps.Host(), append(around, s)...)
}
