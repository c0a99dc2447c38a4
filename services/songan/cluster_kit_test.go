package songan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/songan-vn/songan/libs/testkit"
)

// program is one process of the cluster over all its lives.
type program struct {
	name string
	// launch starts a life of it; log is where its output goes, empty for what testkit keeps.
	launch func(t *testing.T) *testkit.Process
	log    string
	// up tells whether it works; nil is at once.
	up func(ctx context.Context) error

	process       *testkit.Process
	kills, starts int
	// down says that it was killed, and is to be started again later.
	down bool
	// gaveUp counts lives that ended by themselves before they served, because something was away that a start needs.
	gaveUp int
	// before is the size of log when this life began.
	before int64
}

// start begins the next life of the program.
func (p *program) start(t *testing.T) {
	t.Helper()
	if info, err := os.Stat(p.log); err == nil {
		p.before = info.Size()
	}
	p.process, p.down = p.launch(t), false
	p.starts++
}

// alive tells whether the process is still there.
func (p *program) alive() bool { return syscall.Kill(p.process.PID(), 0) == nil }

// revive starts a program again that has ended by itself, as whoever supervises it in production does. Only a start may
// end so; a service that has served waits for what is away.
func (p *program) revive(t *testing.T) {
	t.Helper()
	if p.alive() {
		return
	}
	said, _ := os.ReadFile(p.log)
	if said = said[min(int64(len(said)), p.before):]; bytes.Contains(said, []byte(`"msg":"listening"`)) || p.log == "" {
		t.Fatalf("%s ended by itself: %v\n%s", p.name, p.process.Wait(ready), p.tail())
	}
	p.gaveUp++
	t.Logf("            %s gave up its start: %s", p.name, bytes.TrimSpace(said[bytes.LastIndexByte(bytes.TrimSpace(said), '\n')+1:]))
	p.start(t)
}

// kill ends the process by SIGKILL, and proves by its exit status that nothing else did.
func (p *program) kill(t *testing.T) {
	t.Helper()
	const attempts = 5
	var err error
	for range attempts {
		p.revive(t)
		p.process.Kill()
		err = p.process.Wait(ready)
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
			p.kills++
			p.down = true
			return
		}
	}
	t.Fatalf("%s ended by itself whenever it was to be killed: %v\n%s", p.name, err, p.tail())
}

// tail is the end of what the program has said in all its lives. What went well is left out but for the very last lines:
// a service says something about every request.
func (p *program) tail() []byte {
	const most, last = 4000, 4
	data := []byte(p.process.Stderr())
	if p.log != "" {
		data, _ = os.ReadFile(p.log)
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	var kept [][]byte
	for i, line := range lines {
		if i >= len(lines)-last || !bytes.Contains(line, []byte(`"level":"info"`)) {
			kept = append(kept, line)
		}
	}
	text := bytes.Join(kept, []byte("\n"))
	return text[max(0, len(text)-most):]
}

// programs builds the commands of the services and simulators, and returns the folder they are in.
func programs(t *testing.T) string {
	t.Helper()
	const module = "github.com/songan-vn/songan/services/"
	dir := t.TempDir()
	// Without the tables of a debugger, linking takes half as long.
	arguments := []string{"build", "-ldflags=-w -s", "-o", dir + "/", module + "simulators/cmd/population", module + "simulators/cmd/bank"}
	for _, s := range services() {
		arguments = append(arguments, module+s+"/cmd/"+s)
	}
	if out, err := exec.CommandContext(t.Context(), "go", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("build the programs: %v\n%s", err, out)
	}
	return dir
}

// services are the services of the cluster, in the order in which they are named.
func services() []string {
	return []string{"accommodation", "accounts", "bankgateway", "disbursement", "identity"}
}

// built is a program that runs with this environment and no other variable of ours.
func (c *cluster) built(t *testing.T, name, binary string, environment map[string]string) *program {
	t.Helper()
	all := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
	for key, value := range environment {
		all = append(all, key+"="+value)
	}
	slices.Sort(all)
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	file, log := filepath.Join(c.dir, name+".env"), filepath.Join(c.dir, name+".log")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return &program{name: name, log: log, launch: func(t *testing.T) *testkit.Process {
		t.Helper()
		return testkit.Child(t, roleRun, filepath.Join(c.binaries, binary), file, log)
	}}
}

// answers tells whether a GET is answered with 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %d", url, response.StatusCode)
		}
		return nil
	}
}

// supervise starts again what has given up its start.
func (c *cluster) supervise(t *testing.T) {
	t.Helper()
	for _, p := range c.programs {
		if p.process != nil && !p.down {
			p.revive(t)
		}
	}
}

// await waits until programs work.
func (c *cluster) await(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		p := c.programs[name]
		testkit.Eventually(t, func() error {
			c.supervise(t)
			if p.up == nil {
				return nil
			}
			return p.up(t.Context())
		})
	}
}

// showTails prints what every program said last, when the test has failed.
func (c *cluster) showTails(t *testing.T) {
	t.Helper()
	if !t.Failed() {
		return
	}
	for name, p := range c.programs {
		if p.process != nil {
			t.Logf("--- %s, %d starts, %d kills:\n%s", name, p.starts, p.kills, bytes.TrimSpace(p.tail()))
		}
	}
}
