package songan_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/testkit"
)

// The README's tour is run as it stands there, in one shell, on a system that has just started.
func TestTheTourOfTheREADMEWorks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system")
	}
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tour, found := strings.Cut(string(readme), "\n## A tour\n")
	if !found {
		t.Fatal("the README has no tour")
	}
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(tour, -1) {
		script.WriteString(block[1] + "\n")
	}
	m := newMachine(t)
	m.start(t)
	if err := os.Symlink(filepath.Join(m.dir, "data"), filepath.Join(m.dir, ".songan")); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.ReplaceAll(script.String(), "http://127.0.0.1:8080", m.base))
	shell.Dir = m.dir
	output, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("the tour fails: %v\n%s", err, output)
	}
	for _, expected := range []string{
		`"status":"notified"`, `"full_name":"Tạ Duy Đức"`, `"code":"citizen_id_length"`,
		`{"index":0,"status":201`, `{"index":1,"status":422`, `{"index":2,"status":201`, `"key":"tourist"`, `"identity":"pending"`,
	} {
		if !strings.Contains(string(output), expected) {
			t.Errorf("the tour does not show %s:\n%s", expected, output)
		}
	}
	waitForChecks(t, m, strings.Count(string(output), `"status":201`)+2)
	testkit.Eventually(t, ready, func() error {
		if matched := query[int](t, m, "identity", `select count(*) from events where type = 'identity.matched.v1'`); matched[0] == 0 {
			return fmt.Errorf("nobody was matched")
		}
		return nil
	})
	m.stop(t)
}
