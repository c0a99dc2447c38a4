// Package onemachine runs the whole system in one process: database, broker, simulators, all services, and the actors
// of the demo. It is what `make run` starts.
//
//  1. Everything lives in one data directory. A second start goes on where the first one stopped, after kill -9 too.
//  2. DATABASE_URL and KAFKA_BROKERS name a server and a cluster to use instead of the embedded ones.
//  3. /readyz answers 200 only when every service can serve and demo.json is complete.
//  4. What is wrong with the surroundings (a port in use, a foreign directory) is said in one sentence.
package onemachine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/accommodation"
	"github.com/songan-vn/songan/services/identity"
)

// Run runs the system until ctx ends. It writes what a person should know to out, and its log to standard error.
func Run(ctx context.Context, out io.Writer) (err error) {
	began := time.Now()
	debug.SetGCPercent(gcPercent)
	config, err := service.Load[service.Config]()
	if err != nil {
		return err
	}
	if err := dataDir(config.Data); err != nil {
		return err
	}
	cast, err := loadCast(config.Data)
	if err != nil {
		return err
	}
	store, err := openStorage(ctx, config, cast.brokerPassword)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }() //nolint:contextcheck // ctx has ended by then

	deps, closeDeps, err := service.NewDeps(ctx, "songan", store.config)
	if err != nil {
		return err
	}
	defer func() { _ = closeDeps(context.WithoutCancel(ctx)) }() // spans that nobody takes
	deps.Keys = append(deps.Keys, cast.keys)
	deps.Log.Info("songan started", zap.String("data", config.Data))

	m := &machine{
		deps: deps, store: store, cast: cast, out: out, began: began,
		client: &http.Client{Timeout: callTimeout},
	}
	services, err := m.build(ctx)
	if err != nil {
		return err
	}
	host := deps.Host()
	host.Listening = m.listening
	if err := service.Run(ctx, host, services...); err != nil {
		return err
	}
	deps.Log.Info("songan stopped")
	return nil
}

// gcPercent trades memory, of which a machine that runs all this has enough, for a third less garbage collection.
const gcPercent = 400

// machine is one run of the system.
type machine struct {
	deps  service.Deps
	store *storage
	cast  casting
	out   io.Writer
	began time.Time
	// client calls the system's own API.
	client *http.Client

	// population is where the simulated population database answers checks, and populationControl where it is told
	// to misbehave.
	population, populationControl string
	// address is where the services listen; empty until they do.
	address atomic.Value
	// ready is set when demo.json is complete.
	ready atomic.Bool
}

// listening tells the stage where the services are, so that it can set itself.
func (m *machine) listening(at net.Addr) { m.address.Store(at.String()) }

// build makes all services. Those that were made are closed when a later one fails.
func (m *machine) build(ctx context.Context) (services []service.Service, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, service.CloseAll(services))
		}
	}()
	register, err := m.simulators(ctx)
	if err != nil {
		return nil, err
	}
	services = append(services, register)
	for _, b := range []struct {
		name string
		make func(context.Context, service.Deps) (service.Service, error)
	}{
		{accommodation.Name, accommodation.New},
		{identity.Name, m.identity},
	} {
		deps := m.deps.For(b.name)
		if deps.DatabaseURL, err = m.store.database(ctx, b.name); err != nil {
			return services, err
		}
		s, err := b.make(ctx, deps)
		if err != nil {
			return services, fmt.Errorf("%s: %w", b.name, err)
		}
		services = append(services, s)
	}
	return append(services, service.Service{
		Name: "songan", Ready: m.staged,
		Runners: []service.Runner{{Name: "stage", Run: m.stage}, {Name: "postgres", Run: m.store.watch}},
	}), nil
}

// identity finds its two dependencies in this process.
func (m *machine) identity(ctx context.Context, deps service.Deps) (service.Service, error) {
	return identity.NewWith(ctx, deps, identity.Config{
		PopulationURL: m.population, PopulationKey: m.cast.populationKey,
		PeopleURL: "http://" + m.deps.Config.HTTP, PeopleToken: m.cast.actors[identityActor].Token,
		PopulationRate: checksPerSecond, InFlight: checksInFlight,
	})
}

// What two cores can do beside taking notices: checks a second, and at the same time per partition.
const (
	checksPerSecond = 400
	checksInFlight  = 4
)

// staged tells whether the demo's actors can play.
func (m *machine) staged(context.Context) error {
	if !m.ready.Load() {
		return errors.New("the actors of the demo are not ready")
	}
	return nil
}

// demoFile is where the actors find each other.
func (m *machine) demoFile() string { return filepath.Join(m.deps.Config.Data, "demo.json") }
