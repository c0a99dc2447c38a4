package bench

import (
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

const (
	startPatience = 60 * time.Second
	stopPatience  = 30 * time.Second
	pollEvery     = 50 * time.Millisecond
)

// lab is the system under test, and what the measurements share.
type lab struct {
	args   Args
	out    io.Writer
	dir    string
	system *exec.Cmd
	demo   onemachine.Demo
	client *http.Client

	// baseline is pgbench's single-row inserts per second; measured once.
	baseline float64
}

// newLab starts the system in a process and a directory of its own.
func newLab(ctx context.Context, args Args, out io.Writer) (_ *lab, err error) {
	l := &lab{args: args, out: out, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}}
	if l.dir, err = os.MkdirTemp("", "songan-bench-"); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	binary, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the command: %w", err)
	}
	log, err := os.Create(filepath.Join(l.dir, "system.log"))
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has it open
	l.system = exec.CommandContext(context.WithoutCancel(ctx), binary, "run")
	l.system.Stdout, l.system.Stderr = log, log
	l.system.Env, err = environment(ctx, l.dir)
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
func (l *lab) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return poll(ctx, func() error {
		data, err := os.ReadFile(filepath.Join(l.dir, "data", "demo.json"))
		if err != nil {
			return fmt.Errorf("the system is not ready: %w", err)
		}
		return json.Unmarshal(data, &l.demo)
	})
}

// poll asks until there is no error, or ctx ends.
func poll(ctx context.Context, check func() error) error {
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pollEvery):
		}
	}
}

func (l *lab) say(format string, args ...any) { _, _ = fmt.Fprintf(l.out, format+"\n", args...) }

// duration is how long one measurement takes.
func (l *lab) duration() time.Duration { return time.Duration(l.args.Seconds) * time.Second }

// database is the URL of a database on the system's server.
func (l *lab) database(name string) string {
	return strings.Replace(l.demo.Postgres, "/postgres?", "/"+name+"?", 1)
}

// fresh makes an empty database on the system's server.
func (l *lab) fresh(ctx context.Context, name string) (url string, err error) {
	conn, err := pgx.Connect(ctx, l.demo.Postgres)
	if err != nil {
		return "", fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if _, err := conn.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	return l.database(name), nil
}

// close stops the system and removes what it wrote.
func (l *lab) close() error {
	var err error
	if l.system != nil && l.system.Process != nil {
		timer := time.AfterFunc(stopPatience, func() { _ = l.system.Process.Kill() })
		defer timer.Stop()
		err = errors.Join(l.system.Process.Signal(syscall.SIGTERM), l.system.Wait())
	}
	return errors.Join(err, os.RemoveAll(l.dir))
}
