// Package onemachine runs the whole system in one process: database, broker, simulators, all services, and the actors
// of the demo. It is what `make run` starts.
//
//  1. Everything lives in one data directory. A second start goes on where the first one stopped, after kill -9 too.
//  2. DATABASE_URL and KAFKA_BROKERS name a server and a cluster to use instead of the embedded ones.
//  3. With SONGAN_OIDC_ISSUER real people sign in: no key, login or facility of the demo exists.
//  4. /readyz answers 200 only when every service can serve and demo.json is complete.
//  5. What is wrong with the surroundings (a port in use, a foreign directory) is said in one sentence.
package onemachine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access/signin"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/accommodation"
	"github.com/songan-vn/songan/services/accounts"
	"github.com/songan-vn/songan/services/bankgateway"
	"github.com/songan-vn/songan/services/disbursement"
	"github.com/songan-vn/songan/services/identity"
)

// Run runs the system until ctx ends. It writes what a person should know to out, and its log to standard error.
func Run(ctx context.Context, out io.Writer) (err error) {
	began := time.Now()
	go KeepHeap(ctx)
	config, err := service.Load[service.Config]()
	if err != nil {
		return err
	}
	if err := dataDir(config.Data); err != nil {
		return err
	}
	cast, err := castFor(config)
	if err != nil {
		return err
	}
	store, err := openStorage(ctx, config, cast)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }() //nolint:contextcheck // ctx has ended by then

	deps, closeDeps, err := service.NewDeps(ctx, "songan", store.config)
	if err != nil {
		return fmt.Errorf("prepare what services share: %w", err)
	}
	defer func() { _ = closeDeps(context.WithoutCancel(ctx)) }() // spans that nobody takes
	deps.Keys = append(deps.Keys, cast.keys)
	deps.Log.Info("songan started", zap.String("data", config.Data))

	m := &machine{
		deps: deps, store: store, cast: cast, out: out, began: began,
		client: &http.Client{Timeout: callTimeout}, banks: map[string]Bank{},
	}
	services, err := m.build(ctx)
	if err != nil {
		return err
	}
	host := m.deps.Host()
	host.Listening = m.listening
	if err := service.Run(ctx, host, services...); err != nil {
		return err
	}
	deps.Log.Info("songan stopped")
	return nil
}

// castFor is the cast of the demo, or what is left of it where a provider is configured that knows real people.
func castFor(config service.Config) (casting, error) {
	cast, err := loadCast(config.Data, config.Topics)
	if err != nil {
		return casting{}, err
	}
	people, err := service.Load[signin.Config]()
	if err != nil {
		return casting{}, err
	}
	if people.Issuer != "" {
		cast = cast.withoutActors()
	}
	return cast, nil
}

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
	// banks are the simulated banks by BIC.
	banks map[string]Bank
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
	auth, err := m.signIn(ctx)
	if err != nil {
		return services, fmt.Errorf("sign-in: %w", err)
	}
	services = append(services, auth...)
	for _, b := range []struct {
		name string
		make func(context.Context, service.Deps) (service.Service, error)
	}{
		{accommodation.Name, accommodation.New},
		{accounts.Name, m.accounts},
		{identity.Name, m.identity},
		{bankgateway.Name, m.bankgateway},
		{disbursement.Name, m.disbursement},
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

// here is where the services of this process reach one another.
func (m *machine) here() string { return "http://" + m.deps.Config.HTTP }

// identity finds its dependencies in this process.
func (m *machine) identity(ctx context.Context, deps service.Deps) (service.Service, error) {
	return identity.NewWith(ctx, deps, identity.Config{
		PopulationURL: m.population, PopulationKey: m.cast.populationKey,
		PeopleURL: m.here(), PeopleToken: m.cast.token(identity.Name),
		AccountsURL: m.here(), AccountsToken: m.cast.token(identity.Name),
		PopulationRate: checksPerSecond, InFlight: checksInFlight,
	})
}

// accounts finds disbursement and the bank gateway in this process.
func (m *machine) accounts(ctx context.Context, deps service.Deps) (service.Service, error) {
	return accounts.NewWith(ctx, deps, accounts.Config{
		DisbursementURL: m.here(), DisbursementToken: m.cast.token(accounts.Name),
		GatewayURL: m.here(), GatewayToken: m.cast.token(accounts.Name),
	})
}

// bankgateway knows the banks of the demo. Their users exist already at the embedded broker, and are made here at a
// cluster.
func (m *machine) bankgateway(ctx context.Context, deps service.Deps) (service.Service, error) {
	environment := environ()
	environment["SONGAN_BANKS"] = strings.Join(Banks(), ",")
	environment["SONGAN_ACCOUNTS_URL"], environment["SONGAN_ACCOUNTS_TOKEN"] = m.here(), m.cast.token(bankgateway.Name)
	config, err := service.LoadFrom[bankgateway.Config](environment)
	if err != nil {
		return service.Service{}, err
	}
	config.BankGrants, config.BankPasswords, config.InFlight = true, map[string]string{}, reportsInFlight
	for _, bic := range Banks() {
		config.BankPasswords[bic] = m.cast.actors["bank_"+bic].KafkaPassword
	}
	return bankgateway.NewWith(ctx, deps, config)
}

// environ are the variables of this process, to be overwritten by what it knows itself.
func environ() map[string]string {
	environment := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		environment[name] = value
	}
	return environment
}

// disbursement finds accounts in this process.
func (m *machine) disbursement(ctx context.Context, deps service.Deps) (service.Service, error) {
	environment := environ()
	environment["SONGAN_ACCOUNTS_URL"], environment["SONGAN_ACCOUNTS_TOKEN"] = m.here(), m.cast.token(disbursement.Name)
	config, err := service.LoadFrom[disbursement.Config](environment)
	if err != nil {
		return service.Service{}, err
	}
	return disbursement.NewWith(ctx, deps, config)
}

// What two cores can do beside taking notices: checks a second, and at the same time per partition.
const (
	checksPerSecond = 400
	checksInFlight  = 4
	// reportsInFlight is how many reports of a bank are handled at the same time, per partition.
	reportsInFlight = 64
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
