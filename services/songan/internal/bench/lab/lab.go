// Package lab is the system under test in a process of its own, as a user runs it, and what every measurement does with
// it: look what it costs, wait until it is at rest, make a database beside its own, and write down a figure.
package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// Connections is how many clients there are in every measurement.
const Connections = 64

const (
	// Patience bounds each wait.
	Patience = 10 * time.Minute
	// PollEvery is how often what is waited for is looked at.
	PollEvery = 50 * time.Millisecond

	startPatience = 60 * time.Second
	stopPatience  = 30 * time.Second
)

// Lab is the system under test.
type Lab struct {
	// Dir is removed in the end, with all that the system wrote.
	Dir string
	// Demo is what the system says about itself: addresses, actors, banks.
	Demo onemachine.Demo
	// Client keeps as many connections as there are clients.
	Client *http.Client
	// Took is how long the first start took, on an empty directory, until the system was ready.
	Took time.Duration

	out      io.Writer
	profiles string // a directory, or nothing
	environ  []string
	address  string
	system   *exec.Cmd
}

// New starts the system in a process and a directory of its own. Each start of it leaves a CPU profile in the directory profiles,
// if that is not empty.
func New(ctx context.Context, out io.Writer, profiles string) (_ *Lab, err error) {
	l := &Lab{out: out, profiles: profiles, Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: Connections}}}
	if l.Dir, err = os.MkdirTemp("", "songan-bench-"); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if err := l.settle(ctx); err != nil {
		return nil, err
	}
	l.Took, err = l.start(ctx)
	return l, err
}

// start runs the system, and returns how long it took to be ready.
func (l *Lab) start(ctx context.Context) (time.Duration, error) {
	binary, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find the command: %w", err)
	}
	log, err := os.OpenFile(l.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("open a log: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has it open
	args := []string{"run"}
	if l.profiles != "" {
		args = append(args, "--profile="+filepath.Join(l.profiles, strconv.FormatInt(time.Now().UnixNano(), 10)+".pprof"))
	}
	system := exec.CommandContext(context.WithoutCancel(ctx), binary, args...) //nolint:gosec // ourselves
	system.Stdout, system.Stderr, system.Env = log, log, l.environ
	began := time.Now()
	if err := system.Start(); err != nil {
		return 0, fmt.Errorf("start the system: %w", err)
	}
	l.system = system
	err = l.wait(ctx)
	return time.Since(began), err
}

// Again ends the system with a signal, and starts it on the data that it left. It returns how long it took to be ready.
func (l *Lab) Again(ctx context.Context, signal syscall.Signal) (time.Duration, error) {
	if err := l.end(signal); err != nil {
		return 0, err
	}
	return l.start(ctx)
}

// end sends the system a signal and waits for its end.
func (l *Lab) end(signal syscall.Signal) error {
	system := l.system
	l.system = nil
	timer := time.AfterFunc(stopPatience, func() { _ = system.Process.Kill() })
	defer timer.Stop()
	if err := system.Process.Signal(signal); err != nil {
		return fmt.Errorf("end the system: %w", err)
	}
	err := system.Wait()
	if status, ok := system.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == signal {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the system ended: %w: %s", err, l.lastWords())
	}
	return nil
}

// settle finds the system an environment: this process's, with addresses and a directory of the lab's own. Requests are
// not logged at the level of warnings; a busy installation would do the same.
func (l *Lab) settle(ctx context.Context) error {
	l.environ = append(os.Environ(), "SONGAN_DATA="+filepath.Join(l.Dir, "data"), "SONGAN_LOG_LEVEL=warn")
	for _, name := range []string{"SONGAN_KAFKA", "SONGAN_HTTP"} {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
		l.address = listener.Addr().String() // in the end that of SONGAN_HTTP
		l.environ = append(l.environ, name+"="+l.address)
		if err := listener.Close(); err != nil {
			return fmt.Errorf("free the port: %w", err)
		}
	}
	return nil
}

// wait reads demo.json once the system is ready.
func (l *Lab) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	err := Poll(ctx, func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.address+"/readyz", http.NoBody)
		if err != nil {
			return fmt.Errorf("build the request: %w", err)
		}
		response, err := l.Client.Do(request)
		if err != nil {
			return fmt.Errorf("the system is not there: %w", err)
		}
		if response.StatusCode != http.StatusOK {
			return errors.Join(fmt.Errorf("the system is not ready: status %d", response.StatusCode), response.Body.Close())
		}
		return response.Body.Close()
	})
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(l.Dir, "data", "demo.json"))
	if err != nil {
		return fmt.Errorf("read where the system is: %w", err)
	}
	return json.Unmarshal(data, &l.Demo)
}

// Poll asks every now and then until there is no error, or ctx ends.
func Poll(ctx context.Context, check func() error) error { return PollEach(ctx, PollEvery, check) }

// PollEach is [Poll] with a pause of its own.
func PollEach(ctx context.Context, every time.Duration, check func() error) error {
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(every):
		}
	}
}

// Say tells the user how far it is.
func (l *Lab) Say(format string, args ...any) { _, _ = fmt.Fprintf(l.out, format+"\n", args...) }

// Signal sends the system's own process a signal. Its database server is another process.
func (l *Lab) Signal(signal os.Signal) error {
	if err := l.system.Process.Signal(signal); err != nil {
		return fmt.Errorf("send %s to the system: %w", signal, err)
	}
	return nil
}

// Database is the URL of a database on the system's server.
func (l *Lab) Database(name string) string {
	return strings.Replace(l.Demo.Postgres, "/postgres?", "/"+name+"?", 1)
}

// Fresh makes an empty database on the system's server.
func (l *Lab) Fresh(ctx context.Context, name string) (url string, err error) {
	conn, err := pgx.Connect(ctx, l.Demo.Postgres)
	if err != nil {
		return "", fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if _, err := conn.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	return l.Database(name), nil
}

// Close stops the system and removes what it wrote.
func (l *Lab) Close() error {
	var err error
	if l.system != nil {
		err = l.end(syscall.SIGTERM)
	}
	return errors.Join(err, os.RemoveAll(l.Dir))
}

// lastWords are the last lines of the system's log.
func (l *Lab) lastWords() []byte {
	const lines = 5
	text, _ := os.ReadFile(l.logPath()) // without it there is nothing to quote
	text = bytes.TrimSpace(text)
	from := len(text)
	for range lines {
		from = max(0, bytes.LastIndexByte(text[:from], '\n'))
	}
	return text[from:]
}

func (l *Lab) logPath() string { return filepath.Join(l.Dir, "system.log") }
