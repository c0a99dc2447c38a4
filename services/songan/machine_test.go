package songan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/testkit"
)

// machine is the whole system in one process, as a user starts it: the built command, a data directory, two ports.
type machine struct {
	binary, dir string
	env         []string
	base        string
	log         *logFile

	process *exec.Cmd
	ended   chan error
	demo    demoFile
}

// demoFile is what the tests need of demo.json.
type demoFile struct {
	BaseURL    string `json:"base_url"`
	Kafka      string `json:"kafka"`
	Postgres   string `json:"postgres"`
	Population string `json:"population_control"`
	Actors     map[string]struct {
		Name     string `json:"name"`
		Role     string `json:"role"`
		Token    string `json:"token"`
		Facility string `json:"facility"`
		Unit     string `json:"unit"`
	} `json:"actors"`
}

// build compiles the command once per test process.
var build = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // built once, used by all tests
	dir, err := os.MkdirTemp("", "songan-bin-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "songan")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", binary, "./cmd/songan").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return binary, nil
})

// newMachine prepares a system that has never run. It runs on the cluster of KAFKA_BROKERS when that is set.
func newMachine(t *testing.T) *machine {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	address := testkit.FreeAddress(t)
	m := &machine{binary: binary, dir: dir, base: "http://" + address, log: newLogFile(t, filepath.Join(dir, "output.log"))}
	m.env = append(os.Environ(),
		"SONGAN_DATA="+filepath.Join(dir, "data"), "SONGAN_HTTP="+address, "SONGAN_KAFKA="+testkit.FreeAddress(t),
		fmt.Sprintf("SONGAN_TOPICS=test%d", time.Now().UnixNano()))
	t.Cleanup(func() {
		if m.process != nil {
			m.kill(t)
		}
	})
	return m
}

// ready is how long one step of the system, such as its stop, may take on a busy machine.
const ready = 90 * time.Second

// launch runs the command.
func (m *machine) launch(t *testing.T) {
	t.Helper()
	m.process = exec.CommandContext(context.Background(), m.binary, "run")
	m.process.Env, m.process.Stdout, m.process.Stderr = m.env, m.log, m.log
	if err := m.process.Start(); err != nil {
		t.Fatal(err)
	}
	m.ended = make(chan error, 1)
	go func(p *exec.Cmd, ended chan<- error) { ended <- p.Wait() }(m.process, m.ended)
}

// start runs the command and waits until it can serve.
func (m *machine) start(t *testing.T) {
	t.Helper()
	m.launch(t)
	m.await(t)
}

// await waits until what was launched can serve, and reads where everything is.
func (m *machine) await(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, func() error {
		select {
		case err := <-m.ended:
			m.ended <- err
			t.Fatalf("the system ended while it started: %v\n%s", err, m.log.tail())
		default:
		}
		status, _, err := m.call(t.Context(), http.MethodGet, "/readyz", "", "", nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("readyz answered %d", status)
		}
		return err
	})
	data, err := os.ReadFile(filepath.Join(m.dir, "data", "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &m.demo); err != nil {
		t.Fatal(err)
	}
}

// kill ends the process as a power cut would, and proves that it did.
func (m *machine) kill(t *testing.T) {
	t.Helper()
	if err := m.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	err := <-m.ended
	m.process = nil
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process was not killed: %v\n%s", err, m.log.tail())
	}
}

// stop asks the process to end, and expects that it does so cleanly.
func (m *machine) stop(t *testing.T) {
	t.Helper()
	if err := m.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-m.ended:
		m.process = nil
		if err != nil {
			t.Fatalf("the system did not stop cleanly: %v\n%s", err, m.log.tail())
		}
	case <-time.After(ready):
		t.Fatalf("the system did not stop\n%s", m.log.tail())
	}
}

// client gives up on a system that was killed in the middle of an answer.
var client = &http.Client{Timeout: 20 * time.Second} //nolint:gochecknoglobals // one connection pool for all calls

// call sends a request as an actor. A key makes it a change.
func (m *machine) call(ctx context.Context, method, path, actor, key string, body any) (int, []byte, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, m.base+path, content)
	if err != nil {
		return 0, nil, err
	}
	if actor != "" {
		request.Header.Set("Authorization", "Bearer "+m.demo.Actors[actor].Token)
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, data, err
}

// logFile collects what the process prints over all its lives.
type logFile struct {
	mu   sync.Mutex
	file *os.File
}

func newLogFile(t *testing.T, path string) *logFile {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &logFile{file: f}
}

// Write appends what the process printed.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Write(p)
}

func (l *logFile) all() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	data, _ := os.ReadFile(l.file.Name())
	return data
}

// tail is the end of the log, for a failing test.
func (l *logFile) tail() []byte {
	const most = 4000
	data := l.all()
	return data[max(0, len(data)-most):]
}
