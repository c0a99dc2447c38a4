package testkit

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	keptLines  = 1 << 16 // lines of a child which a test doesn't read
	childGrace = 10 * time.Second
)

// Process is a second process of the test binary, which plays a role.
type Process struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines chan string
	ended chan struct{}
	err   error // of Wait, valid after ended
	mu    sync.Mutex
	said  strings.Builder // stderr
}

// Child starts the test binary once more, to play one of the [Roles] given to
// [Main]. What it writes to stdout comes line by line out of [Process.Line];
// its stderr goes to the test's log if the test fails. It dies with the test,
// and with the test process however that ends.
func Child(t testing.TB, role string, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, lines: make(chan string, keptLines), ended: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0]) //nolint:gosec,noctx // this very binary; Cleanup ends it
	p.cmd.Env = append(os.Environ(), envRole+"="+strings.Join(append([]string{role}, args...), roleSeparator))
	p.cmd.SysProcAttr = childAttributes()
	p.cmd.Stderr = (*stderr)(p)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("start the child %s: %v", role, err)
	}
	if err := p.run(stdout); err != nil {
		t.Fatalf("start the child %s: %v", role, err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() && p.Stderr() != "" {
			t.Logf("the child %s said:\n%s", role, p.Stderr())
		}
	})
	return p
}

// run starts the process and reads its lines until it ends. The goroutine
// keeps its thread, which the kernel's death signal follows.
func (p *Process) run(stdout io.Reader) error {
	started := make(chan error)
	go func() {
		lockThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			p.lines <- scanner.Text()
		}
		close(p.lines)
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return <-started
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Line returns the child's next line of output; a child which ends or says
// nothing within the time ends the test.
func (p *Process) Line(within time.Duration) string {
	p.t.Helper()
	select {
	case line, more := <-p.lines:
		if !more {
			<-p.ended // and has said everything
			p.t.Fatalf("the child ended instead of saying something: %s", p.Stderr())
		}
		return line
	case <-time.After(within):
		p.t.Fatalf("the child said nothing for %s", within)
		return ""
	}
}

// Stderr is what the child has written to stderr so far.
func (p *Process) Stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// Kill is kill -9; it returns when the process is gone. Killing a child which
// has ended is fine.
func (p *Process) Kill() {
	p.cmd.Process.Kill() //nolint:errcheck // an error says that it's gone
	p.drain()
}

// Stop asks the child to end (SIGTERM) and returns how it did; one that
// doesn't within ten seconds is killed.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.AfterFunc(childGrace, func() { p.cmd.Process.Kill() }) //nolint:errcheck // see Kill
	defer timer.Stop()
	p.drain()
	return p.err
}

// Wait returns how the child ended by itself; one that doesn't end within the
// time ends the test.
func (p *Process) Wait(within time.Duration) error {
	p.t.Helper()
	go func() { // ends with the child, at the latest when Cleanup kills it
		for range p.lines { // nobody wants them any more
		}
	}()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(within):
		p.t.Fatalf("the child didn't end within %s", within)
		return nil
	}
}

// drain drops what nobody reads, until the child has ended.
func (p *Process) drain() {
	for range p.lines { // until it's closed
	}
	<-p.ended
}

// stderr collects what a child writes.
type stderr Process

// Write keeps the text.
func (w *stderr) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.Write(text)
}
