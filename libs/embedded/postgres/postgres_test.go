package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/embedded/postgres"
)

// start starts a server which ends with the test.
func start(t *testing.T, o postgres.Options) *postgres.Server {
	t.Helper()
	s, err := postgres.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

func stop(t *testing.T, s *postgres.Server) {
	t.Helper()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ask opens a connection for one statement and returns its values in one line.
func ask(ctx context.Context, url, sql string) (string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return "", err
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return strings.Join(values, " "), err
}

func mustAsk(t *testing.T, url, sql string) string {
	t.Helper()
	text, err := ask(t.Context(), url, sql)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system's temporary folder
	ctx := context.Background()
	server, err := postgres.Start(ctx, postgres.Options{Dir: filepath.Join(dir, "postgres")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Kill() // nothing to kill after Stop
	if err := server.CreateDatabase(ctx, "accommodation"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ask(ctx, server.URL("accommodation"), "select 'a bed is free'"))
	fmt.Println(server.Stop(ctx))
	// Output:
	// a bed is free <nil>
	// <nil>
}

func TestAServerKeepsDataAndPasswordThroughARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "postgres")
	began := time.Now()
	s := start(t, postgres.Options{Dir: dir})
	t.Logf("first start: %s", time.Since(began).Round(time.Millisecond))
	mustAsk(t, s.URL("postgres"), "create table kept as select 'here' as text")
	password := keptPassword(t, dir)
	stop(t, s)

	began = time.Now()
	s = start(t, postgres.Options{Dir: dir})
	t.Logf("next start: %s", time.Since(began).Round(time.Millisecond))
	if got := mustAsk(t, s.URL("postgres"), "select text from kept"); got != "here" {
		t.Errorf("after the restart there is %q", got)
	}
	if keptPassword(t, dir) != password || !strings.Contains(s.URL("postgres"), password) {
		t.Error("the password has changed")
	}
}

func keptPassword(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "password")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the password file has mode %o, want 600", info.Mode().Perm())
	}
	return strings.TrimSpace(string(text))
}

func TestAServerIsDurableUnlessAskedOtherwise(t *testing.T) {
	t.Parallel()
	const ask = `select concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'),
		current_setting('full_page_writes'), current_setting('data_checksums'), current_setting('server_encoding'),
		current_setting('password_encryption'), current_setting('work_mem'))`
	for _, c := range []struct {
		name string
		o    postgres.Options
		want string
	}{
		{"by default", postgres.Options{}, "on on on on UTF8 scram-sha-256 4MB"},
		{"volatile", postgres.Options{Volatile: true}, "off off off on UTF8 scram-sha-256 4MB"},
		{"with settings", postgres.Options{Settings: map[string]string{"work_mem": "9MB"}}, "on on on on UTF8 scram-sha-256 9MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Dir, c.o.Template = t.TempDir(), template
			if got := mustAsk(t, start(t, c.o).URL("postgres"), ask); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// template is shared by this package's tests, and by those of testkit.
var template = filepath.Join(os.TempDir(), fmt.Sprintf("songan-test-%d-template", os.Getuid())) //nolint:gochecknoglobals // a constant

func TestAWrongPasswordIsRefusedOnEveryWayIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, postgres.Options{Dir: dir, Template: template})
	ways := map[string]string{"address": s.URL("postgres"), "socket": s.LocalURL("postgres")}
	for way, url := range ways {
		if got := mustAsk(t, url, "select 'in'"); got != "in" {
			t.Errorf("%s: got %q with the right password", way, got)
		}
		_, err := ask(t.Context(), strings.Replace(url, keptPassword(t, dir), "wrong", 1), "select 'in'")
		if err == nil || !strings.Contains(err.Error(), "password authentication failed") {
			t.Errorf("%s: got %v with a wrong password", way, err)
		}
	}
}

func TestDatabasesAreMadeOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	s := start(t, postgres.Options{Dir: t.TempDir(), Template: template, Volatile: true})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := s.CreateDatabase(t.Context(), `an "odd" name`); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := mustAsk(t, s.URL(`an "odd" name`), "select current_database()::text"); got != `an "odd" name` {
		t.Errorf("we're in %q", got)
	}
}

func TestASecondStartInTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, postgres.Options{Dir: dir, Template: template})
	_, err := postgres.Start(t.Context(), postgres.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("another process (%d) has its PostgreSQL in %s", os.Getpid(), dir)) {
		t.Errorf("got %v", err)
	}
	if got := mustAsk(t, s.URL("postgres"), "select 'unharmed'"); got != "unharmed" {
		t.Errorf("the first server says %q", got)
	}
}

func TestDataOfAnotherMajorVersionAreRefusedAndLeftAsTheyAre(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, postgres.Options{Dir: dir, Template: template})
	stop(t, s)
	file := filepath.Join(s.Dir(), "PG_VERSION")
	if err := os.WriteFile(file, []byte("11\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.Start(t.Context(), postgres.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "were made by PostgreSQL 11, but the server found here is ") {
		t.Errorf("got %v", err)
	}
}

func TestAPortInUseIsOneSentence(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = postgres.Start(t.Context(), postgres.Options{Dir: t.TempDir(), Template: template, Port: port})
	want := fmt.Sprintf("port %d is taken by another process: stop it, or choose another port for PostgreSQL", port)
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestAServerThatCannotStartSaysWhyInOneSentence(t *testing.T) {
	t.Parallel()
	for name, log := range map[string]*bytes.Buffer{"into its file": nil, "into a writer": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := postgres.Options{Dir: t.TempDir(), Template: template, Settings: map[string]string{"max_connections": "-1"}}
			if log != nil {
				o.Log = log
			}
			_, err := postgres.Start(t.Context(), o)
			if err == nil || !strings.HasPrefix(err.Error(), "PostgreSQL did not start: ") ||
				!strings.Contains(err.Error(), "max_connections") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
			o.Settings = nil
			start(t, o) // the folder isn't locked or spoilt
		})
	}
}

func TestAStartWhoseContextEndsLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, within := range []time.Duration{0, 10 * time.Millisecond, 40 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		s, err := postgres.Start(ctx, postgres.Options{Dir: dir, Template: template})
		cancel()
		if err == nil {
			stop(t, s) // a fast machine
		} else if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: got %v, want %v", within, err, context.DeadlineExceeded)
		}
	}
	start(t, postgres.Options{Dir: dir, Template: template})
}

func TestWhatAKilledServerHadCommittedIsThereAfterTheNextStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, postgres.Options{Dir: dir, Template: template})
	mustAsk(t, s.URL("postgres"), "create table kept (n int)")
	for n := range 3 {
		mustAsk(t, s.URL("postgres"), "insert into kept values (1)")
		s.Kill()
		<-s.Done()
		if err := s.Stop(t.Context()); err == nil {
			t.Error("a killed server could be stopped")
		}
		s = start(t, postgres.Options{Dir: dir})
		if got, want := mustAsk(t, s.URL("postgres"), "select count(*)::text from kept"), fmt.Sprint(n+1); got != want {
			t.Errorf("after kill %d there are %s rows, want %s", n+1, got, want)
		}
	}
}

func TestAServerEndsCleanlyWhenItsParentIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startParent(t, dir)
	mustAsk(t, p.url, "create table kept as select 'here' as text")
	p.kill9(t)
	eventually(t, 20*time.Second, func() error {
		if err := syscall.Kill(p.pid, 0); !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("the server (process %d) still runs: %w", p.pid, err)
		}
		return nil
	})
	log, err := os.ReadFile(filepath.Join(dir, "server.log"))
	if err != nil || !strings.Contains(string(log), "database system is shut down") {
		t.Errorf("the log doesn't tell of a clean shutdown (%v):\n%s", err, log)
	}
	s := start(t, postgres.Options{Dir: dir})
	if got := mustAsk(t, s.URL("postgres"), "select text from kept"); got != "here" {
		t.Errorf("after the restart there is %q", got)
	}
}

func TestAStartRightAfterTheParentsDeathWaitsForItsServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 3 {
		p := startParent(t, dir)
		mustAsk(t, p.url, "create table if not exists kept (n int)")
		mustAsk(t, p.url, "insert into kept values (1)")
		p.kill9(t)
		// The lock ends with the process, its server a moment later.
		var s *postgres.Server
		eventually(t, 20*time.Second, func() (err error) {
			s, err = postgres.Start(t.Context(), postgres.Options{Dir: dir})
			return err
		})
		if got, want := mustAsk(t, s.URL("postgres"), "select count(*)::text from kept"), fmt.Sprint(round+1); got != want {
			t.Errorf("round %d: %s rows, want %s", round, got, want)
		}
		stop(t, s)
	}
}

func TestACrashWhileTheClusterIsMadeLeavesNoHalfCluster(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, postgres.Options{Dir: dir, Template: template})
	stop(t, s)
	// As if the process had died within initdb: data is still under its first name.
	if err := os.Rename(s.Dir(), filepath.Join(dir, "data.new-data")); err != nil {
		t.Fatal(err)
	}
	s = start(t, postgres.Options{Dir: dir, Template: template})
	if got := mustAsk(t, s.URL("postgres"), "select 'fresh'"); got != "fresh" {
		t.Errorf("got %q", got)
	}
}
