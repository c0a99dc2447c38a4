package testkit

import (
	"context"
	"crypto/rand"
	"fmt"
	random "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/songan-vn/songan/libs/embedded/kafka"
	"github.com/songan-vn/songan/libs/embedded/postgres"
)

// OwnPostgres is a server of the test's own, durable as in production. The
// embedded [postgres.Server] has URL, PID and Kill; the database "songan" is there.
type OwnPostgres struct {
	*postgres.Server
	options postgres.Options
}

// DurablePostgres starts a server with fsync on, stopped at the test's end:
// for benchmarks (its URL can be given to pgbench) and for tests which kill it.
func DurablePostgres(t testing.TB, settings map[string]string) *OwnPostgres {
	t.Helper()
	home := ownFolder(t)
	own := &OwnPostgres{options: postgres.Options{
		Dir:      filepath.Join(home.dir, "postgres"),
		NPM:      npmFolder(),
		Template: templateFolder(),
		Port:     freePort(t),
		Settings: settings,
	}}
	own.Start(t)
	t.Cleanup(func() { own.Kill() })
	ctx, cancel := context.WithTimeout(context.Background(), pgTimeout)
	defer cancel()
	if err := own.CreateDatabase(ctx, "songan"); err != nil {
		t.Fatal(err)
	}
	return own
}

// Start brings a killed or stopped server back, under the same URL.
func (p *OwnPostgres) Start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), pgTimeout)
	defer cancel()
	server, err := postgres.Start(ctx, p.options)
	if err != nil {
		t.Fatalf("start the test's PostgreSQL: %v", err)
	}
	p.Server = server
}

// OwnBroker is a broker of the test's own: durable, always the embedded one, whatever
// SONGAN_TEST_KAFKA says, because it can be stopped and started again.
type OwnBroker struct {
	Broker
	options kafka.Options
	running *kafka.Broker
}

// NewBroker starts an [OwnBroker], closed at the test's end. Further accounts,
// without the super user's powers, may be given.
func NewBroker(t testing.TB, users ...kafka.User) *OwnBroker {
	t.Helper()
	home := ownFolder(t)
	super := kafka.User{Name: "songan", Password: rand.Text(), Super: true}
	addr := FreeAddress(t)
	public, err := account([]string{addr}, super.Name, super.Password)
	if err != nil {
		t.Fatal(err)
	}
	own := &OwnBroker{Broker: public, options: kafka.Options{
		Dir: filepath.Join(home.dir, "kafka"), Addr: addr, Users: append(users, super),
	}}
	own.Start(t)
	t.Cleanup(func() {
		public.Transport.CloseIdleConnections()
		own.Stop(t)
	})
	return own
}

// Start brings a stopped broker back, at the same address, with its log.
func (b *OwnBroker) Start(t testing.TB) {
	t.Helper()
	running, err := kafka.Start(b.options)
	if err != nil {
		t.Fatalf("start the test's Kafka broker: %v", err)
	}
	b.running = running
}

// Stop ends the broker and all connections to it.
func (b *OwnBroker) Stop(t testing.TB) {
	t.Helper()
	if err := b.running.Close(); err != nil {
		t.Errorf("stop the test's Kafka broker: %v", err)
	}
}

// ownFolder is removed when the test, and what runs in it, has ended.
func ownFolder(t testing.TB) *folder {
	t.Helper()
	home, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.leave(); err != nil {
			t.Errorf("leave the test's folder: %v", err)
		}
	})
	return home
}

// FreeAddress is an address of this machine for a server that is stopped and started again, and comes back to it. It lies below
// the ports that connections get: while the server is down, one of those would take its place. No other test gets the same before
// this one has ended, in this process or in another one that has the same place for temporary files.
func FreeAddress(t testing.TB) string {
	t.Helper()
	const first, ports, tries = 20_000, 12_000, 100
	var config net.ListenConfig
	var err error
	for range tries {
		port := strconv.Itoa(first + random.IntN(ports)) //nolint:gosec // nothing is secret about it
		var hold *os.File
		if hold, err = reserve(port); err != nil {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", port)
		var l net.Listener
		if l, err = config.Listen(context.Background(), "tcp", address); err != nil {
			_ = hold.Close()
			continue
		}
		_ = l.Close()
		t.Cleanup(func() { _ = hold.Close() })
		return address
	}
	t.Fatalf("find a free port: %v", err)
	return ""
}

// reserve keeps other tests away from a port until the file is closed, or its process has ended: the server may take a while to
// listen there. The files stay, and are empty.
func reserve(port string) (*os.File, error) {
	ports := filepath.Join(os.TempDir(), "songan-test-"+strconv.Itoa(os.Getuid())+"-ports")
	if err := os.MkdirAll(ports, 0o700); err != nil {
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	hold, err := lock(filepath.Join(ports, port), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil, fmt.Errorf("reserve port %s: %w", port, err)
	}
	return hold, nil
}

// freePort is that of a free address.
func freePort(t testing.TB) int {
	t.Helper()
	_, port, err := net.SplitHostPort(FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return number
}
