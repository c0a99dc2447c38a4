package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	pollEvery = 5 * time.Millisecond
	keptHead  = 16 << 10 // bytes of the log looked at when a start fails
	maxLog    = 10 << 20 // a log larger than this begins anew at the next start
)

// process is a running postmaster. Signals go through os.Process, which knows
// when the process is gone and its id perhaps somebody else's.
type process struct {
	cmd  *exec.Cmd
	pid  int
	done chan struct{}
	err  error // of Wait, valid after done
}

// startError is a postmaster that ended before it was ready, with its last
// words. PostgreSQL writes them without values of ours.
type startError struct{ log string }

func (e *startError) Error() string {
	lines := strings.Split(strings.TrimSpace(e.log), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if _, said, found := strings.Cut(lines[i], "FATAL:"); found {
			return "PostgreSQL did not start: " + strings.TrimSpace(said)
		}
	}
	return "PostgreSQL did not start: " + lastLine(e.log)
}

// retryable says whether a failed start is worth another try: a predecessor is
// still shutting down, or somebody took the free port we had found.
func retryable(err error, fixedPort int) bool {
	failed := new(startError)
	if !errors.As(err, &failed) {
		return false
	}
	predecessor := strings.Contains(failed.log, "pre-existing shared memory block") ||
		strings.Contains(failed.log, `lock file "postmaster.pid" already exists`)
	portTaken := fixedPort == 0 && strings.Contains(failed.log, "could not bind")
	return predecessor || portTaken
}

// launch starts the postmaster and waits until it accepts connections.
func launch(ctx context.Context, l layout, args []string, to io.Writer) (*process, error) {
	out, err := l.output(to)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(l.bin.dir, "postgres"), args...) //nolint:gosec,noctx // it outlives ctx
	cmd.Dir, cmd.Env = "/", environment()
	cmd.Stdout, cmd.Stderr = out.writer(), out.writer()
	cmd.SysProcAttr = l.as.attributes()
	dieWithParent(cmd.SysProcAttr)
	p := &process{cmd: cmd, done: make(chan struct{})}
	if err := p.run(); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), out.close())
	}
	err = p.ready(ctx, l.data)
	if errors.Is(err, errEnded) {
		err = &startError{log: out.head()}
	}
	if err != nil {
		p.kill()
		return nil, errors.Join(err, out.close())
	}
	return p, out.close()
}

// run starts the child on a thread which lives until the child ends: the
// kernel's death signal follows the thread, not the process.
func (p *process) run() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := p.cmd.Start()
		if err == nil {
			p.pid = p.cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return <-started
}

var errEnded = errors.New("the server ended")

// ready waits until postmaster.pid, which the server rewrites in every phase,
// says "ready" under our process id.
func (p *process) ready(ctx context.Context, data string) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(filepath.Join(data, "postmaster.pid")); err == nil && p.isReady(string(text)) {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL: %w", context.Cause(ctx))
		}
	}
}

func (p *process) isReady(pidFile string) bool {
	lines := strings.Split(pidFile, "\n")
	return len(lines) >= 8 && lines[0] == strconv.Itoa(p.pid) && strings.TrimSpace(lines[7]) == "ready"
}

// stop asks for a fast shutdown and waits; when ctx ends first, it kills.
func (p *process) stop(ctx context.Context) error {
	err := p.cmd.Process.Signal(syscall.SIGINT)
	if errors.Is(err, os.ErrProcessDone) {
		return errors.New("PostgreSQL had already ended")
	}
	if err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case <-p.done:
		if p.err != nil {
			return fmt.Errorf("stop PostgreSQL: %w", p.err)
		}
		return nil
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("stop PostgreSQL in time, killed it: %w", context.Cause(ctx))
	}
}

// kill ends the postmaster at once; its children notice and follow.
func (p *process) kill() {
	p.cmd.Process.Kill() //nolint:errcheck // an error says that it's gone already
	<-p.done
}
