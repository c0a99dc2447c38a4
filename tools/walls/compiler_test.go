package walls_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/songan-vn/songan/tools/walls"
)

// The two walls that Go itself keeps: here they are broken once, to see that they hold the way the house is laid out.

func TestAModuleThatBorrowsFromTheWorkspaceDoesNotBuildAlone(t *testing.T) {
	t.Parallel()
	dir := workspace(t, `package one

import _ "`+ours+`services/two"
`)
	if out, err := inWorkspace(t, dir, "build", "./services/one"); err != nil {
		t.Fatalf("the violation must be one that the workspace hides: %v\n%s", err, out)
	}
	_, err := walls.Go(t.Context(), filepath.Join(dir, "services", "one"), "build", "./...")
	if err == nil || !strings.Contains(err.Error(), ours+"services/two") {
		t.Fatalf("got %v, want a missing requirement", err)
	}
}

func TestTheInsideOfAServiceIsClosedToOthers(t *testing.T) {
	t.Parallel()
	dir := workspace(t, `package one

import _ "`+ours+`services/two/internal/secret"
`)
	out, err := inWorkspace(t, dir, "build", "./services/one")
	if err == nil || !strings.Contains(out, "use of internal package") {
		t.Fatalf("got %v, want the compiler's refusal\n%s", err, out)
	}
}

// workspace lays out two services as the house does; one's only file is given.
func workspace(t *testing.T, one string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.work"), "go 1.26.0\n\nuse (\n\t./services/one\n\t./services/two\n)\n")
	write(t, filepath.Join(dir, "services/one/go.mod"), "module "+ours+"services/one\n\ngo 1.26.0\n")
	write(t, filepath.Join(dir, "services/one/one.go"), one)
	write(t, filepath.Join(dir, "services/two/go.mod"), "module "+ours+"services/two\n\ngo 1.26.0\n")
	write(t, filepath.Join(dir, "services/two/two.go"), "package two\n")
	write(t, filepath.Join(dir, "services/two/internal/secret/secret.go"), "package secret\n")
	return dir
}

func inWorkspace(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(dir, "go.work"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
