package testkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/embedded/postgres"
)

const (
	envDatabase    = "SONGAN_TEST_DATABASE"
	database       = "songan_test"
	poolConns      = 16
	maxConnections = "400" // parallel tests with a pool each
	pgTimeout      = 60 * time.Second
)

// server is the PostgreSQL of this test process.
type server struct {
	once sync.Once
	url  string
	err  error
	pg   *postgres.Server // nil if the server was given by the environment
	home *folder
}

// Postgres returns a pool on a fresh schema: its search_path is that schema
// and public. The schema is dropped when the test ends; a connection which the
// test hasn't given back by then fails it.
func Postgres(t testing.TB) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(PostgresURL(t))
	if err != nil {
		t.Fatalf("read the test database's URL: %v", err)
	}
	config.MaxConns = poolConns
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(func() { closePool(t, pool) })
	return pool
}

func closePool(t testing.TB, pool *pgxpool.Pool) {
	closed := make(chan struct{})
	go func() { pool.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Errorf("the test ended with %d connections of its pool still in use", pool.Stat().AcquiredConns())
	}
}

// PostgresURL is [Postgres] for those who open their own pool or run in
// another process: a connection URL whose search_path is a fresh schema and
// public.
func PostgresURL(t testing.TB) string {
	t.Helper()
	base := shared.postgres.start(t)
	schema := schemaName(t.Name())
	execute(t, base, "create schema "+schema)
	t.Cleanup(func() { execute(t, base, "drop schema if exists "+schema+" cascade") })
	return withSchema(t, base, schema)
}

// start starts the server once; every later caller gets the same answer.
func (s *server) start(t testing.TB) string {
	t.Helper()
	s.once.Do(func() { s.err = s.launch() })
	if s.err != nil {
		t.Fatalf("start PostgreSQL for the tests: %v", s.err)
	}
	return s.url
}

func (s *server) launch() (err error) {
	if s.url = os.Getenv(envDatabase); s.url != "" {
		return nil
	}
	if s.home, err = newFolder(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), pgTimeout)
	defer cancel()
	s.pg, err = postgres.Start(ctx, postgres.Options{
		Dir:      filepath.Join(s.home.dir, "postgres"),
		NPM:      npmFolder(),
		Template: templateFolder(),
		Volatile: true,
		Settings: map[string]string{"max_connections": maxConnections, "shared_buffers": "64MB"},
	})
	if err != nil {
		return err
	}
	s.url = s.pg.URL(database)
	return s.pg.CreateDatabase(ctx, database)
}

// stop ends the server, if one was started.
func (s *server) stop() error {
	if s.pg == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), pgTimeout)
	defer cancel()
	return errors.Join(s.pg.Stop(ctx), s.home.leave())
}

// templateFolder keeps a fresh cluster for all test processes of this user.
func templateFolder() string {
	return filepath.Join(os.TempDir(), "songan-test-"+strconv.Itoa(os.Getuid())+"-template")
}

// npmFolder is tools/postgres of the repository, which lies above the folder
// that a test runs in.
func npmFolder() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		tools := filepath.Join(dir, "tools", "postgres")
		if _, err := os.Stat(filepath.Join(tools, "package.json")); err == nil {
			return tools
		}
	}
	return ""
}

var unfit = regexp.MustCompile(`[^a-z0-9]+`)

// schemaName is readable, so that a test can be found in a log, and unique.
func schemaName(test string) string {
	name := strings.Trim(unfit.ReplaceAllString(strings.ToLower(test), "_"), "_")
	return "t_" + name[:min(len(name), 40)] + "_" + strings.ToLower(rand.Text()[:10])
}

func withSchema(t testing.TB, base, schema string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("read the test database's URL: %v", err)
	}
	query := u.Query()
	query.Set("options", fmt.Sprintf("-c search_path=%s,public", schema))
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // libpq takes + for a plus
	return u.String()
}

func execute(t testing.TB, at, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), pgTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, at)
	if err != nil {
		t.Errorf("connect to the test database: %v", err)
		return
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
}
