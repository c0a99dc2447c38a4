// Package postgres starts a PostgreSQL server as a child process, so that a
// clone of this repository runs with one command: no container, no service to
// set up, no root needed and root allowed.
//
// It's a launcher, not a library of its own: it finds the binaries of a real
// server, makes a cluster, and keeps the process. In production DATABASE_URL
// points elsewhere and this package isn't used.
//
// Its rules:
//
//  1. Nothing is downloaded. Binaries are looked for in $PG_BIN, pg_config,
//     PATH, the places of the distributions, and at last in the npm package
//     which `make` installs (see [Find]).
//  2. PostgreSQL refuses to run as root. Started by root it becomes the user
//     postgres or nobody; where these may not reach the folder it runs in a
//     user namespace of its own; where that is forbidden the data goes to a
//     folder below the system's temporary directory.
//  3. A folder belongs to one process at a time (flock), to one major version
//     (PG_VERSION), and to this package: a folder with something else in it
//     is refused, never cleaned.
//  4. The server lives as long as its parent: when the parent dies, even by
//     kill -9, the kernel sends it SIGINT, a fast and clean shutdown. A start
//     that comes too early waits for that shutdown.
//  5. Committed means on disk: fsync, synchronous_commit, full_page_writes and
//     data checksums are on. Only [Options].Volatile, made for tests, turns
//     this off.
//  6. The password is random, made once per cluster and kept beside it, so it
//     survives restarts; it listens on 127.0.0.1 and on a socket that only the
//     owner can reach.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	superuser    = "songan"
	startTimeout = 2 * time.Minute // with a predecessor's shutdown and a recovery
	retryEvery   = 100 * time.Millisecond
	maxSocket    = 107 // sun_path of unix(7) holds 108 bytes with its final zero
)

// Options says where the server lives and how it's set. Only Dir is needed.
type Options struct {
	// Dir is the folder of the server: it's made if absent, and refused if
	// something else is in it.
	Dir string
	// Binaries is the folder with initdb and postgres; empty means [Find].
	Binaries string
	// NPM is where an npm installation of the server may be found (the folder
	// which has node_modules in it); used only if Binaries is empty and the
	// machine has no server of its own.
	NPM string
	// Port on 127.0.0.1; 0 takes a free one, another one at every start.
	Port int
	// Settings are added to the command line, after ours: they win.
	Settings map[string]string
	// Volatile gives up durability for speed: no fsync, no full pages. A crash
	// of the machine may ruin the cluster. For tests.
	Volatile bool
	// Template is a folder in which a fresh cluster is kept and copied from,
	// which takes a third of the time of making one. For tests.
	Template string
	// Log gets the server's own log; nil means server.log in Dir.
	Log io.Writer
}

// Server is a running PostgreSQL which [Start] has started.
type Server struct {
	layout   layout
	process  *process
	port     int
	password string
	folder   string // of the Unix socket; empty when there is none
}

// Start makes the cluster if there is none, starts the server, and returns
// when it accepts connections. Errors are sentences meant for the terminal.
func Start(ctx context.Context, o Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	bin, err := find(ctx, o.Binaries, o.NPM)
	if err != nil {
		return nil, err
	}
	place, err := open(bin, o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{layout: place}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(err, place.lock.Release())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, o Options) error {
	password, err := s.layout.prepare(ctx, o.Template)
	if err != nil {
		return err
	}
	s.password = password
	if o.Port != 0 && taken(ctx, o.Port) {
		return fmt.Errorf("port %d is taken by another process: stop it, or choose another port for PostgreSQL", o.Port)
	}
	for {
		s.port = o.Port
		if s.port == 0 {
			if s.port, err = freePort(ctx); err != nil {
				return err
			}
		}
		s.process, err = launch(ctx, s.layout, s.arguments(o), o.Log)
		if err == nil || !retryable(err, o.Port) {
			return err
		}
		select {
		case <-time.After(retryEvery):
		case <-ctx.Done():
			return err
		}
	}
}

// arguments is the command line: our settings, then the caller's, which win.
func (s *Server) arguments(o Options) []string {
	set := settings(o.Volatile)
	set["unix_socket_directories"] = s.layout.data
	if len(s.socket()) > maxSocket || strings.Contains(s.layout.data, ",") { // a comma parts folders
		set["unix_socket_directories"] = ""
	}
	maps.Copy(set, o.Settings)
	s.folder = set["unix_socket_directories"]
	args := []string{"-D", s.layout.data, "-p", strconv.Itoa(s.port)}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		args = append(args, "-c", name+"="+set[name])
	}
	return args
}

func settings(volatile bool) map[string]string {
	durable := "on"
	if volatile {
		durable = "off"
	}
	return map[string]string{
		"fsync":                   durable,
		"synchronous_commit":      durable,
		"full_page_writes":        durable,
		"listen_addresses":        "127.0.0.1",
		"unix_socket_permissions": "0700",
		"password_encryption":     "scram-sha-256",
		"timezone":                "UTC",
		"logging_collector":       "off",
		// Errors go to the client alone: their texts may hold values, and
		// those may be personal data.
		"log_min_messages":        "log",
		"log_min_error_statement": "panic",
		"log_error_verbosity":     "terse",
		"log_statement":           "none",
	}
}

// socket is the path of the Unix socket.
func (s *Server) socket() string {
	return filepath.Join(s.layout.data, ".s.PGSQL."+strconv.Itoa(s.port))
}

// LocalURL is like [Server.URL], over the Unix socket if there is one, which is less work for the kernel than 127.0.0.1. Only the
// user who runs the server may open the socket.
func (s *Server) LocalURL(database string) string {
	if s.folder == "" {
		return s.URL(database)
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, s.password), Path: "/" + database,
		RawQuery: url.Values{"host": {s.folder}, "port": {strconv.Itoa(s.port)}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}

// URL is the connection string of a database, over 127.0.0.1, with the
// password in it: it's not for logs.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, s.password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// CreateDatabase makes a database if it isn't there; two callers at the same
// time are fine.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var there bool
	err = conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&there)
	if err != nil {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	if there {
		return nil
	}
	_, err = conn.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize())
	if refused := new(pgconn.PgError); errors.As(err, &refused) && (refused.Code == "42P04" || refused.Code == "23505") {
		return nil // another caller was faster: duplicate_database, or its unique index
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// PID is the process id of the server (the postmaster).
func (s *Server) PID() int { return s.process.pid }

// Dir is the cluster's data folder (PGDATA); after the fallback for root it
// isn't below Options.Dir.
func (s *Server) Dir() string { return s.layout.data }

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// Stop shuts down fast and cleanly: open transactions are rolled back, a
// checkpoint is written. When ctx ends before that, the server is killed and
// recovers at its next start; so don't pass the context that Ctrl-C has ended.
func (s *Server) Stop(ctx context.Context) error {
	return errors.Join(s.process.stop(ctx), s.layout.lock.Release())
}

// Kill ends the server as a power cut would, kill -9, and gives the folder
// free. The next Start recovers. For crash tests.
func (s *Server) Kill() {
	s.process.kill()
	s.layout.lock.Release() //nolint:errcheck // a lock file has nothing to flush
}

// taken says whether somebody listens on a port already.
func taken(ctx context.Context, port int) bool {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return true
	}
	return l.Close() != nil
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a tcp listener's address
	if err := l.Close(); err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return port, nil
}
