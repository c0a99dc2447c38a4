package service_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/testkit"
)

// TestMain is also the process that the tests of Main start: see child.
func TestMain(m *testing.M) {
	if os.Getenv("SONGAN_TEST_CHILD") != "" {
		service.Main("hello", hello)
		return
	}
	goleak.VerifyTestMain(m)
}

// hello is a service that says when it is there, and holds one request for ever.
func hello(_ context.Context, d service.Deps) (service.Service, error) {
	if d.API.Service != "hello" {
		return service.Service{}, errors.New("another service's dependencies")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/hello/hang", func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		select {}
	})
	return service.Service{Name: "hello", Handler: mux, Runners: []service.Runner{waiter("clock")}}, nil
}

func waiter(name string) service.Runner {
	return service.Runner{Name: name, Run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
}

// hosted is a running set of services.
type hosted struct {
	url  string
	stop context.CancelFunc
	done chan error
}

func host(t *testing.T, change func(*service.Config), services ...service.Service) *hosted {
	t.Helper()
	c, err := service.LoadFrom[service.Config](map[string]string{"SONGAN_HTTP": "127.0.0.1:0", "SONGAN_STOP_PATIENCE": "5s"})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := &hosted{stop: cancel, done: make(chan error, 1)}
	listening := make(chan net.Addr, 1)
	go func() {
		h.done <- service.Run(ctx, service.Host{
			Config: c, Log: zap.NewNop(), Metrics: telemetry.Metrics(), Listening: func(a net.Addr) { listening <- a },
		}, services...)
	}()
	select {
	case a := <-listening:
		h.url = "http://" + a.String()
	case err := <-h.done:
		t.Fatalf("did not start: %v", err)
	}
	t.Cleanup(cancel)
	return h
}

func (h *hosted) get(t *testing.T, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	data, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(data)
}

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func TestServicesAreMountedSideBySide(t *testing.T) {
	t.Parallel()
	h := host(t, nil,
		service.Service{Name: "accommodation", Handler: says("stays")},
		service.Service{Name: "bankgateway", Path: "/banks/", Handler: says("banks")},
		service.Service{Name: "identity"},
	)
	for path, want := range map[string]string{
		"/accommodation/v1/x": "200 stays", "/banks/v1/x": "200 banks", "/healthz": `200 {"status":"alive"}` + "\n",
		"/readyz": `200 {"status":"ready","services":{"accommodation":"ready","bankgateway":"ready","identity":"ready"}}` + "\n",
	} {
		if status, body := h.get(t, path); fmt.Sprint(status, " ", body) != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := h.get(t, "/identity/x"); status != 404 || !strings.Contains(body, `"code":"not_found"`) {
		t.Error(status, body)
	}
	h.stop()
	if err := <-h.done; err != nil {
		t.Error(err)
	}
}

func TestAServiceThatIsNotReadySaysSoWithoutSayingWhy(t *testing.T) {
	t.Parallel()
	h := host(t, nil,
		service.Service{Name: "a", Ready: func(context.Context) error { return errors.New("database db7.internal away") }},
		service.Service{Name: "b", Ready: func(context.Context) error { return nil }},
	)
	want := `503 {"status":"not_ready","services":{"a":"not_ready","b":"ready"}}` + "\n"
	if status, body := h.get(t, "/readyz"); fmt.Sprint(status, " ", body) != want {
		t.Error(status, body)
	}
}

// diary writes down what happens in which order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func TestStoppingHasAnOrder(t *testing.T) {
	t.Parallel()
	var d diary
	inside, release := make(chan struct{}), make(chan struct{})
	stopAware := func(name string) service.Service {
		return service.Service{
			Name: name,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(inside)
				<-release
				d.note("request finished")
				w.WriteHeader(http.StatusNoContent)
			}),
			Runners: []service.Runner{{Name: "relay", Run: func(ctx context.Context) error {
				<-ctx.Done()
				d.note("runner stopped")
				return nil
			}}},
			Close: func() error { d.note("closed " + name); return nil },
		}
	}
	h := host(t, func(c *service.Config) { c.StopDelay, c.StopPatience = 3*time.Second, time.Minute },
		stopAware("a"), service.Service{Name: "b", Close: func() error { d.note("closed b"); return nil }})
	answered := make(chan int, 1)
	go func() {
		status, _ := h.get(t, "/a/x")
		answered <- status
	}()
	<-inside
	h.stop()
	testkit.Eventually(t, func() error { // still listening, so that load balancers hear it
		if status, body := h.get(t, "/readyz"); status != 503 || !strings.Contains(body, "stopping") {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
	testkit.Eventually(t, func() error {
		if status, _ := h.get(t, "/healthz"); status != 0 {
			return errors.New("still listening")
		}
		return nil
	})
	close(release)
	if status := <-answered; status != http.StatusNoContent {
		t.Errorf("the request under way: %d", status)
	}
	if err := <-h.done; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"request finished", "runner stopped", "closed b", "closed a"}, d.lines); diff != "" {
		t.Error(diff)
	}
}

func TestARequestThatDoesNotEndIsCut(t *testing.T) {
	t.Parallel()
	inside, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	h := host(t, func(c *service.Config) { c.StopPatience = 50 * time.Millisecond }, service.Service{
		Name: "a", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(inside); <-end }),
	})
	answered := make(chan int, 1)
	go func() {
		status, _ := h.get(t, "/a/x")
		answered <- status
	}()
	<-inside
	h.stop()
	if err := <-h.done; err != nil {
		t.Error(err)
	}
	if status := <-answered; status != 0 {
		t.Error(status)
	}
}

func TestARunnerThatEndsEndsTheProcessWithItsCause(t *testing.T) {
	t.Parallel()
	broken := errors.New("log is ahead of us")
	for name, test := range map[string]struct {
		run  func(context.Context) error
		want string
	}{
		"by an error": {func(context.Context) error { return broken }, "a: runner relay: log is ahead of us"},
		"by itself":   {func(context.Context) error { return nil }, "a: runner relay: ended although nobody asked it to"},
		"by a panic":  {func(context.Context) error { panic("guest Nguyễn Văn An") }, "a: runner relay: panic: string\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed, begin := false, make(chan struct{})
			h := host(t, nil, service.Service{
				Name: "a",
				Runners: []service.Runner{waiter("other"), {Name: "relay", Run: func(ctx context.Context) error {
					<-begin
					return test.run(ctx)
				}}},
				Close: func() error { closed = true; return nil },
			})
			close(begin)
			err := <-h.done
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "Nguyễn") {
				t.Error(err)
			}
			if !closed {
				t.Error("not closed")
			}
		})
	}
}

func TestARunnerThatDoesNotStopIsNamed(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	defer close(end)
	h := host(t, func(c *service.Config) { c.StopPatience = 5 * time.Second }, service.Service{
		Name: "a", Runners: []service.Runner{waiter("good"), {Name: "stuck", Run: func(context.Context) error { <-end; return nil }}},
	})
	h.stop()
	if err := <-h.done; err == nil || err.Error() != "did not stop within 5s: a/stuck" {
		t.Error(err)
	}
}

func TestAPortInUseIsOneClearSentence(t *testing.T) {
	t.Parallel()
	h := host(t, nil)
	c := service.Config{HTTP: strings.TrimPrefix(h.url, "http://")}
	closed := false
	err := service.Run(t.Context(), service.Host{Config: c, Log: zap.NewNop(), Metrics: telemetry.Metrics()},
		service.Service{Name: "a", Close: func() error { closed = true; return errors.New("broken") }})
	want := "SONGAN_HTTP: " + c.HTTP + " is in use by another process; stop that one, or set SONGAN_HTTP to another address\nclose a: broken"
	if err == nil || err.Error() != want || !closed {
		t.Errorf("%v, closed: %v", err, closed)
	}
	c.HTTP = "nowhere"
	if err := service.Run(t.Context(), service.Host{Config: c, Log: zap.NewNop(), Metrics: telemetry.Metrics()}); err == nil {
		t.Error("listens nowhere")
	}
}

func TestTwoServicesCannotShareAPath(t *testing.T) {
	t.Parallel()
	err := service.Run(t.Context(), service.Host{Log: zap.NewNop(), Metrics: telemetry.Metrics()},
		service.Service{Name: "a", Handler: says("a")}, service.Service{Name: "b", Path: "/a/", Handler: says("b")})
	if err == nil || err.Error() != "services a and b both want the path /a/" {
		t.Error(err)
	}
}

// child runs the service hello in a process of its own, and waits until it listens.
func child(t *testing.T, address string) (process *exec.Cmd, listening string, rest func() string) {
	t.Helper()
	process = exec.CommandContext(t.Context(), os.Args[0])
	process.Env = append(os.Environ(), "SONGAN_TEST_CHILD=1", "SONGAN_HTTP="+address, "SONGAN_STOP_PATIENCE=1m")
	errs, err := process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(errs)
	said := ""
	for listening == "" && lines.Scan() {
		said += lines.Text() + "\n"
		if _, after, ok := strings.Cut(lines.Text(), `"listening"`); ok {
			_, after, _ = strings.Cut(after, `"at":"`)
			listening, _, _ = strings.Cut(after, `"`)
		}
	}
	return process, listening, func() string {
		for lines.Scan() {
			said += lines.Text() + "\n"
		}
		return said
	}
}

func TestASignalStopsTheProcessInGoodOrder(t *testing.T) {
	t.Parallel()
	process, listening, rest := child(t, "127.0.0.1:0")
	testkit.Eventually(t, func() error { // it listens a moment before it is ready
		if status, _ := (&hosted{url: "http://" + listening}).get(t, "/readyz"); status != 200 {
			return fmt.Errorf("readyz answers %d", status)
		}
		return nil
	})
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said := rest()
	if err := process.Wait(); err != nil || !strings.Contains(said, `"stopped"`) {
		t.Error(err, said)
	}
}

func TestASecondSignalStopsTheProcessAtOnce(t *testing.T) {
	t.Parallel()
	process, listening, rest := child(t, "127.0.0.1:0")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listening+"/hello/hang", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r) // its end is what the first signal waits for
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		if status, _ := (&hosted{url: "http://" + listening}).get(t, "/healthz"); status != 0 {
			return errors.New("still listening")
		}
		return nil
	})
	if err := process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	said := rest()
	if err := process.Wait(); process.ProcessState.ExitCode() != 130 || strings.Contains(said, `"stopped"`) {
		t.Error(err, said)
	}
}

func TestAProcessThatCannotStartSaysWhyAndFails(t *testing.T) {
	t.Parallel()
	h := host(t, nil)
	address := strings.TrimPrefix(h.url, "http://")
	process, _, rest := child(t, address)
	said := rest()
	want := "hello: SONGAN_HTTP: " + address + " is in use by another process; stop that one, or set SONGAN_HTTP to another address\n"
	if err := process.Wait(); process.ProcessState.ExitCode() != 1 || !strings.HasSuffix(said, want) {
		t.Error(err, said)
	}
}

func TestDependenciesAreMadeFromTheConfiguration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	token, key := access.Generate(access.Principal{Role: access.Admin})
	if err := access.WriteKeys(path, []access.Key{key}); err != nil {
		t.Fatal(err)
	}
	c := service.Config{AccessKeys: path, DatabaseURL: "postgres://x/y", Requests: 1, Streams: 1}
	d, closeDeps, err := service.NewDeps(t.Context(), "hello", c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := closeDeps(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	d = d.For("hello")
	_, own := access.Generate(access.Principal{Role: access.Facility, Facility: "F1"})
	who, err := d.Auth(access.Static(own)).Authenticate(t.Context(), "Bearer "+token, "192.0.2.1")
	if err != nil || who != key.Principal {
		t.Error(who, err)
	}
	if d.DatabaseURL != "postgres://x/y" || d.API.Service != "hello" || d.API.Down == nil || d.Host().Metrics != d.Metrics {
		t.Errorf("%+v", d)
	}
	for name, wrong := range map[string]service.Config{
		"SONGAN_ACCESS_KEYS": {AccessKeys: path + "x"}, "SONGAN_LOG_LEVEL": {LogLevel: "loud"},
	} {
		if _, _, err := service.NewDeps(t.Context(), "hello", wrong); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}
