package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/embedded/postgres"
)

const envParent = "SONGAN_TEST_PARENT" // the folder of a server to start and hold

// TestMain makes this binary a parent process which a test may kill.
func TestMain(m *testing.M) {
	if dir := os.Getenv(envParent); dir != "" {
		os.Exit(hold(dir))
	}
	os.Exit(m.Run())
}

// hold starts a server, says its process id and URL, and waits to be killed.
func hold(dir string) int {
	s, err := postgres.Start(context.Background(), postgres.Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.PID(), s.URL("postgres"))
	<-s.Done()
	return 0
}

// parent is a process that holds a server.
type parent struct {
	cmd *exec.Cmd
	pid int // of the server
	url string
}

func startParent(t *testing.T, dir string) parent {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:noctx // the test kills it
	cmd.Env = append(os.Environ(), envParent+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() }) //nolint:errcheck // it's killed already
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the parent process didn't start its server: %v", err)
	}
	p := parent{cmd: cmd}
	if _, err := fmt.Sscan(line, &p.pid, &p.url); err != nil {
		t.Fatalf("the parent process said %q", strings.TrimSpace(line))
	}
	return p
}

func (p parent) kill9(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}

// eventually polls; this module can't use libs/testkit, which uses it.
func eventually(t *testing.T, within time.Duration, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still not so after %s: %v", within, err)
		}
	}
}
