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

	out    io.Writer
	system *exec.Cmd
}

// New starts the system in a process and a directory of its own.
func New(ctx context.Context, out io.Writer) (_ *Lab, err error) {
	l := &Lab{out: out, Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: Connections}}}
	if l.Dir, err = os.MkdirTemp("", "songan-bench-"); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	binary, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the command: %w", err)
	}
	log, err := os.Create(l.logPath())
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has it open
	l.system = exec.CommandContext(context.WithoutCancel(ctx), binary, "run")
	l.system.Stdout, l.system.Stderr = log, log
	l.system.Env, err = environment(ctx, l.Dir)
	if err != nil {
		return nil, err
	}
	if err := l.system.Start(); err != nil {
		return nil, fmt.Errorf("start the system: %w", err)
	}
	return l, l.wait(ctx)
}

// environment is this process's, with addresses and a directory of the lab's own. Requests are not logged at the
// level of warnings; a busy installation would do the same.
func environment(ctx context.Context, dir string) ([]string, error) {
	env := append(os.Environ(), "SONGAN_DATA="+filepath.Join(dir, "data"), "SONGAN_LOG_LEVEL=warn")
	for _, name := range []string{"SONGAN_HTTP", "SONGAN_KAFKA"} {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		env = append(env, name+"="+listener.Addr().String())
		if err := listener.Close(); err != nil {
			return nil, fmt.Errorf("free the port: %w", err)
		}
	}
	return env, nil
}

// wait reads demo.json once it is complete.
func (l *Lab) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return Poll(ctx, func() error {
		data, err := os.ReadFile(filepath.Join(l.Dir, "data", "demo.json"))
		if err != nil {
			return fmt.Errorf("the system is not ready: %w", err)
		}
		return json.Unmarshal(data, &l.Demo)
	})
}

// Poll asks until there is no error, or ctx ends.
func Poll(ctx context.Context, check func() error) error {
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(PollEvery):
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
	if l.system != nil && l.system.Process != nil {
		timer := time.AfterFunc(stopPatience, func() { _ = l.system.Process.Kill() })
		defer timer.Stop()
		err = errors.Join(l.system.Process.Signal(syscall.SIGTERM), l.system.Wait())
	}
	if err != nil {
		err = fmt.Errorf("the system ended: %w: %s", err, l.lastWords())
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
