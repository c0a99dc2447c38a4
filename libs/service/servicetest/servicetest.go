// Package servicetest runs a service as its clients see it: over HTTP, on a database and topics of its own, with a clock
// that the test turns and staff who have keys. Only tests import it.
//
//		s := servicetest.Prepare(t, servicetest.Options{Name: accounts.Name, At: noon, Staff: staff()})
//		t.Cleanup(s.Start(t, accounts.New))
//		s.Post(t, "maker", "/beneficiaries", "key-1", body).Want(t, http.StatusCreated)
//
//	 1. What Start returns stops the service; another Start goes on with the same data, keys and tokens.
//	 2. Calls never fail the test for their status. What a test wants of an answer it says.
package servicetest

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/testkit"
)

// Options say which service it is.
type Options struct {
	// Name is that of the service, with which its routes begin.
	Name string
	// At is when the test begins.
	At time.Time
	// Staff are those who have keys from the start, by the names that calls give.
	Staff map[string]access.Principal
}

// Service is a service under test. The address is that of the latest start.
type Service struct {
	Pool   *pgxpool.Pool
	Clock  *testkit.Clock
	Config service.Config

	name   string
	keys   access.StaticKeyring
	server *httptest.Server

	mu     sync.Mutex // parallel subtests hand out keys of their own
	tokens map[string]string
}

// Prepare makes a database and topics, and starts nothing.
func Prepare(t testing.TB, o Options) *Service {
	t.Helper()
	broker := testkit.Kafka(t)
	config, err := service.LoadFrom[service.Config](map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	config.Data, config.DatabaseURL = t.TempDir(), testkit.PostgresURL(t)
	config.Brokers, config.KafkaUser, config.KafkaPassword = broker.Addrs, broker.User, broker.Password
	config.Topics, config.LogLevel = fmt.Sprintf("%s%d", o.Name, time.Now().UnixNano()), "warn"
	testkit.TopicsOf(t, broker, config.Topics)
	s := &Service{
		Clock: testkit.NewClock(o.At), Config: config, name: o.Name, keys: access.StaticKeyring{}, tokens: map[string]string{},
	}
	for actor, principal := range o.Staff {
		token, key := access.Generate(principal)
		s.keys[key.ID], s.tokens[actor] = key, token
	}
	s.Pool, err = pgxpool.New(t.Context(), config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Pool.Close)
	return s
}

// Start runs the service until the function that it returns is called, and returns when it is ready.
func (s *Service) Start(t testing.TB, open func(context.Context, service.Deps) (service.Service, error)) (stop func()) {
	t.Helper()
	deps, closeDeps, err := service.NewDeps(t.Context(), "test", s.Config)
	if err != nil {
		t.Fatal(err)
	}
	deps.Now, deps.API.Now = s.Clock.Now, s.Clock.Now
	deps.Keys = append(deps.Keys, s.keys)
	opened, err := open(t.Context(), deps.For(s.name))
	if err != nil {
		t.Fatal(err)
	}
	rest := run(t, s.name, opened.Runners)
	server := httptest.NewServer(opened.Handler)
	s.server = server
	stop = sync.OnceFunc(func() {
		server.Close()
		rest()
		if err := service.CloseAll([]service.Service{opened}); err != nil {
			t.Error(err)
		}
		_ = closeDeps(context.Background()) // spans that nobody takes
	})
	t.Cleanup(stop) // when it does not become ready
	if opened.Ready != nil {
		testkit.Eventually(t, func() error { return opened.Ready(t.Context()) })
	}
	return stop
}

// run runs what a service does in the background until the function that it returns is called.
func run(t testing.TB, name string, runners []service.Runner) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, r := range runners {
		running.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Errorf("runner %s of %s: %v", r.Name, name, err)
			}
		})
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// Token is what an actor calls with.
func (s *Service) Token(actor string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[actor]
}

// Hand gives an actor a token that the service has made.
func (s *Service) Hand(actor, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[actor] = token
}
